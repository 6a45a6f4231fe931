"""What merchants write about attribution: the next version of the terms, codes, a list of codes, a comparison."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.attribution_terms import AttributionChoices
from ledger.errors import Refusal
from ledger.money import Money
from portal.attribution_sentences import MEANINGS, MODELS
from portal.merchant.forms import set_choices
from portal.merchant.rule_forms import VersionForm

type Data = Mapping[str, Any] | None

_HUNDRED = Decimal(100)

#: The largest list of codes that is read, in bytes.
LARGEST_LIST = 2 * 1024 * 1024


class AttributionForm(VersionForm):
    """The next version of a program's terms, as far as attribution goes."""

    attribution_model = forms.ChoiceField(label=_("Who is paid"), widget=forms.RadioSelect)
    half_life_days = forms.IntegerField(
        label=_("Half-life"), min_value=1, max_value=365, help_text=_("For time decay, in days.")
    )
    window_days = forms.IntegerField(
        label=_("Window for clicks"), min_value=1, max_value=365, help_text=_("Days from the click to the order.")
    )
    view_window_days = forms.IntegerField(
        label=_("Window for views"), min_value=0, max_value=365, help_text=_("In days; 0: views earn nothing.")
    )
    lead_window_days = forms.IntegerField(
        label=_("Window for leads"), min_value=0, max_value=365, required=False,
        help_text=_("Days from the click to a lead. Empty: as for orders."),
    )  # fmt: skip
    coupon_policy = forms.ChoiceField(
        label=_("Codes of partners"),
        choices=[
            ("always", _("A code wins over clicks, and without one")),
            ("involved", _("A code wins when its partner has a click too")),
            ("winner", _("Codes decide nothing, the clicks do")),
        ],
    )
    coupon_window_days = forms.IntegerField(
        label=_("Window for a code's click"), min_value=0, max_value=365,
        help_text=_("How many days before the order that click may lie."),
    )  # fmt: skip
    unassigned_code = forms.ChoiceField(
        label=_("Codes of nobody's"),
        choices=[("ignore", _("The clicks decide")), ("no_commission", _("Nobody is paid"))],
    )
    lifetime_days = forms.IntegerField(
        label=_("Customers stay with their partner"), min_value=0, max_value=36_500,
        help_text=_("In days from the first order; 0: not at all, 36500: for ever."),
    )  # fmt: skip
    cross_device = forms.BooleanField(
        label=_("Count clicks on the customer's other devices"), required=False,
        help_text=_("They are joined by the customer number and the hashed address that your shop reports."),
    )  # fmt: skip
    cart_freeze = forms.ChoiceField(
        label=_("Clicks during the checkout"),
        choices=[("off", _("Count")), ("soft", _("Soft clicks do not count")), ("all", _("No click counts"))],
        help_text=_("Your shop says when the checkout began: metadata.checkout_started_at."),
    )
    assist_percent = forms.DecimalField(
        label=_("Assist"), min_value=0, max_value=100, max_digits=7, decimal_places=4,
        help_text=_("Percent of the order for each partner who took part and did not win; 0: nothing."),
    )  # fmt: skip
    assist_cap = forms.CharField(
        label=_("Assists of a partner a day"), required=False, max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("The most, as an amount. Empty: no limit."),
    )  # fmt: skip

    def __init__(
        self, data: Data = None, *, zone: str, currency: str, choices: AttributionChoices, window_days: int
    ) -> None:
        super().__init__(data, zone=zone)
        self.currency = currency
        self.other_windows = {event: windows for event, windows in choices.event_windows.items() if event != "lead"}
        self.lead_view = choices.event_windows.get("lead", {}).get("view")
        set_choices(
            self, "attribution_model", [(model, f"{MODELS[model]}. {meaning}") for model, meaning in MEANINGS.items()]
        )
        self.initial = {
            "attribution_model": choices.attribution_model,
            "half_life_days": choices.half_life_days,
            "window_days": window_days,
            "view_window_days": choices.view_window_days,
            "lead_window_days": choices.event_windows.get("lead", {}).get("click"),
            "coupon_policy": choices.coupon_policy,
            "coupon_window_days": choices.coupon_window_days,
            "unassigned_code": choices.unassigned_code,
            "lifetime_days": choices.lifetime_days,
            "cross_device": choices.cross_device,
            "cart_freeze": choices.cart_freeze,
            "assist_percent": (choices.assist_rate * _HUNDRED).normalize(),
            "assist_cap": Money(choices.assist_daily_cap_minor, currency).major
            if choices.assist_daily_cap_minor
            else "",
        }
        if data is None:
            self.initial["assist_percent"] = f"{(choices.assist_rate * _HUNDRED).normalize():f}"

    def clean_assist_cap(self) -> int:
        """The limit in minor units; 0 without one."""
        text = str(self.cleaned_data["assist_cap"]).strip()
        if not text:
            return 0
        try:
            return Money.parse(text, self.currency).minor
        except Refusal:
            raise forms.ValidationError(
                _("Assists of a partner a day: write an amount in %(currency)s.") % {"currency": self.currency}
            ) from None

    def choices(self) -> AttributionChoices:
        """What was written, as terms have it."""
        said = self.cleaned_data
        lead: dict[str, int] = {} if self.lead_view is None else {"view": self.lead_view}
        if said["lead_window_days"] is not None:
            lead["click"] = said["lead_window_days"]
        return AttributionChoices(
            attribution_model=said["attribution_model"],
            half_life_days=said["half_life_days"],
            view_window_days=said["view_window_days"],
            coupon_window_days=said["coupon_window_days"],
            lifetime_days=said["lifetime_days"],
            coupon_policy=said["coupon_policy"],
            unassigned_code=said["unassigned_code"],
            cross_device=said["cross_device"],
            cart_freeze=said["cart_freeze"],
            event_windows={**self.other_windows, **({"lead": lead} if lead else {})},
            assist_rate=said["assist_percent"] / _HUNDRED,
            assist_daily_cap_minor=said["assist_cap"],
        )


class CouponFilterForm(forms.Form):
    """The question to the list of codes."""

    q = forms.CharField(label=_("Code or partner"), required=False, max_length=64, widget=forms.SearchInput)
    state = forms.ChoiceField(
        label=_("State"), required=False,
        choices=[("", _("All")), ("live", _("Live")), ("planned", _("Planned")), ("ended", _("Ended"))],
    )  # fmt: skip
    program = forms.ChoiceField(label=_("Program"), required=False)

    def __init__(self, data: Data = None, *, programs: Sequence[tuple[str, str]]) -> None:
        super().__init__(data)
        set_choices(self, "program", [("", _("All")), *programs])
        if len(programs) <= 1:
            del self.fields["program"]


class CouponForm(forms.Form):
    """A code: whose it is, how strongly it speaks, and when."""

    program = forms.ChoiceField(label=_("Program"))
    code = forms.CharField(
        label=_("Code"), max_length=64, help_text=_("As customers type it; upper and lower case are the same.")
    )
    partner = forms.ChoiceField(
        label=_("Partner"),
        required=False,
        help_text=_("Without a partner it is a code of the shop: it decides nothing."),
    )
    is_exclusive = forms.BooleanField(
        label=_("Exclusive to this partner"), required=False, help_text=_("It always wins, whatever the policy is.")
    )
    policy = forms.ChoiceField(
        label=_("Policy"), required=False,
        choices=[
            ("", _("As the program's terms say")),
            ("always", _("Wins over clicks, and without one")),
            ("involved", _("Wins when its partner has a click too")),
            ("winner", _("Never wins by itself")),
        ],
    )  # fmt: skip
    starts_on = forms.DateField(
        label=_("First day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: at once."),
    )  # fmt: skip
    ends_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: no end."),
    )  # fmt: skip

    def __init__(
        self,
        data: Data = None,
        *,
        zone: str,
        programs: Sequence[tuple[str, str]],
        partners: Sequence[tuple[str, str]],
        is_new: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.zone = ZoneInfo(zone)
        set_choices(self, "program", programs)
        set_choices(self, "partner", [("", _("Nobody: a code of the shop")), *partners])
        if not is_new:
            del self.fields["program"]
            del self.fields["code"]
        elif len(programs) == 1:
            self.fields["program"].widget = forms.HiddenInput()
            self.initial["program"] = programs[0][0]

    def starts_at(self, otherwise: datetime) -> datetime:
        """The first day's midnight in the merchant's zone; what is given where the day was left as it was."""
        day: date | None = self.cleaned_data.get("starts_on")
        if day is None or day == otherwise.astimezone(self.zone).date():
            return otherwise
        return _midnight(day, self.zone)

    def ends_at(self) -> datetime | None:
        """The midnight after the last day; None without an end."""
        day: date | None = self.cleaned_data.get("ends_on")
        return _midnight(day + timedelta(days=1), self.zone) if day else None


class OwnCodesForm(forms.Form):
    """A code for every partner of a program, by a pattern."""

    program = forms.ChoiceField(label=_("Program"))
    pattern = forms.CharField(
        label=_("Pattern"), required=False, max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "dir": "ltr", "placeholder": "{name}10"}),
        help_text=_("{name} becomes the partner's name in capitals. Empty: no codes are made by themselves."),
    )  # fmt: skip
    is_for_all = forms.BooleanField(
        label=_("Also make codes now for partners who have none"), required=False, initial=True
    )

    def __init__(self, data: Data = None, *, programs: Sequence[tuple[str, str]], initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        set_choices(self, "program", programs)


class CouponListForm(forms.Form):
    """Codes brought in by a list."""

    program = forms.ChoiceField(label=_("Program"))
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("Columns code, partner, exclusive, policy, starts_on, ends_on; only code is needed."),
    )
    is_rehearsal = forms.BooleanField(
        label=_("Only try it"), required=False, help_text=_("Say what would become of each row and change nothing.")
    )

    def __init__(self, data: Data = None, files: Any = None, *, programs: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, files)
        set_choices(self, "program", programs)

    def clean_file(self) -> str:
        """The list's text."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_LIST:
            raise forms.ValidationError(_("CSV file: at most 2 MB."))
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(_("CSV file: save it as UTF-8.")) from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone).astimezone(UTC)

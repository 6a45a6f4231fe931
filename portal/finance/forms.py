"""What people type at the finance desk."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from affiliates.queries import merchants
from ledger.errors import Refusal
from ledger.money import Money

_DAY = forms.DateInput(attrs={"type": "date"})


def last_month(today: date) -> tuple[date, date]:
    """The first and the last day of the month before."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


class PeriodForm(forms.Form):
    """The days a run pays for."""

    first_day = forms.DateField(label=_("First day"), widget=_DAY)
    last_day = forms.DateField(label=_("Last day"), widget=_DAY)

    def clean(self) -> dict[str, Any]:
        """A period goes forward and lies behind us."""
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("first_day"), given.get("last_day")
        if first and last and first > last:
            self.add_error("last_day", gettext("Last day: choose a day after the first one."))
        if last and last > timezone.now().astimezone(UTC).date():
            self.add_error("last_day", gettext("Last day: choose today or a day before."))
        return given

    @property
    def starts_at(self) -> datetime:
        """The period's start."""
        return _midnight(self.cleaned_data["first_day"])

    def ends_at(self, now: datetime) -> datetime:
        """The instant after the last day; now when that day is not over."""
        return min(_midnight(self.cleaned_data["last_day"] + timedelta(days=1)), now)


class PrepareForm(PeriodForm):
    """The period and what the run is called."""

    label = forms.CharField(
        label=_("Name of the run"), max_length=40, help_text=_("It stands on every statement, such as 2026-10.")
    )

    field_order = ["label", "first_day", "last_day"]


class NoteForm(forms.Form):
    """A sentence for whoever reads the log."""

    note = forms.CharField(label=_("Note"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class DepositForm(forms.Form):
    """Money that arrived from a merchant."""

    merchant = forms.ChoiceField(label=_("Merchant"))
    amount = forms.CharField(
        label=_("Amount"),
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        help_text=_("In the merchant's currency, such as 1200.00."),
    )
    reference = forms.CharField(
        label=_("Reference"), max_length=80, help_text=_("The bank's own. The same reference is booked once.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.merchants = {one.slug: one for one in merchants()}
        choices = [(slug, f"{one.name} ({one.currency})") for slug, one in self.merchants.items()]
        self.fields["merchant"].choices = choices  # type: ignore[attr-defined]

    def clean_reference(self) -> str:
        """Spaces around a pasted reference are not part of it."""
        text: str = self.cleaned_data["reference"].strip()
        return text

    def clean(self) -> dict[str, Any]:
        """Read the amount in the merchant's currency."""
        given: dict[str, Any] = super().clean() or {}
        merchant = self.merchants.get(given.get("merchant", ""))
        if merchant is not None and given.get("amount"):
            try:
                given["money"] = Money.parse(given["amount"].strip(), merchant.currency)
                if not given["money"]:
                    self.add_error("amount", gettext("Amount: write more than nothing."))
            except Refusal:
                self.add_error(
                    "amount",
                    ValidationError(
                        gettext("Amount: write a number such as %(example)s.")
                        % {"example": Money(120_000, merchant.currency).major}
                    ),
                )
        return given


class RunFilter(forms.Form):
    """Which runs are listed."""

    status = forms.ChoiceField(label=_("State"), required=False, choices=[
        ("", _("All")), ("open", _("Open")), ("closed", _("Closed")), ("cancelled", _("Cancelled")),
    ])  # fmt: skip


class LinesFilter(forms.Form):
    """Which lines of a run are listed; the view stays as it is."""

    q = forms.CharField(label=_("Partner"), required=False, widget=forms.SearchInput)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[
        ("", _("All")), ("to_go", _("Not sent yet")), ("held", _("Held")), ("sent", _("Sent")), ("paid", _("Paid")),
        ("back", _("Given back")),
    ])  # fmt: skip
    view = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, currencies: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].choices = [("", _("All")), *((code, code) for code in currencies)]  # type: ignore[attr-defined]


class AccountsFilter(forms.Form):
    """Which accounts of the book are listed."""

    q = forms.CharField(label=_("Whose"), required=False, widget=forms.SearchInput)
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    currency = forms.ChoiceField(label=_("Currency"), required=False)
    show = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("With a balance")), ("all", _("Empty ones too"))]
    )

    def __init__(self, *args: Any, kinds: list[tuple[str, Any]], currencies: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", _("All")), *kinds]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [("", _("All")), *((code, code) for code in currencies)]  # type: ignore[attr-defined]


class DaysFilter(forms.Form):
    """A stretch of days of an account."""

    start = forms.DateField(label=_("From"), required=False, widget=_DAY)
    end = forms.DateField(label=_("To"), required=False, widget=_DAY)

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Half-open instants; what cannot be read is no bound."""
        given = self.cleaned_data if self.is_bound and self.is_valid() else getattr(self, "cleaned_data", {})
        start, end = given.get("start"), given.get("end")
        return (_midnight(start) if start else None, _midnight(end + timedelta(days=1)) if end else None)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)

"""What merchants write: filters, refunds, decisions, keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.enrolments import DECLINE_REASONS
from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.merchant import VIEWS
from payouts.queries.states import COMMISSION_STATES
from portal.merchant.periods import PERIODS
from portal.reasons import REFUNDS
from portal.states import state_of
from tracking.queries.merchant import CONVERSION_VERDICTS

type Data = Mapping[str, object] | None
type Choices = Sequence[tuple[str, str]]

_ALL = ("", _("All"))


def set_choices(form: forms.Form, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """Give a choice field its choices once they are known."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)


class ConversionFilterForm(forms.Form):
    """The question to the list of conversions."""

    q = forms.CharField(label=_("Order"), required=False, max_length=128, widget=forms.SearchInput)
    verdict = forms.ChoiceField(
        label=_("Verdict"), required=False,
        choices=lambda: [_ALL, *((name, state_of("conversion", name).label) for name in CONVERSION_VERDICTS)],
    )  # fmt: skip
    state = forms.ChoiceField(
        label=_("Commission"), required=False,
        choices=lambda: [_ALL, *((name, state_of("money", name).label) for name in COMMISSION_STATES)],
    )  # fmt: skip
    partner = forms.ChoiceField(label=_("Partner"), required=False)
    program = forms.ChoiceField(label=_("Program"), required=False)
    period = forms.ChoiceField(label=_("Period"), required=False, choices=[("", _("All time")), *PERIODS])
    view = forms.ChoiceField(
        required=False, widget=forms.HiddenInput, choices=[("", ""), *((view, view) for view in VIEWS)]
    )

    def __init__(self, data: Data = None, *, partners: Choices, programs: Choices) -> None:
        super().__init__(data)
        set_choices(self, "partner", [_ALL, *partners])
        set_choices(self, "program", [_ALL, *programs])
        if len(programs) <= 1 and not (data and data.get("program")):
            del self.fields["program"]


class RefundForm(forms.Form):
    """Money of an order given back to its customer."""

    amount = forms.CharField(
        label=_("Amount"), required=False, max_length=24, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("Leave it empty to refund all that is left."),
    )  # fmt: skip
    reason = forms.ChoiceField(
        label=_("Reason"), choices=lambda: [(code, reason.title) for code, reason in REFUNDS.items()]
    )
    reference = forms.CharField(
        label=_("Reference"), max_length=128,
        help_text=_("Your own number of the refund. The same reference is booked once."),
    )  # fmt: skip

    def __init__(self, data: Data = None, *, left: Money, reference: str = "") -> None:
        super().__init__(data, initial={"reference": reference, "reason": "item_returned"})
        self.left = left

    def clean_amount(self) -> Money | None:
        """An amount of the order's currency, or nothing for all of it."""
        text = str(self.cleaned_data["amount"]).strip()
        if not text:
            return None
        try:
            amount = Money.parse(text, self.left.currency)
        except Refusal:
            raise forms.ValidationError(
                _("Amount: write it like %(example)s.") % {"example": self.left.major}
            ) from None
        if not amount or self.left < amount:
            raise forms.ValidationError(_("Amount: at most %(left)s is left of the order.") % {"left": str(self.left)})
        return amount


class AmendForm(forms.Form):
    """What an order's amount really was."""

    new_amount = forms.CharField(
        label=_("New amount"), max_length=24, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("What the order earns follows, also after it was paid."),
    )  # fmt: skip
    amendment = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: Data = None, *, currency: str, reference: str = "") -> None:
        super().__init__(data, initial={"amendment": reference})
        self.currency = currency

    def clean_new_amount(self) -> Money:
        """An amount of the order's currency."""
        try:
            return Money.parse(str(self.cleaned_data["new_amount"]).strip(), self.currency)
        except Refusal:
            raise forms.ValidationError(_("Amount: write it like %(example)s.") % {"example": "80.00"}) from None


class DeclineForm(forms.Form):
    """Why an application is declined; the applicant reads it."""

    reason = forms.ChoiceField(label=_("Reason for the applicant"), choices=DECLINE_REASONS)


class PartnerFilterForm(forms.Form):
    """The question to the list of partners."""

    q = forms.CharField(label=_("Name"), required=False, max_length=120, widget=forms.SearchInput)
    status = forms.ChoiceField(
        label=_("State"), required=False,
        choices=lambda: [
            _ALL, *((name, state_of("enrolment", name).label) for name in ("approved", "suspended", "left", "declined")),
        ],
    )  # fmt: skip


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("What uses it, such as “Shop server”."))
    kind = forms.ChoiceField(
        label=_("Kind"), widget=forms.RadioSelect, initial="sk_test",
        choices=[("sk_test", _("Test: orders are answered and never booked")), ("sk_live", _("Live: orders count"))],
    )  # fmt: skip

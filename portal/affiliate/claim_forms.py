"""What partners write about a sale that is missing or an amount that is not right."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.claims import MoneyField

_DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
_PROOF_HELP = _("A picture or a PDF, up to 5 MB: the confirmation mail, the invoice, your basket.")


class MissingForm(forms.Form):
    """Which order is meant. The day keeps numbers from being guessed."""

    program = forms.ChoiceField(label=_("Program"))
    order_ref = forms.CharField(
        label=_("Order number"),
        required=False,
        max_length=128,
        help_text=_("As the shop writes it in its confirmation."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    ordered_on = forms.DateField(label=_("Ordered on"), widget=_DAY)
    amount = MoneyField(
        label=_("Order amount"),
        required=False,
        help_text=_("Without tax and shipping. Without an order number it finds your own sales of that day."),
    )

    def __init__(self, data: Any = None, *, programs: Sequence[tuple[str, str]], currencies: dict[str, str]) -> None:
        super().__init__(data)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(programs)
        chosen = str(data.get("program", "")) if data else ""
        money = self.fields["amount"]
        assert isinstance(money, MoneyField)
        money.currency = currencies.get(chosen) or next(iter(currencies.values()), "USD")

    def clean(self) -> dict[str, Any]:
        """A number, or an amount to find one's own sales by."""
        said = super().clean() or {}
        if not str(said.get("order_ref") or "").strip() and not said.get("amount") and not self.errors:
            self.add_error("order_ref", _("Order number: write it, or give the amount of one of your own sales."))
        return said


class MissingClaimForm(forms.Form):
    """A claim about an order that was asked about."""

    amount = MoneyField(label=_("Order amount"), required=False)
    text = forms.CharField(
        label=_("What happened"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("How you know that the order came through you."),
    )
    proof = forms.FileField(
        label=_("Proof"),
        required=False,
        help_text=_PROOF_HELP,
        widget=forms.FileInput(attrs={"accept": "image/*,.pdf"}),
    )

    def __init__(self, data: Any = None, files: Any = None, *, currency: str, needs_amount: bool, **more: Any) -> None:
        super().__init__(data, files, **more)
        money = self.fields["amount"]
        assert isinstance(money, MoneyField)
        money.currency = currency
        money.required = needs_amount
        money.label = f"{money.label} ({currency})"


class QuestionAmountForm(forms.Form):
    """What is not right about an amount."""

    kind = forms.ChoiceField(
        label=_("What is not right?"),
        choices=[("incorrect", _("The order's amount is wrong")), ("amount", _("The commission is wrong"))],
        widget=forms.RadioSelect,
        initial="amount",
    )
    amount = MoneyField(
        label=_("Right order amount"),
        required=False,
        help_text=_("For a wrong order amount: without tax and shipping."),
    )
    expected = MoneyField(
        label=_("Commission you expect"), required=False, help_text=_("For a wrong commission, if you know it.")
    )
    text = forms.CharField(
        label=_("What is not right, in your words"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    proof = forms.FileField(
        label=_("Proof"),
        required=False,
        help_text=_PROOF_HELP,
        widget=forms.FileInput(attrs={"accept": "image/*,.pdf"}),
    )

    def __init__(self, data: Any = None, files: Any = None, *, currency: str) -> None:
        super().__init__(data, files)
        for name in ("amount", "expected"):
            money = self.fields[name]
            assert isinstance(money, MoneyField)
            money.currency = currency
            money.label = f"{money.label} ({currency})"

    def clean(self) -> dict[str, Any]:
        """Each kind needs its own figure or words."""
        said = super().clean() or {}
        if said.get("kind") == "incorrect" and "amount" not in self.errors and not said.get("amount"):
            self.add_error("amount", _("Right order amount: write it, so that the shop can compare."))
        has_words = bool(said.get("expected") or str(said.get("text") or "").strip())
        if said.get("kind") == "amount" and not has_words and not self.errors:
            self.add_error("text", _("Write what is not right, or the commission you expect."))
        return said


class AnswerForm(forms.Form):
    """A comment or an answer, with proof."""

    text = forms.CharField(
        label=_("Your message"), required=False, max_length=4_000, widget=forms.Textarea(attrs={"rows": 3})
    )
    proof = forms.FileField(
        label=_("Proof"),
        required=False,
        help_text=_PROOF_HELP,
        widget=forms.FileInput(attrs={"accept": "image/*,.pdf"}),
    )


class AppealForm(forms.Form):
    """Why the network should look at a declined claim."""

    text = forms.CharField(
        label=_("Why the answer is not right"),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The network reads the whole claim and decides for good."),
    )

"""What merchants write about their shops."""

from django import forms
from django.utils.translation import gettext_lazy as _

KINDS = (("stripe", "Stripe"), ("shopify", "Shopify"), ("woocommerce", "WooCommerce"))

BASES = (
    ("net", _("Net: the goods alone")),
    ("gross", _("Gross: the terms take the rest off")),
)

NUMBERS = {
    "shopify": (("id", _("The order's id")), ("name", _("The order's name, such as 1001")), ("order_number", _("The order's number"))),
    "woocommerce": (("id", _("The order's id")), ("number", _("The order's number"))),
}  # fmt: skip


class ConnectForm(forms.Form):
    """A shop to be connected."""

    kind = forms.ChoiceField(label=_("Shop"), choices=KINDS, widget=forms.RadioSelect, initial="stripe")
    label = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("For your eyes, such as “Main shop”.")
    )  # fmt: skip


class SecretForm(forms.Form):
    """The signing secret as the shop shows it."""

    secret = forms.CharField(
        label=_("Signing secret"), max_length=200, strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("It is sealed and never shown again."),
    )  # fmt: skip


class ShopSettingsForm(forms.Form):
    """What the shop's orders are counted by."""

    basis = forms.ChoiceField(
        label=_("Amount"),
        choices=BASES,
        help_text=_("As the program's terms say. Tax and shipping earn nothing either way."),
    )
    order_number = forms.ChoiceField(label=_("Order number"), required=False)

    def __init__(self, data: object = None, *, kind: str, initial: dict[str, str] | None = None) -> None:
        super().__init__(data, initial=initial)  # type: ignore[arg-type]  # a QueryDict or nothing
        field = self.fields["order_number"]
        assert isinstance(field, forms.ChoiceField)
        if kind in NUMBERS:
            field.choices = list(NUMBERS[kind])
            field.required = True
        else:
            del self.fields["order_number"]

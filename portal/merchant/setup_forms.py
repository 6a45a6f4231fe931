"""What merchants write on the pages of Setup."""

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.queries.browser_orders import tag_order_choices
from portal.merchant.setup_words import KINDS


class TestOrderForm(forms.Form):
    """A test order; with a click it shows whose it would be."""

    amount = forms.CharField(label=_("Amount"), max_length=30, initial="62.00")
    click_id = forms.CharField(
        label=_("Click id"), required=False, max_length=255,
        help_text=_("Follow one of your partners' links and copy click_id from the page's address. Without it the order belongs to nobody."),
    )  # fmt: skip
    coupon = forms.CharField(label=_("Coupon code"), required=False, max_length=64)


class TagOrdersForm(forms.Form):
    """When orders count that only a shopper's browser reported."""

    orders = forms.ChoiceField(label=_("Orders from the tag"), widget=forms.RadioSelect, choices=tag_order_choices)


class TranslatorForm(forms.Form):
    """Another network's address."""

    address = forms.CharField(
        label=_("Address of the other network"), max_length=8_000, widget=forms.Textarea(attrs={"rows": 3, "dir": "ltr", "spellcheck": "false"}),
        help_text=_("A postback or a link, with its placeholders: {clickid}, #reqid#, !!!awc!!! and the like. Leave secrets out."),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=_("What it is"), required=False,
        choices=lambda: [("", _("Find out")), *((kind.value, words) for kind, words in KINDS.items())],
    )  # fmt: skip

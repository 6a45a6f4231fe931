"""What partners ask of products."""

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.affiliate.link_forms import Data


class ProductFilter(forms.Form):
    """The question to the list of products."""

    q = forms.CharField(label=_("Words"), required=False, max_length=100, widget=forms.SearchInput)
    program = forms.ChoiceField(label=_("Program"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    least = forms.DecimalField(label=_("Price from"), required=False, min_value=0, max_digits=14, decimal_places=2)
    most = forms.DecimalField(label=_("Price to"), required=False, min_value=0, max_digits=14, decimal_places=2)
    stock = forms.ChoiceField(
        label=_("Availability"), required=False,
        choices=[("", _("All")), ("yes", _("In stock")), ("sale", _("On sale"))],
    )  # fmt: skip

    def __init__(self, data: Data = None, *, programs: Iterable[tuple[str, str]], categories: Iterable[str]) -> None:
        super().__init__(data)
        for name, choices in (("program", list(programs)), ("category", [(one, one) for one in categories])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("All")), *choices]

"""What partners write: a link, a filter, their profile."""

from collections.abc import Iterable, Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from payouts.queries.explain import COMMISSION_STATES
from portal.formats import locale_of
from portal.states import state_of

#: Territories of CLDR in which nobody lives or which are no places of their own.
_NO_COUNTRIES = frozenset(
    {"AQ", "BV", "CP", "CQ", "DG", "EA", "EU", "EZ", "HM", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ", "AC"}
)

type Data = Mapping[str, object] | None


def country_choices() -> list[tuple[str, str]]:
    """Countries in the reader's language, by name."""
    names = locale_of().territories
    found = [
        (code, str(name))
        for code, name in names.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    ]
    return [("", "–"), *sorted(found, key=lambda pair: pair[1])]


class PageForm(forms.Form):
    """The one field of the home page: any page of a program."""

    destination = forms.CharField(
        label=_("Any page"),
        max_length=2000,
        widget=forms.URLInput(
            attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}
        ),
        error_messages={"required": _("Paste the address of a page.")},
    )

    def clean_destination(self) -> str:
        """People paste addresses without https://."""
        text: str = self.cleaned_data["destination"].strip()
        return text if "://" in text else f"https://{text}"


class ReceiptFilter(forms.Form):
    """The question to the list of clicks: a day, or one click by its id."""

    day = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    click = forms.CharField(label=_("Click id"), required=False, max_length=40, widget=forms.SearchInput)


class EarningsFilterForm(forms.Form):
    """The question to the list of earnings. `link` and `pays` come with links from other pages."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=lambda: [("", _("All")), *((name, state_of("money", name).label) for name in COMMISSION_STATES)],
    )
    program = forms.ChoiceField(label=_("Program"), required=False)
    since = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=_("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    link = forms.SlugField(required=False, widget=forms.HiddenInput)
    pays = forms.DateField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Data = None, *, programs: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All")), *programs]


class JoinForm(forms.Form):
    """What a merchant who decides by hand wants to know."""

    message = forms.CharField(
        label=_("How will you promote it?"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Your site or channel, and who reads it. The merchant decides by this."),
    )


class ProfileForm(forms.Form):
    """What the network knows about the member."""

    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Merchants read it beside your sales."))
    country = forms.ChoiceField(label=_("Country"), required=False, choices=country_choices)
    contact_email = forms.EmailField(label=_("Contact e-mail"), help_text=_("Statements and questions go there."))


class CountryForm(forms.Form):
    """The country of the payout account: Stripe never lets it change."""

    country = forms.ChoiceField(
        label=_("Country of your bank account"),
        choices=country_choices,
        help_text=_("Stripe fixes it with the account."),
    )

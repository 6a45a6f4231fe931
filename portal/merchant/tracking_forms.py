"""What a merchant writes about its links: pages and hosts, parameters, pages to choose from, hosts of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

type Data = Mapping[str, Any] | None

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
_URL_INPUT = {**_PLAIN, "inputmode": "url", "placeholder": "https://"}


class PagesForm(forms.Form):
    """Where links may lead, and what happens when they may not."""

    landing_url = forms.CharField(
        label=_("The program's own page"), max_length=1000, widget=forms.URLInput(attrs=_URL_INPUT),
        help_text=_("Links without a page of their own lead here."),
    )  # fmt: skip
    allowed_hosts = forms.CharField(
        label=_("Allowed hosts"), max_length=12_000, widget=forms.Textarea(attrs={"rows": 4, **_PLAIN, "dir": "ltr"}),
        help_text=_("One a line, such as shop.example; hosts below it are allowed too. Links to a host that you take off the list lead to the program's own page."),
    )  # fmt: skip
    deep_links = forms.BooleanField(
        label=_("Partners may link to any page on these hosts"), required=False,
        help_text=_("Otherwise they choose among the program's own page and those you offer below."),
    )  # fmt: skip
    hide_referrer = forms.BooleanField(
        label=_("Do not tell the shop which page a visitor came from"), required=False,
        help_text=_("The click is recorded with it all the same, for you and the partner."),
    )  # fmt: skip
    traffic_back_url = forms.CharField(
        label=_("Page for visitors while the program is paused or closed"), required=False, max_length=2000,
        widget=forms.URLInput(attrs=_URL_INPUT), help_text=_("Empty: the program's own page."),
    )  # fmt: skip
    consent = forms.ChoiceField(
        label=_("Consent"),
        choices=[
            ("not_required", _("Set the cookie unless the visitor has refused")),
            ("required", _("Set nothing on the device before the visitor has agreed (cons=1 in the address)")),
        ],
        help_text=_("Without consent there is no cookie and no visitor is known again; the click id still travels in the address."),
    )  # fmt: skip
    unique_window_hours = forms.IntegerField(
        label=_("A visitor counts as new again after"), min_value=1, max_value=8760,
        help_text=_("Hours between two unique clicks of one visitor on one link."),
    )  # fmt: skip

    def hosts(self) -> list[str]:
        """The hosts, one a line or with commas."""
        text: str = self.cleaned_data["allowed_hosts"]
        return [host for host in text.replace(",", "\n").split() if host]


class ParametersForm(forms.Form):
    """What is added to the shop's addresses."""

    template = forms.CharField(
        label=_("Parameters"), required=False, max_length=6000,
        widget=forms.Textarea(attrs={"rows": 5, **_PLAIN, "dir": "ltr", "placeholder": "utm_source={affiliate}\nutm_medium=affiliate"}),
        help_text=_("One name=value a line. {affiliate}, {program}, {link}, {sub1} to {sub10}, {source_id} and {affiliate_click_id} are filled in. What stands in an address already is never overridden; partners may set utm_… values of their own."),
    )  # fmt: skip

    def pairs(self) -> dict[str, str] | None:
        """Names and values; None, with the error at the field, when a line has no =."""
        found: dict[str, str] = {}
        for number, line in enumerate(self.cleaned_data["template"].splitlines(), start=1):
            name, equals, value = line.strip().partition("=")
            if not line.strip():
                continue
            if not equals:
                self.add_error("template", _("Line %(number)s has no =. Write name=value.") % {"number": number})
                return None
            found[name.strip()] = value.strip()
        return found


class OfferForm(forms.Form):
    """A page to choose from."""

    name = forms.CharField(label=_("Name"), max_length=120)
    url = forms.CharField(label=_("Page"), max_length=2000, widget=forms.URLInput(attrs=_URL_INPUT))
    partner = forms.CharField(
        label=_("Only for"), required=False, max_length=120, help_text=_("A partner's name or id. Empty: for every partner."),
        widget=forms.TextInput(attrs={"list": "partner-names", "autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, data: Data = None) -> None:
        super().__init__(data, auto_id="id_page_%s")


class DomainForm(forms.Form):
    """A host of the merchant's own."""

    host = forms.CharField(
        label=_("Host"), max_length=253, widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url", "placeholder": "go.shop.example", "dir": "ltr"}),
        help_text=_("A name below your own domain that nothing else uses."),
    )  # fmt: skip
    program = forms.ChoiceField(label=_("For"), required=False)

    def __init__(self, data: Data = None, *, programs: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, auto_id="id_domain_%s")
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All programs")), *programs]
        if len(programs) <= 1:
            del self.fields["program"]

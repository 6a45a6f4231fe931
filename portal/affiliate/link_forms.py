"""What partners write about links: a new one, many, other codes, a filter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from portal.affiliate.forms import PageForm
from tracking.links import MOST_AT_ONCE
from tracking.utm import UTM_NAMES

type Data = Mapping[str, object] | None

PRESET_NAMES = (*(f"sub{number}" for number in range(1, 11)), "source_id", "affiliate_click_id")
#: What takes one of the program's parameters out of a link.
LEFT_OUT = "-"

_CODE_ATTRS = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


def code_field(label: Any, *, is_required: bool = False) -> forms.CharField:
    """A field for a code of one's own."""
    return forms.CharField(
        label=label,
        required=is_required,
        max_length=40,
        help_text=_("3 to 40 letters, digits, - or _.")
        if is_required
        else _("3 to 40 letters, digits, - or _. Leave it empty for one of ours."),
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9_-]{3,40}\Z", _("A code has 3 to 40 letters, digits, - or _."), code="code_form"
            )
        ],
        widget=forms.TextInput(attrs=_CODE_ATTRS),
    )


class ParametersForm(forms.Form):
    """Sub-ids that stand in the address, and UTM values of one's own."""

    def __init__(self, data: Data = None, **options: Any) -> None:
        super().__init__(data, **options)
        for name in PRESET_NAMES:
            self.fields[name] = forms.CharField(
                label=name, required=False, max_length=255, widget=forms.TextInput(attrs=_CODE_ATTRS)
            )
        for name in UTM_NAMES:
            self.fields[name] = forms.CharField(
                label=name, required=False, max_length=200, widget=forms.TextInput(attrs=_CODE_ATTRS)
            )

    @property
    def preset_fields(self) -> list[forms.BoundField]:
        """The fields of sub-ids."""
        return [self[name] for name in PRESET_NAMES]

    @property
    def utm_fields(self) -> list[forms.BoundField]:
        """The fields of UTM values."""
        return [self[name] for name in UTM_NAMES]

    @property
    def is_open(self) -> bool:
        """Whether any of them is filled or wrong, so that the fold has to be open."""
        names = (*PRESET_NAMES, *UTM_NAMES)
        return any(name in self.errors or self[name].value() for name in names)

    def presets(self) -> dict[str, str]:
        """What was written into the address."""
        return {name: text for name in PRESET_NAMES if (text := self.cleaned_data.get(name, "").strip())}

    def utm(self) -> dict[str, str]:
        """The UTM values of one's own; an empty one is left out of the address."""
        found = {}
        for name in UTM_NAMES:
            text = self.cleaned_data.get(name, "").strip()
            if text:
                found[name] = "" if text == LEFT_OUT else text
        return found


class LinkForm(ParametersForm, PageForm):
    """A new link."""

    field_order = ("program", "page", "destination", "label", "code")

    program = forms.ChoiceField(label=_("Program"), required=False)
    page = forms.ChoiceField(
        label=_("Page of the program"), required=False, help_text=_("Pages that the merchant offers you.")
    )
    label = forms.CharField(
        label=_("Label"),
        required=False,
        max_length=120,
        help_text=_("For yourself, such as “YouTube description”. The same page under another label is another link."),
    )
    code = code_field(_("Short code"))

    def __init__(
        self,
        data: Data = None,
        *,
        programs: Sequence[tuple[str, str]],
        pages: Sequence[tuple[str, str]] = (),
        hosts: str,
        initial: dict[str, str] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Found by the page")), *programs]
        if len(programs) <= 1:
            del self.fields["program"]
        choice = self.fields["page"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", _("Another page, pasted below")), *pages]
        if not pages:
            del self.fields["page"]
        self.fields["destination"].label = _("Page")
        self.fields["destination"].required = False
        self.fields["destination"].help_text = _("A page on %(hosts)s. Leave it empty for the program's own page.") % {
            "hosts": hosts
        }

    def clean_destination(self) -> str:
        """Empty is the program's own page."""
        return super().clean_destination() if self.cleaned_data["destination"].strip() else ""


class EditForm(ParametersForm, PageForm):
    """What may change about a link; its codes go on working."""

    field_order = ("destination", "label")

    label = forms.CharField(label=_("Label"), required=False, max_length=120)

    def __init__(self, data: Data = None, *, hosts: str, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.fields["destination"].label = _("Page")
        self.fields["destination"].help_text = _("A page on %(hosts)s. Everywhere the link was shared it leads there at once.") % {
            "hosts": hosts
        }  # fmt: skip


class CodeForm(forms.Form):
    """Another code for a link."""

    code = code_field(_("Another code"), is_required=True)
    is_main = forms.BooleanField(
        label=_("Show the link with this code from now on"), required=False, initial=True,
        help_text=_("Codes that you have shared before go on working for ever."),
    )  # fmt: skip


class BulkForm(forms.Form):
    """Many pages at once, pasted or in a file."""

    program = forms.ChoiceField(label=_("Program"), required=False)
    rows = forms.CharField(
        label=_("Pages"), required=False, strip=False, max_length=600_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "placeholder": "https://", "dir": "ltr"}),
        help_text=_("One address a line, %(most)s at most. Or a table with a head: url, label, code, sub1 … sub10.") % {"most": MOST_AT_ONCE},
    )  # fmt: skip
    file = forms.FileField(
        label=_("Or a CSV file"), required=False, help_text=_("With the same columns, 1 MB at most.")
    )

    def __init__(self, data: Data = None, files: Any = None, *, programs: Sequence[tuple[str, str]]) -> None:
        super().__init__(data, files)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Found by the page")), *programs]
        if len(programs) <= 1:
            del self.fields["program"]

    def clean(self) -> dict[str, Any]:
        """One of the two has to be there."""
        said: dict[str, Any] = super().clean() or {}
        if not self.errors and not said.get("rows", "").strip() and not said.get("file"):
            self.add_error("rows", _("Paste addresses, or choose a file."))
        return said


class LinkFilter(forms.Form):
    """The question to the list of links."""

    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.SearchInput)
    program = forms.ChoiceField(label=_("Program"), required=False)

    def __init__(self, data: Data = None, *, programs: Iterable[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["program"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("All")), *programs]

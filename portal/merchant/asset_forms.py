"""What merchants write about creatives and deals."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from portal.asset_words import KINDS, kind_choices, language_choices
from portal.merchant.forms import set_choices
from tracking.pictures import LARGEST

type Data = Mapping[str, Any] | None
type Choices = Sequence[tuple[str, str]]

_DAY = {"type": "date"}


class AssetFilterForm(forms.Form):
    """The question to the lists of creatives and deals."""

    q = forms.CharField(label=_("Name"), required=False, max_length=64, widget=forms.SearchInput)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=kind_choices)
    state = forms.ChoiceField(
        label=_("State"), required=False,
        choices=[("", _("All")), ("live", _("Live")), ("planned", _("Planned")), ("ended", _("Ended"))],
    )  # fmt: skip
    program = forms.ChoiceField(label=_("Program"), required=False)

    def __init__(self, data: Data = None, *, programs: Choices, has_kinds: bool) -> None:
        super().__init__(data)
        set_choices(self, "program", [("", _("All")), *programs])
        if len(programs) <= 1:
            del self.fields["program"]
        if not has_kinds:
            del self.fields["kind"]
            self.fields["q"].label = _("Title or code")


class _DatedForm(forms.Form):
    """Something of a program's with a page, a first and a last day, in the merchant's time zone."""

    program = forms.ChoiceField(label=_("Program"))

    def __init__(self, data: Data = None, files: Any = None, *, zone: str, programs: Choices, **options: Any) -> None:
        super().__init__(data, files, **options)
        self.zone = ZoneInfo(zone)
        set_choices(self, "program", programs)
        if not programs:
            del self.fields["program"]
        elif len(programs) == 1:
            self.fields["program"].widget = forms.HiddenInput()
            self.initial["program"] = programs[0][0]

    def starts_at(self, otherwise: datetime) -> datetime:
        """The first day's midnight; what is given where the day was left as it was."""
        day: date | None = self.cleaned_data.get("starts_on")
        if day is None or day == otherwise.astimezone(self.zone).date():
            return otherwise
        return self._midnight(day)

    def ends_at(self) -> datetime | None:
        """The midnight after the last day; None without an end."""
        day: date | None = self.cleaned_data.get("ends_on")
        return self._midnight(day + timedelta(days=1)) if day else None

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(0), self.zone).astimezone(UTC)


def _page_field() -> forms.CharField:
    return forms.CharField(
        label=_("Page"), required=False, max_length=2000,
        widget=forms.URLInput(attrs={"dir": "ltr", "placeholder": "https://"}),
        help_text=_("Where it leads, on one of the program's hosts. Empty: the program's own page."),
    )  # fmt: skip


def _day_field(label: Any, hint: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"), help_text=hint
    )


class CreativeForm(_DatedForm):
    """A banner, a text link or a piece of HTML."""

    kind = forms.ChoiceField(label=_("Kind"), choices=lambda: list(KINDS.items()))
    name = forms.CharField(label=_("Name"), max_length=120, help_text=_("Partners find it by this name."))
    picture = forms.FileField(
        label=_("Picture"), required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text=_("For a banner: PNG, JPEG, GIF or WebP, 1 MB at most. Its size is read from the file."),
    )  # fmt: skip
    text = forms.CharField(
        label=_("Words or HTML"), max_length=8000, widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_('A banner: what it shows, for those who cannot see it. A text link: its words. HTML: words, pictures and links; write <a href="{link}"> where the partner\'s link goes.'),
    )  # fmt: skip
    target_url = _page_field()
    language = forms.ChoiceField(label=_("Language"), required=False)
    starts_on = _day_field(_("First day"), _("Empty: at once."))
    ends_on = _day_field(_("Last day"), _("Empty: no end."))

    def __init__(self, *args: Any, is_new: bool = True, kind: str = "", **options: Any) -> None:
        super().__init__(*args, **options)
        set_choices(self, "language", [("", _("None in particular")), *language_choices()])
        if not is_new:
            del self.fields["kind"]
            if kind != "image":
                del self.fields["picture"]
            else:
                self.fields["picture"].help_text = _("Leave it empty to keep the picture. Pasted code shows a new one.")

    def picture_bytes(self) -> bytes:
        """The file, read no further than what may be kept and one byte more."""
        file = self.cleaned_data.get("picture")
        content: bytes = file.read(LARGEST + 1) if file else b""
        return content


class DealForm(_DatedForm):
    """An offer to a shop's customers."""

    title = forms.CharField(label=_("Title"), max_length=160, help_text=_("Such as: 20 percent off all tents."))
    terms = forms.CharField(
        label=_("Terms"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What customers should know: smallest order, what is left out."),
    )  # fmt: skip
    code = forms.CharField(
        label=_("Code"), required=False, max_length=64,
        help_text=_("What customers type at the checkout. Empty: no code is needed."),
    )  # fmt: skip
    target_url = _page_field()
    starts_on = _day_field(_("First day"), _("Empty: today."))
    ends_on = _day_field(_("Last day"), _("After it the deal leaves every list. Empty: no end."))
    places = forms.MultipleChoiceField(
        label=_("Only for these partners"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: for every partner of the program."),
    )  # fmt: skip

    def __init__(self, *args: Any, partners: Choices, **options: Any) -> None:
        super().__init__(*args, **options)
        set_choices(self, "places", partners)
        if not partners:
            del self.fields["places"]

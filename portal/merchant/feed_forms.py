"""What merchants say about a product feed: its address, or a file."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tracking.feeds import EVERY_HOURS

_OFTEN = {1: _("every hour"), 6: _("every 6 hours"), 12: _("every 12 hours"), 24: _("every day"), 168: _("every week")}


class FeedAddressForm(forms.Form):
    """Where the feed is, and how often it is fetched."""

    url = forms.CharField(
        label=_("Address of the feed"), max_length=2000, required=False,
        help_text=_("An https:// address that answers with the file. Leave it empty to send files yourself."),
        widget=forms.URLInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
    )  # fmt: skip
    every_hours = forms.TypedChoiceField(
        label=_("Fetch it"), coerce=int, initial=24, choices=[(hours, _OFTEN[hours]) for hours in EVERY_HOURS]
    )


class FeedFileForm(forms.Form):
    """A feed as a file."""

    file = forms.FileField(
        label=_("File"), max_length=255,
        help_text=_("CSV, TSV, JSON, or XML as for Google Merchant Center. All of the program's products: what is not in it is gone."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.json,.jsonl,.xml,.rss"}),
    )  # fmt: skip

    def __init__(self, *data: Any, most_bytes: int) -> None:
        super().__init__(*data)
        self.most_bytes = most_bytes

    def clean_file(self) -> Any:
        """A file that may be read into memory."""
        file = self.cleaned_data["file"]
        if (file.size or 0) > self.most_bytes:
            raise forms.ValidationError(
                _("The file is larger than %(size)s MB. Leave out what is not sold.")
                % {"size": self.most_bytes // 1_000_000}
            )
        return file

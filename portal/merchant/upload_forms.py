"""A file of orders: what is sent, how it is read, and which column is which field."""

import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger import currencies
from tracking.import_values import DATES, DECIMALS
from tracking.import_words import FIELDS
from tracking.imports import ENCODINGS, LARGEST_FILE, SEPARATORS, Reading

type Data = Mapping[str, object] | None

#: What the fields are called on the page.
FIELD_WORDS: dict[str, str | Promise] = {
    "order_id": _("Order number"),
    "amount": _("Amount"),
    "currency": _("Currency"),
    "occurred_at": _("Date of the order"),
    "status": _("Status"),
    "event": _("Event"),
    "click_id": _("Click id"),
    "coupon": _("Coupon code"),
    "customer.id": _("Customer's number"),
    "customer.email": _("Customer's e-mail"),
    "customer.status": _("New or returning customer"),
    "customer.country": _("Customer's country"),
    "tax": _("Tax"),
    "shipping": _("Shipping"),
    "discount": _("Discount"),
    "new_amount": _("Corrected amount"),
    "refund_amount": _("Amount refunded"),
    "refund_reference": _("Refund's number"),
    "refund_reason": _("Refund's reason"),
    "test": _("Test order"),
    "note": _("Note"),
    "keep": _("Keep with the order"),
}

_DECIMALS = {".": _("1,234.50 (point)"), ",": _("1.234,50 (comma)"), "minor": _("123450 (whole cents)")}
_DATES = {
    "iso": _("Year first: 2026-11-03"),
    "dmy": _("Day first: 03/11/2026"),
    "mdy": _("Month first: 11/03/2026"),
}


class FileForm(forms.Form):
    """The file."""

    file = forms.FileField(
        label=_("File"), allow_empty_file=True, max_length=255,
        help_text=_("CSV or XLSX, up to 50,000 orders and 16 MB, with a heading row."),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.xls"}),
    )  # fmt: skip

    def clean_file(self) -> UploadedFile:
        """A file that may be read; its content is looked at by the door."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(_("The file is larger than 16 MB. Send it in parts."))
        return file


class ReadingForm(forms.Form):
    """How a file is read."""

    encoding = forms.ChoiceField(label=_("Encoding"), choices=list(ENCODINGS.items()))
    separator = forms.ChoiceField(
        label=_("Columns are parted by"),
        choices=[(",", _("Comma ,")), (";", _("Semicolon ;")), ("tab", _("Tab")), ("|", _("Bar |"))],
    )
    sheet = forms.TypedChoiceField(label=_("Sheet"), coerce=int)
    decimal = forms.ChoiceField(label=_("Amounts are written"), choices=[(name, _DECIMALS[name]) for name in DECIMALS])
    dates = forms.ChoiceField(label=_("Dates are written"), choices=[(name, _DATES[name]) for name in DATES])
    time_zone = forms.ChoiceField(
        label=_("Times without a zone are of"), choices=lambda: [(name, name) for name in _zones()]
    )
    currency = forms.CharField(
        label=_("Currency where a row names none"), max_length=3, min_length=3,
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "size": 5}),
    )  # fmt: skip
    is_test = forms.BooleanField(
        label=_("Test only"), required=False, help_text=_("Every row is answered, and nothing is booked.")
    )

    def __init__(self, data: Data = None, *, reading: Reading, kind: str, sheets: Sequence[str] = ()) -> None:
        separator = "tab" if reading.separator == "\t" else reading.separator
        super().__init__(data, initial={**reading.as_json(), "separator": separator})
        if kind == "csv":
            del self.fields["sheet"]
        else:
            del self.fields["encoding"], self.fields["separator"]
            sheet = self.fields["sheet"]
            assert isinstance(sheet, forms.ChoiceField)
            sheet.choices = list(enumerate(sheets))
            if len(sheets) <= 1:
                sheet.widget = sheet.hidden_widget()
        self._before = reading

    def clean_currency(self) -> str:
        """A currency that exists."""
        code = str(self.cleaned_data["currency"]).upper()
        if code in currencies.HOUSE_ASSETS or not currencies.is_known(code):
            raise forms.ValidationError(_("Currency: write three letters such as USD."))
        return code

    def reading(self) -> Reading:
        """The reading that was chosen."""
        said: dict[str, Any] = {**self._before.as_json(), **self.cleaned_data}
        if said["separator"] == "tab":
            said["separator"] = "\t"
        return Reading.from_json(said)


def chosen_columns(data: "MultiValueDict[str, str] | Mapping[str, Any]", count: int) -> dict[str, str]:
    """Which column is which field, as the page's choices say; what is no field is left out."""
    chosen = {str(number): str(data.get(f"column-{number}", "")) for number in range(count)}
    return {column: name for column, name in chosen.items() if name in FIELDS}


def _zones() -> list[str]:
    return sorted(name for name in zoneinfo.available_timezones() if "/" in name or name == "UTC")


assert set(SEPARATORS) == {",", ";", "\t", "|"}

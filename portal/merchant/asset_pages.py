"""What the pages of creatives and deals share."""

from datetime import date, datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.errors import Refusal
from portal.errors import sentence_of
from portal.merchant.pages import Text, here
from portal.requests import MerchantRequest


def tabs(request: MerchantRequest, current: str) -> list[tuple[Text, str, bool]]:
    """Creatives and deals; `current` is assets or deals."""
    return [
        (_("Creatives"), here(request, "assets"), current == "assets"),
        (_("Deals"), here(request, "deals"), current == "deals"),
    ]


def crumbs(request: MerchantRequest, *, is_deal: bool = False) -> list[tuple[Text, str]]:
    """The way back to the list."""
    return [(_("Deals"), here(request, "deals")) if is_deal else (_("Creatives"), here(request, "assets"))]


def last_day(ends_at: datetime | None) -> date | None:
    """The last day before an end, in the time zone of the page."""
    return timezone.localtime(ends_at - timedelta(microseconds=1)).date() if ends_at else None


def blame(form: forms.Form, refusal: Refusal) -> None:
    """Say a refusal at the field it is about."""
    names = {"starts_at": "starts_on", "ends_at": "ends_on"}
    name = names.get(refusal.field or "", refusal.field)
    if refusal.code.startswith("destination_"):
        name = "target_url"
    form.add_error(name if name in form.fields else None, sentence_of(refusal))

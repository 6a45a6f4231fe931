"""Events: every request that came in, with its verdict, its reason and what was sent."""

from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.filters import chips_of, ignored_keys
from portal.merchant.forms import EventFilterForm
from portal.merchant.pages import here, page_of, show
from portal.merchant.payloads import shown_payload
from portal.reasons import reason_of
from portal.requests import MerchantRequest
from portal.states import state_of
from tracking.access import open_inbox_request_in
from tracking.queries.merchant import count_inbox, inbox_of

_COUNTED = timedelta(days=7)

#: The verdicts in the order in which they are counted.
_SHOWN = ("accepted", "duplicate", "test", "rejected", "quarantined")


@require_safe
def events(request: MerchantRequest) -> HttpResponse:
    """The inbox, latest first."""
    form = EventFilterForm(request.GET)
    form.is_valid()
    said = form.cleaned_data
    found = inbox_of(
        request.merchant, verdict=said.get("verdict", ""), door=said.get("door", ""), text=said.get("q", "")
    )
    page = page_of(request, found)
    counts = count_inbox(request.merchant, since=timezone.now() - _COUNTED)
    context = {
        "rows": [
            (row, reason_of(row.reason) if row.reason else None, here(request, "event", row.public_id))
            for row in page.object_list
        ],
        "page": page,
        "received": counts.received,
        "counts": [(name, getattr(counts, name), here(request, "events", verdict=name)) for name in _SHOWN],
        "filter": form,
        "chips": chips_of(request, {
            "verdict": state_of("inbox", said.get("verdict", "")).label if said.get("verdict") else "",
            "door": door_words(said.get("door", "")) if said.get("door") else "",
            "q": said.get("q", ""),
        }),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
    }  # fmt: skip
    return show(
        request, "events.html", context, place="events", title=_("Events"),
        lead=_("Every request your shop sent, with what became of it. Nothing received is dropped."),
    )  # fmt: skip


@require_safe
def event(request: MerchantRequest, request_id: str) -> HttpResponse:
    """One request: verdict, reason with its remedy, and what was sent."""
    found = open_inbox_request_in(request.merchant, request_id)
    context = {
        "event": found,
        "reason": reason_of(found.reason) if found.reason else None,
        "door": door_words(found.door),
        "payload": shown_payload(found),
    }
    return show(
        request, "event.html", context, place="events", title=_("Request"),
        crumbs=[(_("Events"), here(request, "events"))],
    )  # fmt: skip


def door_words(door: str) -> str:
    """What a door is called."""
    return {
        "api": _("API"),
        "api.batch": _("API, many orders"),
        "api.item": _("API, one of many"),
        "api.refund": _("API, refund"),
        "api.links": _("API, links"),
        "postback": _("Postback"),
    }.get(door, door)

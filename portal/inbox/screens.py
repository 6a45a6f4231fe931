"""What the inbox's pages show, for whichever workspace: the list with its counts and chart, one request, a bulk replay."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.errors import Refusal
from portal import charts
from portal.filters import chips_of, ignored_keys
from portal.formats import format_day, format_moment, format_number
from portal.inbox.forms import InboxFilterForm
from portal.inbox.payloads import shown_payload
from portal.inbox.words import door_words
from portal.intake import bulk
from portal.intake.hints import hint_replay
from portal.intake.replay import doors, may_replay, replay
from portal.reasons import reason_of
from portal.states import state_of
from tracking.queries.inbox import (
    VERDICTS,
    Count5,
    InboxFilter,
    count_by_reason,
    count_by_verdict,
    days_by_verdict,
    found,
    history_of,
    inbox_rows,
    parts_by_verdict,
    reasons_in,
)
from tracking.queries.merchant import requests_about

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant, User
    from tracking.models import InboxReplay, InboxRequest, ReplayJob

#: How long reasons are offered in the filter, and how many days a chart has.
_OFFERED_FOR = timedelta(days=90)
_CHART_DAYS = 30
_MOST_CHART_DAYS = 92
_OTHERS_SHOWN = 10

#: A job that is done within this many seconds is done before the page is answered.
_AT_ONCE = 3.0

type Pager = Callable[[Any], Page[Any]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a workspace has its pages: `url(name, *ids)` and the page of an order."""

    merchant: "Merchant | None"
    url: Callable[..., str]
    order_url: Callable[[Any], str]


def filter_of(
    request: HttpRequest, place: Place, *, at: datetime, shops: Sequence[tuple[str, str]] = ()
) -> InboxFilterForm:
    """The question in the address."""
    return InboxFilterForm(request.GET, reasons=reasons_in(place.merchant, since=at - _OFFERED_FOR), merchants=shops)


def list_context(
    request: HttpRequest, place: Place, form: InboxFilterForm, pager: Pager, *, may_act: bool, at: datetime
) -> dict[str, Any]:
    """The list: rows, five counts that add up, the days, the reasons, and what may be handled again."""
    asked = form.asked()
    page = pager(inbox_rows(place.merchant, asked))
    fitting = found(place.merchant, replace(asked, verdict=""))
    counts = count_by_verdict(fitting)
    query = request.GET.copy()
    query.pop("page", None)
    question = f"?{query.urlencode()}" if query else ""
    open_count = _open_count(counts, asked)
    return {
        "rows": [
            (row, reason_of(row.reason) if row.reason else None, place.url("event", row.public_id), door_words(row.door))
            for row in page.object_list
        ],
        "page": page,
        "order_url": place.order_url,
        "place": place,
        "counts": [(name, getattr(counts, name), _with(request, verdict=name)) for name in VERDICTS],
        "received": counts.received,
        "adds_up": counts.adds_up,
        "equation": _equation(counts),
        "latency_avg": counts.latency_avg,
        "latency_max": counts.latency_max,
        "reasons": [
            (reason_of(code), count, _with(request, reason=code, verdict=verdict))
            for code, verdict, count in count_by_reason(fitting, most=6)
        ],
        "chart": _chart(place, asked, at=at) if counts.received else None,
        "filter": form,
        "chips": _chips(request, form),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "export_url": f"{place.url('events-export')}{question}",
        "replay_url": f"{place.url('events-replay')}{question}",
        "open_count": open_count if may_act else 0,
        "shows_merchant": place.merchant is None,
    }  # fmt: skip


def event_context(place: Place, event: "InboxRequest", *, may_act: bool, at: datetime) -> dict[str, Any]:
    """One request: verdict, remedy, what was sent with the field marked, what else came of the order, its history."""
    conversion = event.conversion
    others = requests_about(conversion).exclude(pk=event.pk).defer("body")[:_OTHERS_SHOWN] if conversion else []
    return {
        "event": event,
        "reason": reason_of(event.reason) if event.reason else None,
        "door": door_words(event.door),
        "payload": marked(shown_payload(event), event.field),
        "headers": sorted(event.headers.items()),
        "order_url": place.order_url(conversion) if conversion else "",
        "whole_url": place.url("event", event.whole.public_id) if event.whole else "",
        "parts": sorted(parts_by_verdict(event).items()) if event.door in {"api.batch", "upload"} else [],
        "parts_url": f"{place.url('events')}?q={event.public_id}",
        "others": [(one, door_words(one.door), place.url("event", one.public_id)) for one in others],
        "history": [_told(one) for one in history_of(event)],
        "replay_url": place.url("event-replay", event.public_id) if may_act and may_replay(event, at=at) else "",
        "is_open": event.verdict in {"rejected", "quarantined"},
        "is_offered": event.door in doors(),
        "shows_merchant": place.merchant is None,
    }


def replay_one(event: "InboxRequest", *, by: "User", at: datetime) -> "InboxReplay":
    """Handle one request again, for a button. Raises ReplayRefused."""
    return replay(event, by=by, at=at)


def say_outcome(request: HttpRequest, told: "InboxReplay") -> None:
    """Tell whoever pressed the button what became of the request."""
    label = str(state_of("inbox", told.verdict_after).label)
    why = str(reason_of(told.reason_after).title) if told.reason_after else ""
    text = _("Handled again: %(verdict)s") % {"verdict": f"{label} ({why})" if why else label}
    if told.verdict_after in {"rejected", "quarantined"}:
        messages.warning(request, text)
    else:
        messages.success(request, text)


def run_job(job: "ReplayJob") -> None:
    """Begin a bulk replay at once; what takes longer goes on in the worker."""
    if not bulk.work_on(str(job.pk), now=timezone.now, until=time.monotonic() + _AT_ONCE):
        hint_replay(str(job.pk))


def job_context(place: Place, job: "ReplayJob", *, at: datetime) -> dict[str, Any]:
    """A bulk replay: how far it is and what became of what."""
    left = max(job.total - job.done, 0)
    is_running = job.status == "running"
    passed = (at - job.started_at).total_seconds()
    seconds = round(passed / job.done * left) if job.done else 0
    shown = {
        "title": ngettext("%(count)s request", "%(count)s requests", job.total) % {"count": format_number(job.total)},
        "state": job.status,
        "done": job.done,
        "failed": job.failed,
        "left": left if is_running else 0,
        "total": job.total,
        "eta": _("about %(seconds)s s left") % {"seconds": seconds} if is_running and seconds else "",
        "cancel_url": place.url("events-job-cancel", job.public_id) if is_running else "",
    }
    return {"job": shown, "replay_job": job, "is_running": is_running, "list_url": place.url("events")}


def csv_header(*, with_merchant: bool) -> list[str]:
    """The headings of the export."""
    header = [
        _("Received"), _("Request"), _("Door"), _("Verdict"), _("Reason"), _("In words"), _("Field"), _("Detail"), _("Order"),
        _("Test"), _("Status"), _("Milliseconds"),
    ]  # fmt: skip
    return [*header, _("Merchant")] if with_merchant else header


def csv_rows(place: Place, asked: InboxFilter) -> Iterator[list[object]]:
    """The rows of the list, all of them."""
    for row in inbox_rows(place.merchant, asked).iterator(chunk_size=500):
        line: list[object] = [
            row.received_at.isoformat(timespec="seconds"), row.public_id, door_words(row.door),
            str(state_of("inbox", row.verdict).label), row.reason, str(reason_of(row.reason).title) if row.reason else "",
            row.field, row.detail, row.conversion.order_ref if row.conversion else "",
            _("yes") if row.is_test else "", row.status_code, row.latency_ms,
        ]  # fmt: skip
        yield [*line, row.merchant.name if row.merchant else ""] if place.merchant is None else line


def marked(text: str, field: str) -> SafeString:
    """A payload with the lines of one field marked."""
    name = next((part for part in reversed(field.split(".")) if not part.isdigit()), "")
    if not name:
        return format_html("{}", text)
    shape = re.compile(rf'^\s*[&?]?(?:"{re.escape(name)}"\s*:|{re.escape(name)}=)')
    return format_html_join(
        "\n",
        "{}",
        ((format_html("<mark>{}</mark>", line) if shape.match(line) else line,) for line in text.split("\n")),
    )


def sentence_of_refusal(refusal: Refusal) -> str:
    """Why something is not handled again, in the reader's language."""
    return str(reason_of(refusal.code).merchant)


def _told(one: "InboxReplay") -> dict[str, Any]:
    return {
        "at": one.at,
        "by": one.by.name or one.by.email if one.by else _("by itself"),
        "before": one.verdict_before,
        "after": one.verdict_after,
        "reason_before": reason_of(one.reason_before).title if one.reason_before else "",
        "reason_after": reason_of(one.reason_after).title if one.reason_after else "",
        "detail": one.detail_after,
    }


def _open_count(counts: Count5, asked: InboxFilter) -> int:
    """How many of those listed were refused or set aside."""
    return sum(getattr(counts, name) for name in ("rejected", "quarantined") if asked.verdict in {"", name})


def _equation(counts: Count5) -> str:
    """received = accepted + …, in words."""
    parts = " + ".join(
        f"{format_number(getattr(counts, name))} {str(state_of('inbox', name).label).lower()}" for name in VERDICTS
    )
    return _("%(received)s received = %(parts)s") % {"received": format_number(counts.received), "parts": parts}


def _with(request: HttpRequest, **changes: str) -> str:
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query[name] = value
    return f"?{query.urlencode()}"


def _chips(request: HttpRequest, form: InboxFilterForm) -> list[tuple[str, str]]:
    said = form.cleaned_data
    labels: dict[str, object] = {
        "q": said.get("q", ""),
        "verdict": state_of("inbox", said["verdict"]).label if said.get("verdict") else "",
        "reason": reason_of(said["reason"]).title if said.get("reason") else "",
        "door": door_words(said["door"]) if said.get("door") else "",
        "mode": {"live": _("Live"), "test": _("Test")}.get(said.get("mode", ""), ""),
        "merchant": said.get("merchant", ""),
        "since": _("From %(day)s") % {"day": format_day(said["since"])} if said.get("since") else "",
        "until": _("To %(day)s") % {"day": format_day(said["until"])} if said.get("until") else "",
    }
    return chips_of(request, {name: label for name, label in labels.items() if label})


def _chart(place: Place, asked: InboxFilter, *, at: datetime) -> charts.Chart:
    """The five verdicts by day, over the filter's days or the last thirty."""
    zone = timezone.get_current_timezone()
    last = (asked.until - timedelta(seconds=1) if asked.until else at).astimezone(zone).date()
    first = asked.since.astimezone(zone).date() if asked.since else last - timedelta(days=_CHART_DAYS - 1)
    first = max(first, last - timedelta(days=_MOST_CHART_DAYS - 1))
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()), zone)
    by_day = days_by_verdict(found(place.merchant, replace(asked, since=since)), zone=zone)
    days = [first + timedelta(days=number) for number in range(max((last - first).days, 0) + 1)]
    shown = [name for name in VERDICTS if any(name in by_day.get(day, {}) for day in days)] or [VERDICTS[0]]
    series = [
        charts.Series(str(state_of("inbox", name).label), [by_day.get(day, {}).get(name, 0) for day in days])
        for name in shown
    ]
    total = sum(sum(one.values()) for one in by_day.values())
    refused = sum(one.get("rejected", 0) + one.get("quarantined", 0) for one in by_day.values())
    title = (
        ngettext("%(count)s request was refused or set aside", "%(count)s requests were refused or set aside", refused)
        % {"count": format_number(refused)}
        if refused
        else ngettext("%(count)s request came, none was refused", "%(count)s requests came, none was refused", total)
        % {"count": format_number(total)}
    )
    return charts.lines(
        [format_moment(day, style="short") for day in days],
        series,
        title=title,
        unit=_("requests a day"),
        label_name=_("Day"),
        shown=lambda value: format_number(round(value)),
    )

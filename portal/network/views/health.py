"""Health: is everything moving, and does the book agree?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from affiliates.mails import waiting_mails
from ledger.journal import events_about, waiting_deliveries
from payouts.queries.network import runs_with_alarm, stripe_events_waiting
from portal.formats import format_moment
from portal.network.pages import show
from portal.requests import FinanceRequest
from tracking.queries.network import held_conversions
from tracking.spool import backlog_of

#: From this age on, or from this number on, something does not move.
_LATE = timedelta(minutes=10)
_MANY = 500
#: The nightly check may be this old.
_CHECK_EVERY = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with its judgement."""

    label: str | Promise
    value: str
    tone: str
    verdict: str
    note: str = ""


@require_safe
def home(request: FinanceRequest) -> HttpResponse:
    """Seven tiles, and one more when a run has an alarm."""
    now = timezone.now()
    tiles = [_events(), _clicks(now), _stripe(now), _held(now), _books(now), _stripe_books(now), _mails(), *_alarms()]
    context = {"tiles": tiles, "at": now, "is_well": all(tile.tone == "pos" for tile in tiles)}
    return show(request, "home.html", context, place="home", title=_("Health"))


def _events() -> Tile:
    return _queue(
        _("Events waiting to be told"),
        waiting_deliveries(),
        None,
        note=_("Mails and whatever else hears of what happens."),
    )


def _clicks(now: datetime) -> Tile:
    backlog = backlog_of(settings.CLICK_SPOOL_DIR)
    if backlog.quarantined:
        note = ngettext(
            "%(count)s click cannot be stored.", "%(count)s clicks cannot be stored.", backlog.quarantined
        ) % {"count": backlog.quarantined}
        return Tile(_("Clicks waiting to be stored"), str(backlog.clicks), "warn", _("look"), note)
    return _queue(
        _("Clicks waiting to be stored"),
        backlog.clicks,
        _age(backlog.oldest_at, now),
        note=_("Answered clicks are safe on the disk."),
    )


def _stripe(now: datetime) -> Tile:
    waiting = stripe_events_waiting()
    note = (
        ngettext("%(count)s was tried in vain.", "%(count)s were tried in vain.", waiting.failed)
        % {"count": waiting.failed}
        if waiting.failed
        else ""
    )
    return _queue(_("Stripe events not handled"), waiting.count, _age(waiting.oldest_at, now), note=note)


def _held(now: datetime) -> Tile:
    waiting = held_conversions()
    return _queue(
        _("Orders held for their click"),
        waiting.count,
        _age(waiting.oldest_at, now),
        note=_("Decided within 15 minutes."),
        late=timedelta(minutes=20),
    )


def _books(now: datetime) -> Tile:
    label = _("Books verified")
    last = events_about("house").filter(name__in=["books.verified", "books.disagree"]).first()
    if last is None:
        return Tile(
            label,
            _("not yet"),
            "warn",
            _("never"),
            _("The worker verifies them every night; manage.py verify_books does it now."),
        )
    value = format_moment(last.at, style="ago", at=now)
    if last.name == "books.disagree":
        differences = last.data.get("differences") or [""]
        return Tile(label, value, "neg", _("they disagree"), str(differences[0]))
    if now - last.at > _CHECK_EVERY:
        return Tile(label, value, "warn", _("late"), _("The nightly check did not run."))
    return Tile(label, value, "pos", _("they agree"))


def _stripe_books(now: datetime) -> Tile:
    label = _("Compared with Stripe")
    last = events_about("stripe").filter(name__in=["stripe.compared", "stripe.disagrees"]).first()
    if last is None:
        return Tile(
            label,
            _("not yet"),
            "pos",
            _("nothing to compare"),
            _("The first run that is sent compares all transfers first."),
        )
    value = format_moment(last.at, style="ago", at=now)
    if last.name == "stripe.disagrees":
        return Tile(label, value, "neg", _("they disagree"), ", ".join(last.data.get("alarms", [])[:3]))
    return Tile(label, value, "pos", _("they agree"))


def _mails() -> Tile:
    return _queue(_("Mails waiting to be sent"), waiting_mails(), None)


def _alarms() -> list[Tile]:
    labels = runs_with_alarm()
    if not labels:
        return []
    return [Tile(_("Payout runs with an alarm"), str(len(labels)), "neg", _("finance must look"), ", ".join(labels))]


def _queue(label: str, count: int, age: timedelta | None, *, note: str = "", late: timedelta = _LATE) -> Tile:
    is_late = age is not None and age > late
    if is_late or count > _MANY:
        return Tile(label, str(count), "warn", _("late") if is_late else _("many"), note)
    return Tile(label, str(count), "pos", _("moving") if count else _("nothing waits"), note)


def _age(oldest_at: datetime | None, now: datetime) -> timedelta | None:
    return now - oldest_at if oldest_at else None

"""Calls: an event's way to an endpoint. Written down first, made until it arrives, never dropped unseen.

A call is leased, made outside of any transaction, and its end is written down. Who dies in between
leaves a lease that runs out, and the call is made again under the same id, by which its receiver
knows it (Standard Webhooks: webhook-id).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet
from standardwebhooks import Webhook

from affiliates.endpoints import secrets_of
from affiliates.models import Call, CallTry, Endpoint
from affiliates.outside import AddressRefused, Answer, Unreachable, ask
from ledger.journal import record_event

#: Waits after each try that failed; a day and a half of trying, then the call is given up and says so.
WAITS = [timedelta(seconds=s) for s in (30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 43_200)]
MOST_TRIES = len(WAITS) + 1
_LEASE = timedelta(minutes=2)
_SECONDS = 10.0
_KEPT = 4_000
#: So many failures in a row are told to the endpoint's people, once.
FAILURES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Said:
    """What a call will say."""

    event: str
    event_name: str
    subject: str
    happened_at: datetime
    url: str
    method: str = "POST"
    body: str = ""


def queue_call(endpoint: Endpoint, said: Said, *, at: datetime) -> Call | None:
    """Write a call down; None when this endpoint was told of the event before."""
    try:
        with transaction.atomic():
            return Call.objects.create(
                endpoint=endpoint,
                event=said.event,
                event_name=said.event_name,
                subject=said.subject,
                happened_at=said.happened_at,
                method=said.method,
                url=said.url,
                body=said.body,
                created_at=at,
                next_try_at=at,
            )
    except IntegrityError as error:
        if "call_once" not in str(error):
            raise
        return None


def make_waiting_calls(*, at: datetime, limit: int = 100, most_of_one: int = 10) -> int:
    """Make the calls whose time has come; how many arrived. No endpoint gets more than its share of a round."""
    due = (
        Call.objects.filter(_is_due(at), endpoint__status=Endpoint.Status.ACTIVE)
        .order_by("next_try_at")
        .values_list("pk", "endpoint_id")[: limit * 5]
    )
    share: dict[object, int] = {}
    chosen: list[UUID] = []
    for key, endpoint in due:
        share[endpoint] = share.get(endpoint, 0) + 1
        if share[endpoint] <= most_of_one and len(chosen) < limit:
            chosen.append(key)
    return sum(make_call(key, at=at) for key in chosen)


def make_call(key: object, *, at: datetime) -> bool:
    """Make one call now; whether it arrived. Nothing happens when somebody else has it, or it waits no more."""
    # The lease stands in the row itself and not behind a join: a second worker that waited for the row
    # must look at it again, and PostgreSQL looks again at the row's own columns only.
    active = Endpoint.objects.filter(status=Endpoint.Status.ACTIVE)
    leased = Call.objects.filter(_is_due(at), pk=key, endpoint__in=active).update(lease_until=at + _LEASE)
    if not leased:
        return False
    call: Call = Call.objects.select_related("endpoint").get(pk=key)
    headers = _headers(call, at=at)
    outcome = _ask(call, headers)
    return _close(call, outcome, headers, at=at)


@transaction.atomic
def replay_call(call: Call, *, by: str, at: datetime) -> Call:
    """Put a call back: it is made again at once, with what it said then, and its tries begin anew."""
    locked: Call = Call.objects.select_for_update(of=("self",)).get(pk=call.pk)
    locked.state, locked.next_try_at, locked.attempts_since = Call.State.WAITING, at, 0
    locked.lease_until = None
    locked.save(update_fields=["state", "next_try_at", "attempts_since", "lease_until"])
    record_event("call.replayed", locked.public_id, at=at, actor=by, about=[locked.endpoint.public_id])
    return locked


@transaction.atomic
def replay_dead(endpoint: Endpoint, *, by: str, at: datetime) -> int:
    """Put every call of an endpoint back that was given up; how many."""
    count = Call.objects.filter(endpoint=endpoint, state=Call.State.DEAD).update(
        state=Call.State.WAITING, next_try_at=at, attempts_since=0, lease_until=None
    )
    if count:
        record_event("calls.replayed", endpoint.public_id, at=at, actor=by, data={"count": count})
    return count


def _is_due(at: datetime) -> Q:
    is_free = Q(lease_until=None) | Q(lease_until__lt=at)
    return is_free & Q(state=Call.State.WAITING, next_try_at__lte=at)


def _headers(call: Call, *, at: datetime) -> dict[str, str]:
    """The headers of a try: Standard Webhooks' id, time and signatures (one for each secret in force)."""
    signatures = [
        Webhook(secret).sign(call.public_id, at, call.body or call.url) for secret in secrets_of(call.endpoint, at=at)
    ]
    return {
        "User-Agent": f"{settings.NETWORK_NAME.replace(' ', '-')}-webhooks/1 (+{settings.BASE_URL})",
        "webhook-id": call.public_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        **({"Content-Type": "application/json"} if call.body else {}),
    }


def _ask(call: Call, headers: dict[str, str]) -> Answer | AddressRefused | Unreachable:
    try:
        return ask(
            call.method,
            call.url,
            body=call.body.encode(),
            headers=headers,
            seconds=_SECONDS,
            allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
        )
    except (AddressRefused, Unreachable) as trouble:
        return trouble


@transaction.atomic
def _close(
    call: Call, outcome: Answer | AddressRefused | Unreachable, headers: dict[str, str], *, at: datetime
) -> bool:
    locked: Call = Call.objects.select_for_update(of=("self",)).select_related("endpoint").get(pk=call.pk)
    locked.attempts += 1
    locked.attempts_since += 1
    locked.lease_until = None
    one = CallTry(call=locked, number=locked.attempts, at=at, headers=headers)
    if isinstance(outcome, Answer):
        one.status, one.milliseconds = outcome.status, outcome.milliseconds
        one.answer, one.answer_headers = outcome.body[:_KEPT], outcome.headers
        if outcome.status >= HTTPStatus.MULTIPLE_CHOICES:
            one.error = "answered_no" if outcome.status >= HTTPStatus.BAD_REQUEST else "redirected"
    else:
        one.error, one.detail = outcome.code, str(outcome)[:2_000]
    one.save()
    locked.last_status, locked.last_error = one.status, one.error
    if not one.error:
        locked.state, locked.delivered_at, locked.next_try_at = Call.State.DELIVERED, at, None
    elif locked.attempts_since >= MOST_TRIES:
        locked.state, locked.next_try_at = Call.State.DEAD, None
    else:
        locked.next_try_at = at + WAITS[locked.attempts_since - 1]
    locked.save()
    _count(locked.endpoint, has_failed=bool(one.error), at=at)
    return not one.error


def _count(endpoint: Endpoint, *, has_failed: bool, at: datetime) -> None:
    """Keep the endpoint's standing; say once that it fails, and once that it works again."""
    mine = Endpoint.objects.filter(pk=endpoint.pk)
    owner = endpoint.merchant or endpoint.affiliate
    about = [owner.public_id] if owner else []
    if not has_failed:
        if mine.filter(failures__gt=0).update(failures=0, failing_since=None) and endpoint.failures >= FAILURES_TOLD:
            record_event("endpoint.recovered", endpoint.public_id, at=at, about=about, data={"name": endpoint.name})
        return
    mine.filter(failing_since=None).update(failing_since=at)
    mine.update(failures=F("failures") + 1)
    if mine.filter(failures=FAILURES_TOLD).exists():
        record_event("endpoint.failing", endpoint.public_id, at=at, about=about, data={"name": endpoint.name})


@dataclass(frozen=True, slots=True)
class Standing:
    """How an endpoint's calls went lately."""

    delivered: int = 0
    waiting: int = 0
    dead: int = 0


def standing_of(endpoints: Sequence[Endpoint], *, since: datetime) -> dict[UUID, Standing]:
    """By endpoint: calls delivered since an instant, and all that wait or were given up."""
    rows = (
        Call.objects.filter(endpoint__in=endpoints)
        .values("endpoint_id")
        .annotate(
            delivered=Count("pk", filter=Q(state=Call.State.DELIVERED, delivered_at__gte=since)),
            waiting=Count("pk", filter=Q(state=Call.State.WAITING)),
            dead=Count("pk", filter=Q(state=Call.State.DEAD)),
        )
    )
    return {row["endpoint_id"]: Standing(row["delivered"], row["waiting"], row["dead"]) for row in rows}


def calls_of(endpoint: Endpoint, *, state: str = "", event: str = "") -> QuerySet[Call]:
    """An endpoint's calls, newest first."""
    found: QuerySet[Call] = Call.objects.filter(endpoint=endpoint)
    if state:
        found = found.filter(state=state)
    if event:
        found = found.filter(event_name__startswith=event)
    return found.order_by("-created_at", "-pk")

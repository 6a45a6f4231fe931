"""Endpoints: addresses of merchants and partners that hear of what happens."""

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from affiliates.errors import EndpointRefused
from affiliates.models import Affiliate, Endpoint, Merchant, Program, User
from affiliates.outside import read_address
from ledger.journal import record_event

MOST_ENDPOINTS = 20
#: What is recorded of a change of status.
_TOLD = {"paused": "endpoint.paused", "active": "endpoint.resumed", "removed": "endpoint.removed"}
#: After a rotation both secrets sign for so long, so that no receiver is caught between two.
OVERLAP = timedelta(hours=24)


@transaction.atomic
def add_endpoint(
    *,
    kind: str,
    name: str,
    url: str,
    events: Sequence[str],
    by: User | None,
    at: datetime,
    merchant: Merchant | None = None,
    affiliate: Affiliate | None = None,
    program: Program | None = None,
    method: str = "POST",
) -> Endpoint:
    """A new endpoint of a merchant or an affiliate. Raises AddressRefused, EndpointRefused."""
    owner = merchant or affiliate
    assert owner is not None
    # Locking the owner keeps two tabs from passing the limit together.
    type(owner).objects.select_for_update().get(pk=owner.pk)
    if endpoints_of(merchant=merchant, affiliate=affiliate).count() >= MOST_ENDPOINTS:
        raise EndpointRefused(f"There are {MOST_ENDPOINTS} endpoints already. Remove one first.", field="url")
    endpoint = Endpoint.objects.create(
        merchant=merchant,
        affiliate=affiliate,
        program=program,
        kind=kind,
        name=name.strip() or url[:80],
        url=_checked(url),
        method=method,
        events=_events(events),
        secret=_new_secret(),
        created_at=at,
        created_by=by,
    )
    _tell("endpoint.added", endpoint, by=by, at=at)
    return endpoint


@transaction.atomic
def change_endpoint(
    endpoint: Endpoint,
    *,
    name: str,
    url: str,
    events: Sequence[str],
    by: User | None,
    at: datetime,
    program: Program | None = None,
    method: str = "POST",
) -> Endpoint:
    """Change what an endpoint hears and where; calls on their way keep what they were to say. Raises as adding does."""
    locked: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    locked.name, locked.url, locked.events = name.strip() or url[:80], _checked(url), _events(events)
    locked.program, locked.method = program, method
    locked.save(update_fields=["name", "url", "events", "program", "method"])
    _tell("endpoint.changed", locked, by=by, at=at)
    return locked


@transaction.atomic
def set_status(endpoint: Endpoint, status: str, *, by: User | None, at: datetime) -> Endpoint:
    """Pause, resume or remove an endpoint. While it is paused events are written down and wait."""
    locked: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    if locked.status not in {status, Endpoint.Status.REMOVED}:
        locked.status = status
        locked.save(update_fields=["status"])
        _tell(_TOLD[status], locked, by=by, at=at)
    return locked


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, by: User | None, at: datetime) -> Endpoint:
    """A new signing secret; calls are signed with both for a day."""
    locked: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=endpoint.pk)
    locked.previous_secret, locked.previous_until = locked.secret, at + OVERLAP
    locked.secret = _new_secret()
    locked.save(update_fields=["secret", "previous_secret", "previous_until"])
    _tell("endpoint.secret_rotated", locked, by=by, at=at)
    return locked


def secrets_of(endpoint: Endpoint, *, at: datetime) -> list[str]:
    """The secrets that sign now, the newest first."""
    is_overlapping = bool(endpoint.previous_secret and endpoint.previous_until and endpoint.previous_until > at)
    return [endpoint.secret, *([endpoint.previous_secret] if is_overlapping else [])]


def endpoints_of(*, merchant: Merchant | None = None, affiliate: Affiliate | None = None) -> QuerySet[Endpoint]:
    """An owner's endpoints, newest first, without those removed."""
    found: QuerySet[Endpoint] = (
        Endpoint.objects.filter(merchant=merchant, affiliate=affiliate)
        .exclude(status=Endpoint.Status.REMOVED)
        .select_related("program")
        .defer("secret", "previous_secret")
        .order_by("-created_at", "-pk")
    )
    return found


def listeners(event: str, owners: Iterable[str]) -> list[Endpoint]:
    """The endpoints of these owners (public ids) that hear of an event; the paused ones too."""
    merchants, affiliates = set(), set()
    for public_id in owners:
        if public_id.startswith(f"{Merchant.ID_PREFIX}_"):
            merchants.add(Merchant.key_of(public_id))
        elif public_id.startswith(f"{Affiliate.ID_PREFIX}_"):
            affiliates.add(Affiliate.key_of(public_id))
    return list(
        Endpoint.objects.filter(Q(merchant__in=merchants) | Q(affiliate__in=affiliates), events__contains=[event])
        .exclude(status=Endpoint.Status.REMOVED)
        .defer("secret", "previous_secret")
        .order_by("pk")
    )


def endpoint_by_id(public_id: str) -> Endpoint | None:
    """An endpoint with its owner, for letters; None when it was removed."""
    found: Endpoint | None = (
        Endpoint.objects.filter(pk=Endpoint.key_of(public_id))
        .exclude(status=Endpoint.Status.REMOVED)
        .select_related("merchant", "affiliate")
        .first()
    )
    return found


def _checked(url: str) -> str:
    # A postback's macros stand in braces, which are no signs of an address; the rest of it must be one.
    read_address(url.replace("{", "").replace("}", ""), allow_local=settings.ALLOW_LOCAL_DESTINATIONS)
    return url.strip()


def _events(events: Sequence[str]) -> list[str]:
    chosen = sorted(set(events))
    if not chosen:
        raise EndpointRefused("Choose at least one event.", field="events")
    return chosen


def _new_secret() -> str:
    """A secret as Standard Webhooks writes it: whsec_ and 32 random bytes in base64."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _tell(name: str, endpoint: Endpoint, *, by: User | None, at: datetime) -> None:
    owner = endpoint.merchant or endpoint.affiliate
    record_event(
        name,
        endpoint.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[owner.public_id] if owner else [],
        data={"name": endpoint.name, "kind": endpoint.kind},
    )

"""Merchants' own hosts for links: added, proved by DNS, used in addresses, taken away.

Two records are asked for. A TXT record proves that whoever asks owns the host; a CNAME (or the
same addresses, where a CNAME cannot be) leads visitors to the click door. Both are looked up
again every day.
"""

import logging
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import dns.exception
import dns.resolver
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from publicsuffixlist import PublicSuffixList

from affiliates.models import Merchant, Program, User
from ledger.errors import Refusal
from ledger.journal import record_event
from tracking.destinations import DestinationRefused, ascii_host
from tracking.models import TrackingDomain

logger = logging.getLogger(__name__)

TXT_LABEL = "_affiliate-links"
_TXT_PREFIX = "affiliate-links="
_TIME_TO_SET_UP = timedelta(days=3)
#: So long links are still answered on a host that lost its records: its owner hears at once, and when it is over.
GRACE = timedelta(days=7)
_OTHERS_MAY_WAIT = timedelta(days=1)
_MOST_DOMAINS = 20
_SECONDS_TO_WAIT = 5.0

#: Why a host is not verified.
TXT_MISSING = "txt_missing"
TXT_WRONG = "txt_wrong"
HOST_MISSING = "host_missing"
POINTS_ELSEWHERE = "points_elsewhere"
DNS_SILENT = "dns_silent"
REASONS = (TXT_MISSING, TXT_WRONG, HOST_MISSING, POINTS_ELSEWHERE, DNS_SILENT)

_SUFFIXES = PublicSuffixList()


class DomainRefused(Refusal):
    """The host cannot be used; `code` says why.

    Codes: domain_invalid, domain_ours, domain_taken, domain_too_many.
    """

    code = "domain_invalid"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code, field="host")


class DnsRecord(NamedTuple):
    """A record to set at the host's DNS provider."""

    kind: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What DNS says: nothing wrong, or a reason's code and what was found instead."""

    reason: str
    detail: str = ""


def add_domain(
    merchant: Merchant, host: str, *, program: Program | None = None, by: User | None, at: datetime
) -> TrackingDomain:
    """A host for the links to a merchant's programs, or to one of them; waiting for its records.

    Asking twice gives the same row. Raises DomainRefused.
    """
    name = _read_host(host)
    if program is not None and program.merchant_id != merchant.pk:
        raise DomainRefused("domain_invalid", "This program is another merchant's.")
    try:
        with transaction.atomic():
            known = TrackingDomain.objects.select_for_update().filter(host=name).first()
            if known is not None and known.merchant_id == merchant.pk:
                return known
            if known is not None:
                if known.status == TrackingDomain.Status.VERIFIED or at - known.created_at < _OTHERS_MAY_WAIT:
                    raise DomainRefused("domain_taken", f"{name} is in use here already.")
                # Somebody else named it and never proved it.
                known.delete()
            if TrackingDomain.objects.filter(merchant=merchant).count() >= _MOST_DOMAINS:
                raise DomainRefused("domain_too_many", f"A merchant has at most {_MOST_DOMAINS} hosts.")
            domain = TrackingDomain.objects.create(
                host=name, merchant=merchant, program=program, token=secrets.token_hex(16), created_at=at
            )
            _tell("domain.added", domain, by=by, at=at)
            return domain
    except IntegrityError as error:
        raise DomainRefused("domain_taken", f"{name} is in use here already.") from error


@transaction.atomic
def remove_domain(domain: TrackingDomain, *, by: User | None, at: datetime) -> None:
    """Use a host no longer; links are shown with the network's host again."""
    deleted, _each = TrackingDomain.objects.filter(pk=domain.pk).delete()
    if deleted:
        _tell("domain.removed", domain, by=by, at=at)


def verify_domain(domain: TrackingDomain, *, at: datetime, by: User | None = None) -> TrackingDomain:
    """Look the records up and write down what was found.

    A host that was never verified stays pending for three days; a verified one that lost its records
    has failed. Links are answered on it for seven days more (`GRACE`), then no longer, until the records are
    back. When DNS does not answer, nothing changes but the reason.
    """
    finding = look_up(domain)
    with transaction.atomic():
        row = TrackingDomain.objects.select_for_update().get(pk=domain.pk)
        before = row.status
        row.checked_at, row.reason, row.detail = at, finding.reason, finding.detail[:500]
        if not finding.reason:
            row.status = TrackingDomain.Status.VERIFIED
            row.verified_at = row.verified_at or at
            row.failing_since = row.stopped_at = None
        elif finding.reason != DNS_SILENT and (before != "pending" or at - row.created_at >= _TIME_TO_SET_UP):
            row.status = TrackingDomain.Status.FAILED
            if row.verified_at is not None:
                row.failing_since = row.failing_since or at
        stops = row.failing_since is not None and row.stopped_at is None and at - row.failing_since >= GRACE
        if stops and finding.reason not in {"", DNS_SILENT}:
            row.stopped_at = at
        row.save()
        if row.status != before and row.status == TrackingDomain.Status.VERIFIED:
            _tell("domain.verified", row, by=by, at=at)
        elif row.status != before:
            _tell("domain.failed", row, by=by, at=at)
        elif row.stopped_at == at:
            _tell("domain.stopped", row, by=by, at=at)
    return row


def verify_domains(*, at: datetime) -> int:
    """Look at what is due: pending ones every ten minutes or so, all others once a day; how many."""
    pending = Q(status=TrackingDomain.Status.PENDING)
    due = TrackingDomain.objects.filter(pending | Q(checked_at__lte=at - timedelta(days=1)) | Q(checked_at=None))
    found = list(due.order_by(F("checked_at").asc(nulls_first=True))[:100])
    for domain in found:
        verify_domain(domain, at=at)
    return len(found)


def stops_at(domain: TrackingDomain) -> datetime | None:
    """When links stop being answered on a host that lost its records; None while it has them."""
    return domain.failing_since + GRACE if domain.failing_since else None


def records_for(domain: TrackingDomain) -> list[DnsRecord]:
    """The records to set: the proof, and the way to the click door."""
    return [
        DnsRecord("TXT", f"{TXT_LABEL}.{domain.host}", f"{_TXT_PREFIX}{domain.token}"),
        DnsRecord("CNAME", domain.host, click_host()),
    ]


def click_host() -> str:
    """The network's own host for links."""
    return urlsplit(settings.CLICK_BASE_URL).hostname or ""


def look_up(domain: TrackingDomain) -> Finding:
    """What DNS says about a host's two records."""
    resolver = _resolver()
    proof, _way = records_for(domain)
    try:
        texts = _texts(resolver, proof.name)
        if proof.value not in texts:
            ours = [text for text in texts if text.startswith(_TXT_PREFIX)]
            return Finding(TXT_WRONG, ", ".join(ours)) if ours else Finding(TXT_MISSING, ", ".join(texts))
        return _way_to_us(resolver, domain.host)
    except dns.exception.DNSException as error:
        logger.info("DNS did not answer for %s: %s", domain.host, error)
        return Finding(DNS_SILENT, str(error))


def hosts_for(programs: Iterable[tuple[UUID, UUID]]) -> dict[UUID, str]:
    """The host that a program's links are shown with, for (program, merchant) keys; those without one are left out.

    A host of the program's own goes before one for all of the merchant's; the oldest first.
    """
    pairs = set(programs)
    verified = TrackingDomain.objects.filter(
        Q(program=None) | Q(program_id__in={program for program, _ in pairs}),
        merchant_id__in={merchant for _, merchant in pairs},
        status=TrackingDomain.Status.VERIFIED,
    )
    found: dict[UUID, str] = {}
    general: dict[UUID, str] = {}
    for domain in verified.order_by("verified_at", "pk"):
        if domain.program_id is None:
            general.setdefault(domain.merchant_id, domain.host)
        else:
            found.setdefault(domain.program_id, domain.host)
    return {
        program: host
        for program, merchant in pairs
        if (host := found.get(program) or general.get(merchant)) is not None
    }


def domains_of(merchant: Merchant) -> QuerySet[TrackingDomain]:
    """A merchant's hosts, oldest first."""
    return TrackingDomain.objects.filter(merchant=merchant).select_related("program").order_by("created_at", "pk")


def _read_host(text: str) -> str:
    name = text.strip().removeprefix("https://").removeprefix("http://").partition("/")[0]
    try:
        host = ascii_host(name)
    except DestinationRefused as refusal:
        raise DomainRefused("domain_invalid", f"{text[:80]!r} is no host name.") from refusal
    if "." not in host or host.replace(".", "").isdigit():
        raise DomainRefused("domain_invalid", f"{host} is no host name of yours. Write one such as go.shop.example.")
    if _SUFFIXES.privatesuffix(host) is None:
        raise DomainRefused("domain_invalid", f"{host} belongs to a registry, not to a shop.")
    ours = {urlsplit(url).hostname for url in (settings.BASE_URL, settings.CLICK_BASE_URL)}
    if host in ours:
        raise DomainRefused("domain_ours", f"{host} is the network's own.")
    return host


def _resolver() -> dns.resolver.Resolver:
    """The system's resolver, or the one that DNS_RESOLVERS names (address or address:port)."""
    if not settings.DNS_RESOLVERS:
        resolver = dns.resolver.Resolver()
    else:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [text.partition(":")[0] for text in settings.DNS_RESOLVERS]
        port = settings.DNS_RESOLVERS[0].partition(":")[2]
        resolver.port = int(port) if port else 53
    resolver.lifetime = _SECONDS_TO_WAIT
    resolver.cache = None
    return resolver


def _texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    try:
        answer = resolver.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def _way_to_us(resolver: dns.resolver.Resolver, host: str) -> Finding:
    ours = click_host()
    try:
        names = [record.target.to_text(omit_final_dot=True).lower() for record in resolver.resolve(host, "CNAME")]
    except dns.resolver.NXDOMAIN:
        return Finding(HOST_MISSING)
    except dns.resolver.NoAnswer:
        names = []
    if ours in names:
        return Finding("")
    # The top of a zone cannot have a CNAME; there the same addresses do.
    theirs = _addresses(resolver, host)
    if theirs and theirs <= _addresses(resolver, ours):
        return Finding("")
    found = ", ".join([*names, *sorted(theirs)])
    return Finding(POINTS_ELSEWHERE, found) if found else Finding(HOST_MISSING)


def _addresses(resolver: dns.resolver.Resolver, host: str) -> set[str]:
    if host.replace(".", "").isdigit():
        return {host}
    found: set[str] = set()
    for kind in ("A", "AAAA"):
        try:
            found |= {record.to_text() for record in resolver.resolve(host, kind)}
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            continue
    return found


def _tell(event: str, domain: TrackingDomain, *, by: User | None, at: datetime) -> None:
    until = stops_at(domain)
    record_event(
        event,
        domain.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[domain.merchant.public_id],
        data={"host": domain.host, "reason": domain.reason, "stops_at": until.isoformat() if until else ""},
    )

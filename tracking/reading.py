"""From the spool's batches to the database's rows: parsed, enriched, judged. Free of Django.

A row is a line of COPY's text form, so that storing a batch is one write.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ledger.base32 import number_of
from tracking.addresses import plain_address, short_address
from tracking.click_ids import PREFIX
from tracking.enrichment import Enrichment
from tracking.parameters import read_parameters
from tracking.partitions import Month, month_of
from tracking.spool import Batch, Click, decode_rows

#: The columns of a row, in their order; after them stands how it is to be judged, one of the signs below.
COLUMNS = (
    *("id", "link_id", "enrolment_id", "program_id", "affiliate_id", "clicked_at", "visitor_id", "destination"),
    *("referrer", "user_agent", "ip", "language", "params", "is_counted", "uncounted_reason", "kind", "consent"),
    *("country", "device", "browser", "os", "anonymous_key"),
)
KINDS = frozenset({"click", "view"})
CONSENTS = frozenset({"granted", "denied", "unknown", "not_needed"})
#: Unique without a question: a visitor's first touch, and the only one in its batch.
FIRST = "1\n"
#: The visitor's only one in its batch, so that only the database can hold an earlier one.
ALONE = "2\n"
#: One of several of a visitor in its batch.
AMONG = "3\n"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_NULL = "\\N"


class Unstorable(ValueError):
    """What the spool holds is no click; the message says why."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Clicks older than `second` (since 1970) keep only shortened addresses and no anonymous key."""

    second: int


@dataclass(slots=True)
class Load:
    """Rows on their way to the database, what they were made of, and the clicks that cannot go."""

    rows: list[str] = field(default_factory=list)
    clicks: list[Any] = field(default_factory=list)
    months: set[Month] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)


def read_batches(
    batches: Sequence[Batch], enrichment: Enrichment | None = None, retention: Retention | None = None
) -> Load:
    """The rows of spooled batches. What is no click is set aside with its reason."""
    enrichment = enrichment or Enrichment()
    load = Load()
    visitors: list[tuple[str | int | None, bool]] = []
    for batch in batches:
        try:
            clicks = decode_rows(batch.content)
        except ValueError as error:
            load.refused.append((batch.content, f"no JSON: {error}"))
            continue
        for values in clicks if isinstance(clicks, list) else [clicks]:
            try:
                row, visitor, is_new = row_of(values, load.months, enrichment, retention)
            except (Unstorable, ValueError, TypeError, AttributeError) as error:
                load.refused.append((json.dumps(values), str(error)))
            else:
                load.rows.append(row)
                load.clicks.append(values)
                visitors.append((visitor, is_new))
    often = Counter(visitor for visitor, _ in visitors)
    load.rows = [
        row + (AMONG if often[visitor] > 1 else FIRST if is_new else ALONE)
        for row, (visitor, is_new) in zip(load.rows, visitors, strict=True)
    ]
    return load


def row_of(
    values: Sequence[Any], months: set[Month], enrichment: Enrichment, retention: Retention | None = None
) -> tuple[str, str | int | None, bool]:
    """A database row of a spooled click, but for its last column; the visitor, and whether the click made it.

    The click's month joins `months`. Raises ValueError when it is no click.
    """
    click = Click(*values)
    key = number_of(click.id.removeprefix(PREFIX))
    second, millisecond = divmod(key >> 80, 1000)
    clicked_at, month = _second(second)
    if click.kind not in KINDS or click.consent not in CONSENTS:
        raise Unstorable("the click is of no known kind")
    owners = _owners(click.belongs_to)
    problems = click.problems
    user_agent, language, ip = click.user_agent or "", click.language or "", ""
    if click.ip:
        ip = plain_address(click.ip) or ""
        if not ip:
            problems = f"{problems} ip:unreadable"
    device, browser, system = enrichment.agent_of(user_agent)
    reason = click.uncounted_reason or (
        enrichment.reason_not_to_count(user_agent, language, ip, second) if user_agent else ""
    )
    country = click.country or enrichment.country_of(ip)
    anonymous = "" if click.visitor is not None else ip
    if ip and retention is not None and second < retention.second:
        ip, anonymous = short_address(ip), ""
    destination, referrer = click.destination, click.referrer or ""
    together = destination + referrer + user_agent + language + reason
    if not together.isascii() or not together.isprintable() or "\\" in together:
        destination, referrer, user_agent = _storable(destination), _storable(referrer), _storable(user_agent)
        language, reason, browser, system = map(_storable, (language, reason, browser, system))
    months.add(month)
    anonymous_key = _anonymous_key(owners, anonymous, user_agent) if anonymous else None
    row = (
        f"{key:032x}\t{owners}\t{clicked_at}.{millisecond:03d}+00\t"
        f"{_NULL if click.visitor is None else f'{number_of(click.visitor):032x}'}"
        f"\t{destination}\t{referrer}\t{user_agent}\t{ip or _NULL}\t{language}"
        f"\t{_params_of(click.query, problems)}\t{'f' if reason else 't'}\t{reason}\t{click.kind}\t{click.consent}"
        f"\t{country}\t{device}\t{browser}\t{system}"
        f"\t{_NULL if anonymous_key is None else anonymous_key}\t"
    )
    return row, click.visitor or anonymous_key, bool(click.is_new_visitor and click.visitor)


@lru_cache(maxsize=1_000)
def _second(second: int) -> tuple[str, Month]:
    """A second since 1970 as PostgreSQL reads it, and its month. Raises ValueError past the year 9999."""
    at = datetime.fromtimestamp(second, tz=UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}", month_of(at)


@lru_cache(maxsize=50_000)
def _owners(text: str) -> str:
    """The keys of link, enrolment, program and affiliate, as columns."""
    owners = text.split(" ")
    if len(owners) != 4 or any(len(owner) != 32 for owner in owners):
        raise Unstorable("the click does not say whose it is")
    return "\t".join(owners)


@lru_cache(maxsize=10_000)
def _params_of(query: str, problems: str) -> str:
    """The click's parameters as JSON, escaped for COPY."""
    return json.dumps(read_parameters(query, problems.split())).replace("\\", "\\\\")


@lru_cache(maxsize=50_000)
def _anonymous_key(owners: str, ip: str, user_agent: str) -> int:
    """A number for a visitor without an id, different in every program: from shortened address and agent."""
    program = owners.split("\t")[2]
    text = f"{program}\0{short_address(ip)}\0{user_agent}".encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), signed=True)


def _storable(text: str) -> str:
    """The text for COPY, without what PostgreSQL cannot keep: NUL and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "").translate(_ESCAPES)

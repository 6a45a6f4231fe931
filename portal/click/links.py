"""Links as the door needs them: in memory, checked once, cut where the click id belongs."""

import gc
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from ledger.base32 import encode
from tracking.destinations import Destination, DestinationRefused, read_destination
from tracking.parameters import preset_fields
from tracking.routing import Routing, compile_routing
from tracking.spool import belongs_to
from tracking.standing import reason_of_standing
from tracking.utm import Utm, compile_utm

# One row a code, a link's own and each alias: what COPY writes into the snapshot and SELECT returns.
# The hosts come as one text, rules and parameters as JSON.
LINK_SQL = """
SELECT k.code, l.id, l.enrolment_id, l.program_id, l.affiliate_id, l.destination,
       e.status, a.status, p.status, p.landing_url, array_to_string(p.allowed_hosts, ' '),
       p.merchant_id, p.slug, l.code, l.routing::text, l.utm::text,
       s.routing::text, s.utm_template::text, s.deep_links::text, s.traffic_back_url, s.consent, l.presets::text,
       s.hide_referrer::text
FROM (SELECT code, id AS link_id FROM tracking_link
      UNION ALL SELECT code, link_id FROM tracking_link_alias) k
JOIN tracking_link l ON l.id = k.link_id
JOIN affiliates_enrolment e ON e.id = l.enrolment_id
JOIN affiliates_affiliate a ON a.id = l.affiliate_id
JOIN affiliates_program p ON p.id = l.program_id
LEFT JOIN tracking_program_settings s ON s.program_id = l.program_id
"""
FIELDS = 23
# Merchants' own hosts, once their owners have proved them, until their records were gone for longer than the grace.
HOST_SQL = """
SELECT host, coalesce(program_id, merchant_id) FROM tracking_domain WHERE verified_at IS NOT NULL AND stopped_at IS NULL
"""

type LinkRow = Sequence[str]

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}
_EMPTY = frozenset({"", "{}", "[]", "null"})


class Program(NamedTuple):
    """What a program allows its links; one value shared by all of them."""

    allowed_hosts: tuple[str, ...]
    landing: Destination | None
    traffic_back: Destination | None
    deep_links: bool
    needs_consent: bool
    #: What browsers are told about the Referer header on the way to the shop.
    referrer_policy: str
    #: Whose hosts its links answer on: the program's key and the merchant's.
    owners: tuple[str, str]


class Link(NamedTuple):
    """A code, ready to follow. `reason` is why its clicks do not count; `problem` what is wrong with it."""

    before: str
    after: str
    url: str
    belongs_to: str
    reason: str
    problem: str
    program: Program
    routing: Routing | None
    #: What is added to an address that is not the link's own, or has the click's own parameters in it.
    utm: Utm | None
    #: The link's own parameters, for a click that does not say them: a name and the field as it stands in a query.
    presets: tuple[tuple[str, str], ...] = ()


class LinkBuilder:
    """Makes links of rows, checking each different address once."""

    def __init__(self, *, allow_local: bool) -> None:
        self.allow_local = allow_local
        self._programs: dict[tuple[str, ...], Program] = {}
        self._targets: dict[tuple[str, tuple[str, ...]], Destination | str] = {}
        self._routings: dict[tuple[str, str, tuple[str, ...]], Routing | None] = {}

    def build(self, row: LinkRow) -> Link:
        """The link of one row of LINK_SQL, its keys as text."""
        _, link, enrolment, program, affiliate, destination, *states, landing_url, hosts = row[:11]
        merchant, slug, code, own_routing, own_utm, routing, template, deep_links, traffic_back, consent = row[11:21]
        rules = self._program((landing_url, hosts, program, merchant, traffic_back, deep_links, consent, row[22]))
        reason = reason_of_standing(enrolment=states[0], affiliate=states[1], program=states[2])
        target, problem = rules.landing, ""
        if not reason:
            checked = self._target(destination, rules.allowed_hosts)
            if isinstance(checked, Destination):
                target = checked
            else:
                problem = f"link:{checked}"
        elif reason.startswith("program_") and rules.traffic_back is not None:
            target = rules.traffic_back
        utm = None
        if not reason and not (template in _EMPTY and own_utm in _EMPTY):
            utm = compile_utm(
                _values(template), _values(own_utm), affiliate=f"aff_{encode(UUID(affiliate))}", program=slug, link=code
            )
        if utm is not None and target is not None and not utm.needs_parameters:
            target = utm.apply(target)
        return Link(
            before="" if target is None else target.before,
            after="" if target is None else target.after,
            url="" if target is None else target.url,
            belongs_to=belongs_to(
                link_id=UUID(link),
                enrolment_id=UUID(enrolment),
                program_id=UUID(program),
                affiliate_id=UUID(affiliate),
            ),
            reason=reason or ("no_destination" if target is None else ""),
            problem=problem,
            program=rules,
            routing=None if reason else self._routing(routing, own_routing, rules.allowed_hosts),
            utm=utm,
            presets=preset_fields(_values(row[21])) if row[21] not in _EMPTY else (),
        )

    def _program(self, facts: tuple[str, ...]) -> Program:
        """The program's rules; a landing page that is no address counts as none."""
        program = self._programs.get(facts)
        if program is None:
            landing_url, hosts, key, merchant, traffic_back, deep_links, consent, hide_referrer = facts
            landing = self._target(landing_url, None)
            back = self._target(traffic_back, None) if traffic_back else ""
            program = Program(
                allowed_hosts=tuple(hosts.split()),
                landing=landing if isinstance(landing, Destination) else None,
                traffic_back=back if isinstance(back, Destination) else None,
                deep_links=deep_links != "false",
                # A program without settings has the defaults, and the default is to ask.
                needs_consent=consent != "not_required",
                referrer_policy="no-referrer" if hide_referrer == "true" else "strict-origin-when-cross-origin",
                owners=(key, merchant),
            )
            self._programs[facts] = program
        return program

    def _routing(self, program: str, own: str, allowed_hosts: tuple[str, ...]) -> Routing | None:
        """The rules of the program and then of the link, compiled once for all links that share them."""
        if program in _EMPTY and own in _EMPTY:
            return None
        key = (program, own, allowed_hosts)
        if key not in self._routings:
            self._routings[key] = compile_routing(
                program, own, allowed_hosts=allowed_hosts, allow_local=self.allow_local
            )
        return self._routings[key]

    def _target(self, url: str, allowed_hosts: tuple[str, ...] | None) -> Destination | str:
        """The address checked, or the code of its refusal."""
        key = (url, ("*",) if allowed_hosts is None else allowed_hosts)
        target = self._targets.get(key)
        if target is None:
            try:
                target = read_destination(url, allowed_hosts=allowed_hosts, allow_local=self.allow_local)
            except DestinationRefused as refusal:
                target = refusal.code
            self._targets[key] = target
        return target


class LinkTable:
    """Every link by its code. Replaced whole or changed code by code, by any thread."""

    def __init__(self, *, allow_local: bool) -> None:
        self.links: dict[str, Link] = {}
        #: Merchants' own hosts and whose they are: a program's key or a merchant's.
        self.hosts: dict[str, str] = {}
        self.is_loaded = False
        self._allow_local = allow_local

    def replace(self, rows: Iterable[LinkRow], *, pause: Callable[[], None] | None = None) -> int:
        """Takes these rows for all there is; how many they were."""
        builder = LinkBuilder(allow_local=self._allow_local)
        links: dict[str, Link] = {}
        for number, row in enumerate(rows):
            links[row[0]] = builder.build(row)
            if pause is not None and number % 500 == 0:
                pause()
        self.links = links
        self.is_loaded = True
        # Links live long; the collector need not walk through all of them again and again.
        gc.freeze()
        return len(links)

    def change(self, rows: Iterable[LinkRow], *, asked: Iterable[str] = ()) -> None:
        """Takes in changed rows; of the codes asked for, those without a row are forgotten."""
        builder = LinkBuilder(allow_local=self._allow_local)
        found = {row[0]: builder.build(row) for row in rows}
        self.links.update(found)
        for code in asked:
            if code not in found:
                self.links.pop(code, None)


def rows_of_snapshot(path: Path) -> Iterable[LinkRow]:
    """The rows of a snapshot file (PostgreSQL's text form). Raises OSError, ValueError when torn."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = line.rstrip("\n").split("\t")
            if len(row) != FIELDS:
                raise ValueError(f"{path.name} holds a line that is no link")
            yield [_plain(value) for value in row] if "\\" in line else row


def _plain(value: str) -> str:
    """A value of COPY's text form without its escapes."""
    if value == "\\N":
        return ""
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), value)


def _values(text: str) -> dict[str, str]:
    """Names and values of a JSON object, or of a list of pairs; none when it is neither."""
    try:
        found = json.loads(text) if text else {}
        return dict(found)
    except (ValueError, TypeError):
        return {}

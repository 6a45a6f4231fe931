"""Links as the door needs them: in memory, checked once, cut where the click id belongs."""

import gc
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from tracking.destinations import Destination, DestinationRefused, read_destination
from tracking.spool import belongs_to

# One row a link: what COPY writes into the snapshot and SELECT returns. The hosts come as one text.
LINK_SQL = """
SELECT l.code, l.id, l.enrolment_id, l.program_id, l.affiliate_id, l.destination,
       e.status, a.status, p.status, p.landing_url, array_to_string(p.allowed_hosts, ' ')
FROM tracking_link l
JOIN affiliates_enrolment e ON e.id = l.enrolment_id
JOIN affiliates_affiliate a ON a.id = l.affiliate_id
JOIN affiliates_program p ON p.id = l.program_id
"""

type LinkRow = Sequence[str]

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


class Program(NamedTuple):
    """What a program allows its links."""

    allowed_hosts: tuple[str, ...]
    landing: Destination | None


class Link(NamedTuple):
    """A code, ready to follow. `reason` is why its clicks do not count; `problem` what is wrong with it."""

    before: str
    after: str
    url: str
    belongs_to: str
    reason: str
    problem: str
    allowed_hosts: tuple[str, ...]


class LinkBuilder:
    """Makes links of rows, checking each different address once."""

    def __init__(self, *, allow_local: bool) -> None:
        self.allow_local = allow_local
        self._programs: dict[tuple[str, str], Program] = {}
        self._targets: dict[tuple[str, tuple[str, ...]], Destination | str] = {}

    def build(self, row: LinkRow) -> Link:
        """The link of one row of LINK_SQL, its keys as text."""
        _, link, enrolment, program, affiliate, destination, *states, landing_url, hosts = row
        rules = self._program(landing_url, hosts)
        reason = _reason(*states)
        target, problem = rules.landing, ""
        if not reason:
            checked = self._target(destination, rules.allowed_hosts)
            if isinstance(checked, Destination):
                target = checked
            else:
                problem = f"link:{checked}"
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
            allowed_hosts=rules.allowed_hosts,
        )

    def _program(self, landing_url: str, hosts: str) -> Program:
        """The program's rules; a landing page that is no address counts as none."""
        program = self._programs.get((landing_url, hosts))
        if program is None:
            landing = self._target(landing_url, None)
            program = Program(
                allowed_hosts=tuple(hosts.split()),
                landing=landing if isinstance(landing, Destination) else None,
            )
            self._programs[landing_url, hosts] = program
        return program

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
            if len(row) != 11:
                raise ValueError(f"{path.name} holds a line that is no link")
            yield [_plain(value) for value in row] if "\\" in line else row


def _plain(value: str) -> str:
    """A value of COPY's text form without its escapes."""
    if value == "\\N":
        return ""
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), value)


def _reason(enrolment: str, affiliate: str, program: str) -> str:
    """Why clicks on a link do not count, or nothing.

    A frozen affiliate goes on earning, and a retired link goes on working: theirs do count.
    """
    if program != "open":
        return f"program_{program}"
    if enrolment != "approved":
        return f"enrolment_{enrolment}"
    if affiliate == "closed":
        return "affiliate_closed"
    return ""

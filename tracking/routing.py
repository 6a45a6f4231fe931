"""Where a link leads whom: pure rules on country, device, dates, referrer and chance (features B11, B12, B17).

A list of rules is read from the top; the first one that fits decides. A program's rules come
before a link's own. Nothing here knows Django or the database, for the click door uses it on
every click: `read_routing` checks what somebody wrote, `compile_routing` makes of the stored
list what `Routing.choose` answers from.

Shares: rules next to each other with the same conditions but for their share divide the
visitors among them, so 50, 30 and 20 are a half, three and two tenths of all to whom the
conditions apply. Who gets past them is drawn anew for the rules below.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from ledger.errors import Refusal
from tracking.destinations import Destination, DestinationRefused, ascii_host, read_destination

MOST_RULES = 50
#: What the door tells devices apart as; anything else is "other".
DEVICES = ("desktop", "mobile", "tablet", "other")
REDIRECT: Final = "redirect"
BLOCK: Final = "block"

type Action = Literal["redirect", "block"]

_COUNTRY = re.compile(r"[A-Z]{2}")
_RULE_KEYS = frozenset({"when", "do", "url"})
_WHEN_KEYS = frozenset({"country", "device", "from", "until", "share", "referrer"})
_MOST_VALUES = 250


class RoutingRefused(Refusal):
    """A rule cannot be kept; `field` is its path, such as `routing.2.when.country`.

    Codes: routing_invalid (the form), routing_url (its page is refused), routing_too_many.
    """

    code = "routing_invalid"


class Rule(NamedTuple):
    """One rule, checked. Empty sets and None mean: no such condition. `share` is in per cent, 1 to 100."""

    action: Action
    url: str
    countries: frozenset[str]
    devices: frozenset[str]
    starts_at: datetime | None
    ends_at: datetime | None
    referrers: frozenset[str]
    share: int

    @property
    def conditions(self) -> tuple[object, ...]:
        """Everything but the share: who is meant."""
        return (self.countries, self.devices, self.starts_at, self.ends_at, self.referrers)

    @property
    def is_fallback(self) -> bool:
        """Whether it fits everybody."""
        return self.share == 100 and not any(self.conditions)

    def as_json(self) -> dict[str, Any]:
        """The rule as it is stored and as the API writes it."""
        when: dict[str, Any] = {}
        for name, values in (("country", self.countries), ("device", self.devices), ("referrer", self.referrers)):
            if values:
                when[name] = sorted(values)
        for name, moment in (("from", self.starts_at), ("until", self.ends_at)):
            if moment is not None:
                when[name] = moment.isoformat().replace("+00:00", "Z")
        if self.share != 100:
            when["share"] = self.share
        found: dict[str, Any] = {"when": when, "do": self.action}
        if self.url:
            found["url"] = self.url
        return found


class Choice(NamedTuple):
    """What a rule decided: "redirect" with its page, or "block" without one."""

    action: Action
    destination: Destination | None


class _Way(NamedTuple):
    """A rule made ready: its choice for draws below `below` (0 < below ≤ 1) within its group."""

    below: float
    choice: Choice


class _Group(NamedTuple):
    """Rules with the same conditions. `total` is the part of the visitors they take together."""

    countries: frozenset[str]
    devices: frozenset[str]
    starts_at: datetime | None
    ends_at: datetime | None
    referrers: frozenset[str]
    ways: tuple[_Way, ...]
    total: float


class Routing:
    """Compiled rules; immutable, safe to share between threads."""

    __slots__ = ("_groups", "needs_country", "needs_device", "needs_referrer")

    def __init__(self, groups: Sequence[_Group]) -> None:
        self._groups = tuple(groups)
        self.needs_country = any(group.countries for group in groups)
        self.needs_device = any(group.devices for group in groups)
        self.needs_referrer = any(group.referrers for group in groups)

    def choose(self, country: str, device: str, at: datetime, draw: float, *, referrer: str = "") -> Choice | None:
        """What the first fitting rule says; None when none fits and the link goes its usual way.

        `country` is an upper-case ISO 3166 code or empty, `device` one of DEVICES, `at` aware,
        0 ≤ draw < 1, `referrer` the Referer header or empty.
        """
        for group in self._groups:
            if group.countries and country not in group.countries:
                continue
            if group.devices and device not in group.devices:
                continue
            if group.starts_at is not None and at < group.starts_at:
                continue
            if group.ends_at is not None and at >= group.ends_at:
                continue
            if group.referrers and not _is_from(referrer, group.referrers):
                continue
            for way in group.ways:
                if draw < way.below:
                    return way.choice
            # Here draw is even over [total, 1): stretched to [0, 1) it is as good as a new one.
            draw = min((draw - group.total) / (1.0 - group.total), 0.999_999_999)
        return None


def read_routing(
    value: object, *, allowed_hosts: Collection[str] | None, allow_local: bool = False, field: str = "routing"
) -> list[Rule]:
    """The rules somebody wrote, checked. Raises RoutingRefused with the path of what is wrong.

    A rule is `{"when": {"country": ["DE"], "device": ["mobile"], "from": iso, "until": iso,
    "share": 30, "referrer": ["coupons.example"]}, "do": "redirect" | "block", "url": "https://…"}`;
    every condition may be missing. Pages have to lie on `allowed_hosts`.
    """
    if not isinstance(value, list):
        raise RoutingRefused("Rules are a list. Send [] for none.", field=field)
    if len(value) > MOST_RULES:
        raise RoutingRefused(f"At most {MOST_RULES} rules.", code="routing_too_many", field=field)
    rules = [
        _rule(item, f"{field}.{number}", allowed_hosts=allowed_hosts, allow_local=allow_local)
        for number, item in enumerate(value)
    ]
    _check_order(rules, field)
    return rules


def compile_routing(
    *levels: object, allowed_hosts: Collection[str] | None = None, allow_local: bool = False
) -> Routing | None:
    """The rules of all levels (the program's first, then the link's), ready to choose; None when there are none.

    A level is what the database holds: a list, or its JSON text. What cannot be used (any more:
    a page whose host was taken from the list) is left out, so that no click ever fails.
    """
    rules: list[tuple[Rule, Destination | None]] = []
    for level in levels:
        for item in _items(level):
            try:
                rule = _rule(item, "", allowed_hosts=allowed_hosts, allow_local=allow_local)
                destination = (
                    read_destination(rule.url, allowed_hosts=allowed_hosts, allow_local=allow_local)
                    if rule.url
                    else None
                )
            except Refusal:
                continue
            rules.append((rule, destination))
    return Routing(_grouped(rules)) if rules else None


def _items(level: object) -> list[object]:
    if isinstance(level, str):
        if level in {"", "[]"}:
            return []
        try:
            level = json.loads(level)
        except ValueError:
            return []
    return level if isinstance(level, list) else []


def _grouped(rules: Sequence[tuple[Rule, Destination | None]]) -> list[_Group]:
    """Neighbours with the same conditions in one group, their shares laid side by side."""
    groups: list[tuple[Rule, list[_Way], int]] = []
    for rule, destination in rules:
        if not groups or groups[-1][0].conditions != rule.conditions or groups[-1][2] + rule.share > 100:
            groups.append((rule, [], 0))
        first, ways, taken = groups[-1]
        taken += rule.share
        ways.append(_Way(taken / 100, Choice(rule.action, destination)))
        groups[-1] = (first, ways, taken)
    return [
        _Group(
            first.countries, first.devices, first.starts_at, first.ends_at, first.referrers, tuple(ways), taken / 100
        )
        for first, ways, taken in groups
    ]


def _check_order(rules: Sequence[Rule], field: str) -> None:
    """Refuses rules that nobody can ever reach: below one that fits everybody."""
    for number, rule in enumerate(rules[:-1]):
        if rule.is_fallback:
            raise RoutingRefused(
                "A rule without conditions fits everybody, so it has to be the last one.", field=f"{field}.{number}"
            )


def _rule(item: object, path: str, *, allowed_hosts: Collection[str] | None, allow_local: bool) -> Rule:
    if not isinstance(item, Mapping):
        raise RoutingRefused("A rule is an object with when, do and url.", field=path)
    _refuse_unknown(item, _RULE_KEYS, path)
    when = item.get("when", {})
    if not isinstance(when, Mapping):
        raise RoutingRefused("when is an object of conditions.", field=f"{path}.when")
    _refuse_unknown(when, _WHEN_KEYS, f"{path}.when")
    action = item.get("do")
    # Anything JSON can hold may stand here, lists too, so nothing is looked up in a set.
    if action not in (REDIRECT, BLOCK):
        raise RoutingRefused("do is redirect or block.", field=f"{path}.do")
    starts_at, ends_at = _moment(when, "from", path), _moment(when, "until", path)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise RoutingRefused("until has to be later than from.", field=f"{path}.when.until")
    return Rule(
        action=REDIRECT if action == REDIRECT else BLOCK,
        url=_url(item.get("url", ""), action, path, allowed_hosts=allowed_hosts, allow_local=allow_local),
        countries=frozenset(_countries(when, path)),
        devices=frozenset(_devices(when, path)),
        starts_at=starts_at,
        ends_at=ends_at,
        referrers=frozenset(_hosts(when, path)),
        share=_share(when, path),
    )


def _url(url: object, action: object, path: str, *, allowed_hosts: Collection[str] | None, allow_local: bool) -> str:
    if action == BLOCK:
        if url is not None and url != "":
            raise RoutingRefused("A rule that blocks has no url.", field=f"{path}.url")
        return ""
    if not isinstance(url, str) or not url.strip():
        raise RoutingRefused("A rule that redirects needs a url.", field=f"{path}.url")
    try:
        return read_destination(url.strip(), allowed_hosts=allowed_hosts, allow_local=allow_local).url
    except DestinationRefused as refusal:
        raise RoutingRefused(str(refusal), code="routing_url", field=f"{path}.url") from refusal


def _texts(when: Mapping[str, Any], name: str, path: str) -> list[str]:
    found = when.get(name, [])
    found = [found] if isinstance(found, str) else found
    if not isinstance(found, list) or len(found) > _MOST_VALUES or not all(isinstance(text, str) for text in found):
        raise RoutingRefused(f"{name} is a list of texts.", field=f"{path}.when.{name}")
    return [text.strip() for text in found]


def _countries(when: Mapping[str, Any], path: str) -> list[str]:
    found = [text.upper() for text in _texts(when, "country", path)]
    for text in found:
        if not _COUNTRY.fullmatch(text):
            raise RoutingRefused(
                f"{text[:20]!r} is no country. Send two letters, such as DE.", field=f"{path}.when.country"
            )
    return found


def _devices(when: Mapping[str, Any], path: str) -> list[str]:
    found = [text.lower() for text in _texts(when, "device", path)]
    for text in found:
        if text not in DEVICES:
            raise RoutingRefused(
                f"{text[:20]!r} is no device. Send one of {', '.join(DEVICES)}.", field=f"{path}.when.device"
            )
    return found


def _hosts(when: Mapping[str, Any], path: str) -> list[str]:
    found = []
    for text in _texts(when, "referrer", path):
        try:
            found.append(ascii_host(text.removeprefix("*.")))
        except DestinationRefused as refusal:
            raise RoutingRefused(
                f"{text[:80]!r} is no host. Send a name such as coupons.example.", field=f"{path}.when.referrer"
            ) from refusal
    return found


def _share(when: Mapping[str, Any], path: str) -> int:
    share = when.get("share", 100)
    if isinstance(share, bool) or not isinstance(share, int) or not 1 <= share <= 100:
        raise RoutingRefused("share is a whole number of per cent, 1 to 100.", field=f"{path}.when.share")
    return share


def _moment(when: Mapping[str, Any], name: str, path: str) -> datetime | None:
    text = when.get(name)
    if text is None or text == "":
        return None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RoutingRefused(
            f"{name} is an instant with its offset, such as 2026-11-27T00:00:00Z.", field=f"{path}.when.{name}"
        )
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise RoutingRefused(f"{name} is out of the calendar.", field=f"{path}.when.{name}") from error


def _refuse_unknown(item: Mapping[Any, Any], known: frozenset[str], path: str) -> None:
    for name in item:
        if name not in known:
            raise RoutingRefused(f"{str(name)[:40]!r} is unknown here.", field=f"{path}.{str(name)[:40]}")


def _is_from(referrer: str, hosts: frozenset[str]) -> bool:
    """Whether a Referer header names one of these hosts or one below them."""
    found = re.match(r"https?://(?:[^/?#@]*@)?([^/?#:]+)", referrer, re.IGNORECASE)
    if found is None:
        return False
    try:
        host = ascii_host(found[1])
    except DestinationRefused:
        return False
    while True:
        if host in hosts:
            return True
        _, dot, host = host.partition(".")
        if not dot:
            return False

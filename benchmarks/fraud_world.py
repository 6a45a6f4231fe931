"""A program's month with known truth: honest partners of many kinds, cheats of every kind, event by event.

Seeded, so that a seed is a world: clicks with visitor, address and what the click door said of them, orders with
the way that led to them. benchmarks/fraud_partners.py says how each kind behaves; here is what they share. The
rules see none of it but `facts_of`, which adds up what tracking/fraud/gathering.py adds up in the database.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

from tracking.email_addresses import alike, kind_of_address, own_domain_of
from tracking.fraud.facts import Networks, OrderFact, PartnerFacts

START = datetime(2026, 5, 4, tzinfo=UTC)
DAYS = 30
DAY = 86_400.0
END = START + timedelta(days=DAYS)

_GIVEN = [
    "anna",
    "ben",
    "carla",
    "david",
    "elena",
    "frank",
    "greta",
    "henry",
    "ida",
    "jonas",
    "kim",
    "lena",
    "marco",
    "nina",
    "oscar",
    "paula",
    "robert",
    "sara",
    "tim",
    "ursula",
    "victor",
    "wendy",
    "amir",
    "bianca",
    "chen",
    "diego",
    "emma",
    "felix",
    "hana",
    "ivan",
    "julia",
    "karim",
    "lucia",
    "mehmet",
    "noor",
    "olga",
    "pedro",
    "rosa",
    "stefan",
]
_FAMILY = [
    "becker",
    "rossi",
    "smith",
    "novak",
    "martin",
    "garcia",
    "larsen",
    "silva",
    "meyer",
    "kowalski",
    "dubois",
    "jansen",
    "tanaka",
    "wagner",
    "brown",
    "moreau",
    "nilsen",
    "schmidt",
    "ferrari",
    "lopez",
    "walker",
    "fischer",
    "petrov",
    "andersson",
    "costa",
    "romano",
    "weber",
    "clark",
    "dupont",
    "vogel",
    "haas",
    "lindgren",
]
_FREE = ("gmail.com", "outlook.com", "gmx.de", "yahoo.com", "icloud.com", "web.de", "hotmail.com")
_COUNTRIES = ("DE", "DE", "DE", "DE", "AT", "CH", "NL", "FR")
_SIGNS = "abcdefghijklmnopqrstuvwxyz0123456789"
#: How many people browse at each hour of the day.
_HOURS = (5, 3, 2, 1, 1, 2, 5, 9, 12, 14, 15, 15, 16, 15, 14, 14, 15, 17, 20, 23, 24, 22, 16, 10)


@dataclass(slots=True)
class WorldClick:
    """One followed link; `at` in seconds from the start, `address` an IPv4 address as a number."""

    at: float
    visitor: int
    address: int
    country: str
    language: str
    reason: str = ""
    paid: bool = False


@dataclass(slots=True)
class WorldOrder:
    """One order; `others` are the seconds before it at which other partners' links were followed."""

    at: float
    click: WorldClick | None
    commission: int
    customer: str
    country: str
    others: tuple[float, ...] = ()
    coupon: bool = False
    refunded: float | None = None
    is_fraud: bool = False
    #: The click that was there when the order names one younger than itself.
    named: WorldClick | None = None


@dataclass(slots=True)
class WorldPartner:
    """One partner. `kind` is an honest kind's name or the rule that is meant to see it; `dose` how bold it is."""

    name: str
    kind: str
    dose: str = ""
    people: tuple[str, ...] = ()
    fingerprint: str = ""
    devices: tuple[int, ...] = ()
    homes: tuple[tuple[int, float], ...] = ()
    clicks: list[WorldClick] = field(default_factory=list)
    orders: list[WorldOrder] = field(default_factory=list)
    forged: int = 0

    @property
    def is_fraud(self) -> bool:
        """Whether the truth is that it cheats."""
        return bool(self.dose)

    @property
    def commission(self) -> int:
        """What it earned in the window, in minor units."""
        return sum(order.commission for order in self.orders if 0 < order.at <= DAYS * DAY)


class Country:
    """The net that visitors come from: homes of their own, and carriers that put thousands behind few addresses."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self._carriers = [
            [self.rng.randrange(0x50_0000, 0x5F_0000) for _ in range(self.rng.randrange(15, 50))] for _ in range(6)
        ]
        self._visitor = seed << 40

    def visitor(self) -> int:
        """A browser that was not seen before."""
        self._visitor += 1
        return self._visitor

    def network(self) -> int:
        """A /24 of homes."""
        return self.rng.randrange(0x60_0000, 0x66_0000)

    def address(self, *, mobile: float = 0.35) -> int:
        """Where a visitor comes from: a home, or a carrier's few networks."""
        rng = self.rng
        network = rng.choice(rng.choice(self._carriers)) if rng.random() < mobile else self.network()
        return network << 8 | rng.randrange(1, 255)

    def person(self) -> str:
        """A customer's address, as people have them."""
        rng = self.rng
        given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
        chance = rng.random()
        if chance < 0.04:
            # Hidden behind a relay, as a large maker of telephones does it: honest, and looks drawn by chance.
            return f"{self.signs(10)}@privaterelay.appleid.com"
        if chance < 0.055:
            return f"{given}.{family}@mailinator.com"
        if chance < 0.065:
            return f"{self.signs(11)}@{rng.choice(_FREE)}"
        number = rng.choice(("", "", str(rng.randrange(1, 99)), str(rng.randrange(1950, 2010))))
        name = rng.choice((f"{given}.{family}", f"{given}{family}", f"{given[0]}.{family}", f"{given}_{family}"))
        if chance < 0.75:
            return f"{name}{number}@{rng.choice(_FREE)}"
        return f"{name}@{family}-{rng.choice(('it', 'bau', 'media', 'consult', 'shop'))}{rng.randrange(900)}.example"

    def signs(self, length: int) -> str:
        """Letters and digits drawn by chance."""
        return "".join(self.rng.choice(_SIGNS) for _ in range(length))

    def moment(self, days: tuple[float, float] = (-12.0, DAYS)) -> float:
        """A second at which people browse."""
        rng = self.rng
        day = math.floor(rng.uniform(*days))
        hour = rng.choices(range(24), _HOURS)[0]
        return day * DAY + hour * 3600.0 + rng.uniform(0, 3600)

    def click(self, at: float, *, mobile: float = 0.35, home: str = "", invalid: float = 0.06) -> WorldClick:
        """One visitor's click, now and then a preview's or a scanner's."""
        rng = self.rng
        country = home or rng.choice(_COUNTRIES)
        language = country if rng.random() > 0.06 else rng.choice(("US", "GB", "TR", "PL"))
        chance = rng.random()
        reason = ""
        if chance < invalid:
            reason = rng.choice(("bot", "crawler", "prefetch", "head_request", "datacenter"))
        elif chance < invalid + 0.01:
            reason = "not_a_page"
        return WorldClick(
            at, self.visitor(), self.address(mobile=mobile), country, language, reason, paid=rng.random() < 0.02
        )

    def seconds(self, way: str) -> float:
        """How long people take from the click to the order, by the way they shop."""
        rng = self.rng
        chance = rng.random()
        if way == "coupon" and chance < 0.75:
            found = rng.lognormvariate(math.log(210), 0.8)
        elif way == "cashback" and chance < 0.85:
            found = rng.lognormvariate(math.log(360), 1.0)
        elif way == "extension" and chance < 0.9:
            # It speaks up at the checkout, where the buyer already is.
            found = rng.lognormvariate(math.log(80), 0.7)
        elif way == "long" and chance < 0.65:
            found = rng.expovariate(1 / (6 * DAY)) + 3600
        elif chance < 0.55:
            found = rng.lognormvariate(math.log(720), 1.2)
        elif chance < 0.80:
            found = rng.lognormvariate(math.log(3 * 3600), 1.0)
        else:
            found = rng.expovariate(1 / (4 * DAY)) + 1800
        return min(found + rng.uniform(2, 8), 29 * DAY)

    def order(self, click: WorldClick, seconds: float, *, refunds: float = 0.08, abroad: float = 0.05) -> WorldOrder:
        """An order after a click."""
        rng = self.rng
        others: tuple[float, ...] = ()
        if rng.random() < 0.18:
            others = (seconds + (rng.lognormvariate(math.log(DAY / 4), 1.8)),)
        return WorldOrder(
            at=click.at + seconds,
            click=click,
            commission=self.commission(),
            customer=self.person(),
            country=click.country if rng.random() > abroad else rng.choice(("US", "GB", "PL", "ES")),
            others=others,
            refunded=rng.uniform(1, 25) if rng.random() < refunds else None,
        )

    def commission(self) -> int:
        """What an order earns, in minor units."""
        return int(self.rng.lognormvariate(math.log(800), 0.6))


def facts_of(partners: list[WorldPartner]) -> list[PartnerFacts]:
    """What the database would say of each partner over the window."""
    return [_facts(one) for one in partners]


def _facts(one: WorldPartner) -> PartnerFacts:
    end = DAYS * DAY
    clicks = sorted((click for click in one.clicks if 0 < click.at <= end), key=lambda click: click.at)
    counted = [click for click in clicks if not click.reason]
    found = PartnerFacts(one.name, one.name, approved_at=START - timedelta(days=90))
    found.clicks, found.counted = len(clicks), len(counted)
    found.embedded = sum(click.reason == "not_a_page" for click in clicks)
    found.invalid = len(clicks) - len(counted) - found.embedded
    found.paid = sum(click.paid for click in clicks)
    found.spoken = sum(bool(click.language and click.country) for click in counted)
    found.foreign = sum(bool(click.language) and click.language != click.country for click in counted)
    gaps = [max(later.at - click.at, 0.001) for click, later in pairwise(counted)]
    if gaps:
        found.gaps = len(gaps)
        found.gap_mean = sum(gaps) / len(gaps)
        found.gap_deviation = math.sqrt(sum((gap - found.gap_mean) ** 2 for gap in gaps) / len(gaps))
        found.gap_log = sum(map(math.log, gaps)) / len(gaps)
    spread = Counter(click.address >> 8 for click in counted)
    if spread:
        top = spread.most_common(5)
        whole = spread.total()
        bits = -sum(n / whole * math.log2(n / whole) for n in spread.values())
        found.networks = Networks(
            whole, len(spread), top[0][1], sum(n for _name, n in top), bits, frozenset(str(name) for name, _n in top)
        )
    found.orders = [_order(order, place) for place, order in enumerate(one.orders) if 0 < order.at <= end]
    spans = {order.hour // 6 for order in found.orders}
    for click in counted:
        hour = int((START.timestamp() + click.at) // 3600)
        if hour // 6 in spans:
            found.hours[hour] = found.hours.get(hour, 0) + 1
    found.forged = one.forged
    found.older_than_click = sum(
        order.named is not None and order.at < order.named.at - 3600 for order in one.orders if 0 < order.at <= end
    )
    found.emails = frozenset(one.people)
    found.alikes = frozenset(map(alike, one.people))
    found.domains = frozenset(own for person in one.people if (own := own_domain_of(person)))
    found.people = frozenset(one.people)
    found.fingerprints = frozenset({one.fingerprint} if one.fingerprint else ())
    found.devices = frozenset(map(str, one.devices))
    found.homes = tuple((str(address), START + timedelta(seconds=at)) for address, at in one.homes)
    return found


def _order(order: WorldOrder, place: int) -> OrderFact:
    click = order.click
    seconds = order.at - click.at if click else None
    before = [value - seconds for value in order.others if seconds is not None and value >= seconds]
    at = START + timedelta(seconds=order.at)
    return OrderFact(
        id=str(place),
        at=at,
        commission=order.commission,
        seconds=seconds,
        other_click_before=min(before, default=None),
        is_coupon=order.coupon,
        is_leaked=order.coupon and click is None and any(value < DAY for value in order.others),
        refunded_days=order.refunded,
        click_country=click.country if click else "",
        country=order.country,
        network=str(click.address >> 8) if click else "",
        home=str(click.address) if click else "",
        clicked_at=START + timedelta(seconds=click.at) if click else None,
        visitor=str(click.visitor) if click else "",
        customer=order.customer,
        customer_alike=alike(order.customer),
        customer_domain=own_domain_of(order.customer),
        address_kind=kind_of_address(order.customer),
    )

"""How honest partners behave and how cheats do: the behaviours from which benchmarks/fraud_world.py is peopled.

A cheat's dose is `blatant`, `middling` or `adaptive`: the adaptive know the usual thresholds, hide among honest
visitors of their own, stay just outside the windows, spread over several accounts.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random

from benchmarks.fraud_world import DAY, DAYS, Country, WorldOrder, WorldPartner

#: Each honest kind and how many of a hundred honest partners are of it.
HONEST = {
    "content": 24, "long": 6, "coupon": 10, "cashback": 5, "extension": 3, "email": 10, "small": 18, "office": 4,
    "mobile": 6, "seasonal": 5, "poor": 6, "codes": 3,
}  # fmt: skip
DOSES = ("blatant", "middling", "adaptive")
KINDS = tuple(f"F{number}" for number in range(1, 18))
_NIGHTLY = (0.0, float(DAYS))


def honest(country: Country, kind: str, name: str, *, size: float = 1.0) -> WorldPartner:
    """One honest partner's month."""
    rng = country.rng
    one = _somebody(country, name, kind)
    volume = min(int(rng.lognormvariate(math.log(380), 0.9) * size) + 20, 4000)
    rate = 0.04 * rng.lognormvariate(0, 0.55)
    way, mobile, invalid, refunds, abroad = (
        "content",
        0.35,
        0.03 + rng.random() * 0.06,
        0.08,
        0.02 + rng.random() * 0.06,
    )
    refunds *= rng.lognormvariate(0, 0.4)
    if kind == "small":
        volume, rate = rng.randrange(20, 120), 0.03
    elif kind in {"coupon", "cashback", "extension", "long"}:
        way, rate = kind, rate * (0.7 if kind == "long" else 1.6)
    elif kind == "mobile":
        mobile, rate = 0.93, rate * 0.8
    elif kind == "poor":
        rate, refunds, abroad = rate * 0.4, refunds * 1.6, abroad * 1.5
    elif kind == "email":
        invalid = 0.10 + rng.random() * 0.25
    # Every tenth honest partner is odd in some way that looks like a rule's business.
    quirk = rng.choice(("paid", "abroad", "young", "frames")) if rng.random() < 0.1 else ""
    if quirk == "abroad":
        abroad = 0.12 + rng.random() * 0.10
    moments = [country.moment() for _ in range(volume)]
    if kind in {"email", "office"}:
        moments = _bursts(rng, volume, share=0.85)
    elif kind == "seasonal":
        first = rng.randrange(3, 24)
        peak = (float(first), float(first + 3))
        moments = [country.moment(peak) if rng.random() < 0.7 else at for at in moments]
    offices = [country.network() for _ in range(rng.randrange(1, 4))]
    for at in moments:
        click = country.click(at, mobile=mobile, invalid=invalid)
        if kind == "office" and rng.random() < 0.7:
            click.address = rng.choice(offices) << 8 | rng.randrange(1, 30)
        if quirk == "paid":
            click.paid = rng.random() < 0.12
        elif quirk == "frames" and rng.random() < 0.08:
            click.reason = "not_a_page"
        elif quirk == "abroad" and rng.random() < 0.3:
            click.language = "US"
        one.clicks.append(click)
        if not click.reason and rng.random() < rate:
            order = country.order(click, country.seconds(way), refunds=refunds, abroad=abroad)
            if quirk == "young" and rng.random() < 0.08:
                order.customer = f"{country.signs(10)}@yopmail.com"
            one.orders.append(order)
    if kind == "codes":
        one.orders += [
            _typed(country, refunds=refunds, leak=rng.uniform(0.04, 0.12)) for _ in range(rng.randrange(10, 60))
        ]
    elif kind == "coupon":
        for order in one.orders:
            order.coupon = rng.random() < 0.7
    return one


def cheat(country: Country, kind: str, name: str, dose: str) -> list[WorldPartner]:
    """The accounts of one cheat, mostly one: honest traffic of its own, and what it adds."""
    one = honest(country, country.rng.choice(("content", "coupon", "content")), name, size=0.7)
    one.kind, one.dose = kind, dose
    return _CHEATS[kind](country, one, dose) or [one]


def _somebody(country: Country, name: str, kind: str) -> WorldPartner:
    rng = country.rng
    own = rng.random() < 0.5
    person = f"hello@{name}.example" if own else f"{name}.{rng.randrange(9999)}@{rng.choice(('gmail.com', 'gmx.de'))}"
    home, device = country.address(mobile=0.1), country.visitor()
    return WorldPartner(
        name, kind, people=(person,), fingerprint=f"fp-{name}", devices=(device,),
        homes=tuple((home, day * DAY) for day in range(-3, DAYS, 2)),
    )  # fmt: skip


def _bursts(rng: Random, volume: int, *, share: float) -> list[float]:
    """A newsletter's clicks: a mailing or four, most of each within hours."""
    sent = [rng.randrange(DAYS) * DAY + rng.randrange(7, 19) * 3600.0 for _ in range(rng.randrange(1, 5))]
    return [
        rng.choice(sent) + rng.expovariate(1 / (2.5 * 3600)) if rng.random() < share else rng.uniform(0, DAYS * DAY)
        for _ in range(volume)
    ]


def _typed(country: Country, *, refunds: float, leak: float) -> WorldOrder:
    """An order that a code won without any click of its owner."""
    rng = country.rng
    leaks = rng.random() < leak
    others = (rng.uniform(30, DAY * 0.9),) if leaks else (rng.uniform(2, 9) * DAY,) if rng.random() < 0.1 else ()
    return WorldOrder(
        at=country.moment(_NIGHTLY), click=None, commission=country.commission(), customer=country.person(),
        country="DE", others=others, coupon=True, refunded=rng.uniform(1, 25) if rng.random() < refunds else None,
        is_fraud=False,
    )  # fmt: skip


def _share(one: WorldPartner, share: float) -> None:
    """Keep so many of a hundred of the partner's honest orders."""
    one.orders = one.orders[: max(int(len(one.orders) * share), 1)]


def _thin(one: WorldPartner, clicks: int) -> None:
    """Keep so many honest clicks, and the orders that came of them."""
    one.clicks = one.clicks[:clicks]
    kept = {id(click) for click in one.clicks}
    one.orders = [order for order in one.orders if order.click is None or id(order.click) in kept]


def _keep_to(one: WorldPartner, fraud: int, dose: str) -> None:
    """Thin the honest orders out so that the dose is what it is called: 95, 60 and 40 of a hundred are false."""
    honest_too = {"blatant": 0.05, "middling": 0.4, "adaptive": 0.6}[dose]
    one.orders = one.orders[: max(int(fraud * honest_too / (1 - honest_too)), 1)]


def _made(country: Country, seconds: float, *, at: float | None = None) -> WorldOrder:
    """A false order with a click of its own so many seconds before."""
    moment = country.moment(_NIGHTLY) if at is None else at
    click = country.click(moment - seconds, invalid=0.0)
    click.reason = ""
    order = country.order(click, seconds)
    order.others, order.is_fraud = (), True
    return order


def _add(one: WorldPartner, orders: list[WorldOrder], dose: str) -> None:
    _keep_to(one, len(orders), dose)
    one.orders += orders
    one.clicks += [order.click for order in orders if order.click]


def _count(rng: Random) -> int:
    return rng.randrange(12, 70)


def _hijack(country: Country, one: WorldPartner, dose: str) -> list[WorldPartner] | None:
    """F1: the click is thrown in while the customer pays."""
    rng = country.rng
    low, high = (1, 14) if dose != "adaptive" else rng.choice(((3, 19), (21, 55)))
    if dose == "adaptive" and rng.random() < 0.4:
        accounts = [one, *(honest(country, "small", f"{one.name}-{place}") for place in (2, 3))]
        for account in accounts:
            account.kind, account.dose = one.kind, dose
            _add(account, [_made(country, rng.uniform(1, 19)) for _ in range(rng.randrange(6, 14))], dose)
        return accounts
    _add(one, [_made(country, rng.uniform(low, high)) for _ in range(_count(rng))], dose)
    return None


def _flood(country: Country, one: WorldPartner, dose: str) -> None:
    """F2: clicks in everybody's name, so that who buys anyway has one; time to order as flat as the month."""
    rng = country.rng
    orders = [_made(country, rng.uniform(60, 20 * DAY)) for _ in range(rng.randrange(12, 40))]
    _add(one, orders, dose)
    many = {"blatant": 7000, "middling": 6000, "adaptive": 5000}[dose]
    one.clicks += [country.click(country.moment(_NIGHTLY)) for _ in range(many)]


def _regular(country: Country, one: WorldPartner, dose: str) -> None:
    """F3: a program clicks by the clock, and orders a little later, always as much."""
    rng = country.rng
    jitter = {"blatant": 0.02, "middling": 0.15, "adaptive": 0.5}[dose]
    step = rng.uniform(1500, 4000)
    at, made = 0.0, []
    _thin(one, int(len(one.clicks) * {"blatant": 0.05, "middling": 0.2, "adaptive": 0.3}[dose]))
    while at < DAYS * DAY:
        at += step * rng.uniform(1 - jitter, 1 + jitter)
        click = country.click(at, invalid=0.0)
        click.reason = ""
        one.clicks.append(click)
        if rng.random() < 0.06:
            order = country.order(click, rng.gauss(150, 10 + 100 * jitter * 0.6) + 40)
            order.is_fraud = True
            made.append(order)
    one.orders += made


def _take(country: Country, one: WorldPartner, dose: str) -> None:
    """F4: seconds after another partner's click its own takes the place of the last one."""
    rng = country.rng
    low, high = (1, 9) if dose != "adaptive" else rng.choice(((2, 9), (11, 40)))
    orders = []
    for _ in range(_count(rng)):
        order = _made(country, country.seconds("content"))
        assert order.click is not None
        order.others = (order.at - order.click.at + rng.uniform(low, high),)
        orders.append(order)
    _add(one, orders, dose)


def _farm(country: Country, one: WorldPartner, dose: str) -> None:
    """F5: people paid to click; nobody buys."""
    honest_too = {"blatant": 0.02, "middling": 0.06, "adaptive": 0.12}[dose]
    many = 3500
    _thin(one, int(many * honest_too))
    one.clicks += [country.click(country.moment(_NIGHTLY)) for _ in range(many)]


def _few_networks(country: Country, one: WorldPartner, dose: str) -> None:
    """F6: a room of telephones behind a handful of addresses."""
    rng = country.rng
    number, many = {"blatant": (2, 2500), "middling": (5, 1800), "adaptive": (14, 1500)}[dose]
    rooms = [country.network() for _ in range(number)]
    _share(one, 0.7)
    for _ in range(many):
        click = country.click(country.moment(_NIGHTLY))
        click.address = rng.choice(rooms) << 8 | rng.randrange(1, 250)
        one.clicks.append(click)


def _programs(country: Country, one: WorldPartner, dose: str) -> None:
    """F7: programs that say so, come from data centres or ask for the head only."""
    rng = country.rng
    share = {"blatant": 8.0, "middling": 3.0, "adaptive": 1.6}[dose]
    many = int(len(one.clicks) * share) + 100
    reasons = ("bot", "crawler", "datacenter", "head_request", "no_user_agent", "no_language", "prefetch")
    one.clicks += [replace(country.click(country.moment(_NIGHTLY)), reason=rng.choice(reasons)) for _ in range(many)]


def _self(country: Country, one: WorldPartner, dose: str) -> None:
    """F8: it buys itself, or its friends at its table do: tags in addresses, own domain, own browser, own network."""
    rng = country.rng
    if rng.random() < 0.5:
        one.people = (*one.people, f"{rng.choice(('max', 'eva'))}.{one.name}@gmail.com")
    number = {"blatant": 12, "middling": 6, "adaptive": 4}[dose]
    how = rng.choice(("tag", "dots", "device", "home")) if dose == "adaptive" else rng.choice(("same", "tag", "domain"))
    orders = []
    for place in range(number):
        order = _made(country, country.seconds("content"), at=rng.uniform(1, DAYS - 1) * DAY)
        assert order.click is not None
        name, _at, domain = one.people[0].partition("@")
        if how == "device":
            order.click.visitor = one.devices[0]
        elif how == "home":
            order.click.address = one.homes[0][0]
        elif how == "same" or (how == "domain" and domain in {"gmail.com", "gmx.de"}):
            order.customer = one.people[0]
        elif how == "domain":
            order.customer = f"team{place}@{domain}"
        else:
            order.customer = f"{name}+{place}@{domain}" if how == "tag" else f"{name[0]}.{name[1:]}@{domain}"
        orders.append(order)
    _add(one, orders, "middling")


def _double(country: Country, one: WorldPartner, dose: str) -> list[WorldPartner]:
    """F9: one person, two accounts: one payout account, or one browser."""
    other = honest(country, "content", f"{one.name}-2", size=0.7)
    other.kind, other.dose = one.kind, dose
    if dose == "adaptive":
        other.devices = one.devices
    else:
        other.fingerprint = one.fingerprint
    return [one, other]


def _leak(country: Country, one: WorldPartner, dose: str) -> None:
    """F10: the code hangs on a coupon page, and takes what other partners have brought."""
    leak = {"blatant": 0.85, "middling": 0.6, "adaptive": 0.42}[dose]
    orders = [_typed(country, refunds=0.08, leak=leak) for _ in range(max(_count(country.rng), 20))]
    for order in orders:
        order.is_fraud = bool(order.others) and order.others[0] < DAY
    one.orders = one.orders[:3] + orders


def _refund(country: Country, one: WorldPartner, dose: str) -> None:
    """F11: bought to be given back."""
    rng = country.rng
    share = {"blatant": 0.8, "middling": 0.55, "adaptive": 0.4}[dose]
    orders = [_made(country, country.seconds("content")) for _ in range(rng.randrange(25, 80))]
    for order in orders:
        order.refunded = rng.uniform(1, 20) if rng.random() < share else None
    _add(one, orders, "blatant")


def _throwaway(country: Country, one: WorldPartner, dose: str) -> None:
    """F12: leads with addresses made for the minute."""
    rng = country.rng
    orders = [_made(country, country.seconds("content")) for _ in range(max(_count(rng), 20))]
    for order in orders:
        listed = rng.choice(("mailinator.com", "yopmail.com", "guerrillamail.com", "temp-mail.org"))
        domain = "gmail.com" if dose == "adaptive" and rng.random() < 0.7 else listed
        order.customer = f"{country.signs(rng.randrange(9, 14))}@{domain}"
    _add(one, orders, dose)


def _velocity(country: Country, one: WorldPartner, dose: str) -> None:
    """F13: leads by the dozen within an hour, from as many clicks."""
    rng = country.rng
    hours = {"blatant": 1, "middling": 3, "adaptive": 6}[dose]
    start = rng.uniform(1, DAYS - 2) * DAY
    orders = [
        _made(country, country.seconds("coupon"), at=start + rng.uniform(0, hours * 3600))
        for _ in range(rng.randrange(25, 60))
    ]
    _add(one, orders, dose)


def _abroad(country: Country, one: WorldPartner, dose: str) -> None:
    """F14: orders from where no click came."""
    rng = country.rng
    orders = [_made(country, country.seconds("content")) for _ in range(_count(rng))]
    for order in orders:
        order.country = rng.choice(("VN", "BR", "IN", "US"))
    _add(one, orders, dose)


def _stuff(country: Country, one: WorldPartner, dose: str) -> None:
    """F15: the link sits in a frame of no size, and every visitor of the page `clicks`."""
    rng = country.rng
    share = {"blatant": 9.0, "middling": 2.0, "adaptive": 0.6}[dose]
    many = int(len(one.clicks) * share) + 60
    one.clicks += [replace(country.click(country.moment(_NIGHTLY)), reason="not_a_page") for _ in range(many)]
    # Old browsers do not say that it was a frame: those clicks count.
    orders = [_made(country, rng.uniform(60, 15 * DAY)) for _ in range(_count(rng))]
    _add(one, orders, dose)


def _buy_brand(country: Country, one: WorldPartner, dose: str) -> None:
    """F16: advertisements on the shop's own name."""
    rng = country.rng
    share = {"blatant": 0.9, "middling": 0.6, "adaptive": 0.35}[dose]
    for click in one.clicks:
        click.paid = rng.random() < share
    for order in one.orders:
        order.is_fraud = bool(order.click and order.click.paid)


def _forge(country: Country, one: WorldPartner, dose: str) -> None:
    """F17: postbacks nobody signed, and orders older than the click they name."""
    rng = country.rng
    one.forged = {"blatant": 40, "middling": 8, "adaptive": 2}[dose]
    for order in rng.sample(one.orders, min(len(one.orders), 4)):
        later = country.click(order.at + rng.uniform(2, 40) * 3600, invalid=0.0)
        later.reason = ""
        one.clicks.append(later)
        order.named, order.is_fraud = later, True


type Cheating = Callable[[Country, WorldPartner, str], list[WorldPartner] | None]
_CHEATS: dict[str, Cheating] = {
    "F1": _hijack, "F2": _flood, "F3": _regular, "F4": _take, "F5": _farm, "F6": _few_networks, "F7": _programs,
    "F8": _self, "F9": _double, "F10": _leak, "F11": _refund, "F12": _throwaway, "F13": _velocity, "F14": _abroad,
    "F15": _stuff, "F16": _buy_brand, "F17": _forge,
}  # fmt: skip


def make_world(
    seed: int, *, partners: int = 240, cheats: int = 2, kinds: tuple[str, ...] = KINDS
) -> list[WorldPartner]:
    """A program of so many honest partners and so many cheats of each kind. The same seed is the same world."""
    country = Country(seed)
    rng = country.rng
    names, weights = list(HONEST), list(HONEST.values())
    world = [honest(country, rng.choices(names, weights)[0], f"partner{number}") for number in range(partners)]
    for kind in kinds:
        for number in range(cheats):
            dose = rng.choices(DOSES, (0.4, 0.3, 0.3))[0]
            world += cheat(country, kind, f"{kind.lower()}-{number}-{rng.randrange(10**6)}", dose)
    rng.shuffle(world)
    _lend_touches(rng, world)
    return world


def _lend_touches(rng: Random, world: list[WorldPartner]) -> None:
    """Honest orders, too, are now and then closely preceded by another partner's click."""
    for one in world:
        for order in one.orders:
            if order.click is not None and not order.is_fraud and not order.others and rng.random() < 0.004:
                order.others = (order.at - order.click.at + rng.uniform(1, 30),)

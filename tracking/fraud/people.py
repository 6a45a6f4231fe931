"""F8, F9 and F17: facts about who is who. No chance is involved, so no p-value."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from tracking.fraud.facts import Finding, OrderFact, PartnerFacts

#: A customer's click counts as made at the partner's when it came from the same network so shortly around a sign-in.
_NEARBY = timedelta(hours=24)
#: A network that two customers of somebody else used too is no home.
_MOST_STRANGERS = 1


class Circles:
    """Union-find with path halving (Tarjan and van Leeuwen 1984): what belongs to the same people."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        """The one that stands for the circle of `name`."""
        above = self._above
        above.setdefault(name, name)
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    def join(self, one: str, other: str) -> None:
        """The two belong together."""
        self._above[self.root(one)] = self.root(other)

    def are_one(self, one: str, other: str) -> bool:
        """Whether the two belong to the same circle."""
        return self.root(one) == self.root(other)


def circles_of(partners: Iterable[PartnerFacts]) -> Circles:
    """Partners joined by their people's addresses, browsers and payout accounts.

    A network joins nobody to anybody: many strangers share one. It counts only between a customer and its own
    partner (`self_referrals`). A company's domain does not join either: its people may each be a partner.
    """
    circles = Circles()
    for one in partners:
        name = f"affiliate:{one.affiliate}"
        circles.root(name)
        for kind, keys in (
            ("person", one.people), ("alike", one.alikes), ("email", one.emails), ("payout", one.fingerprints),
            ("device", one.devices),
        ):  # fmt: skip
            for key in keys:
                circles.join(name, f"{kind}:{key}")
    return circles


def self_referrals(
    one: PartnerFacts, circles: Circles, threshold: float, strangers: Mapping[str, int] | None = None
) -> Finding:
    """F8: the customer is of the partner's own circle: its address in any spelling, its own domain, a browser that one
    of its people signed in with, or its network within a day of a sign-in. `strangers` counts other partners' customers
    by domain and network: what many have is nobody's own.
    """
    others = strangers or {}
    ways: Counter[str] = Counter()
    hit: list[OrderFact] = []
    for order in one.orders:
        way = _way(one, order, circles, others)
        if way:
            ways[way] += 1
            hit.append(order)
    numbers = {"count": len(hit), "of": len(one.orders), "needed": threshold}
    numbers |= {f"by_{way}": ways[way] for way in ("address", "device", "domain", "network")}
    # A shared network or domain may be chance once; an address or a browser is not.
    is_sure = ways["address"] + ways["device"] >= max(threshold, 1)
    is_likely = len(hit) >= max(threshold, 3)
    kept = hit if is_sure or is_likely else []
    return _fact("F8", numbers, kept, stands=bool(kept))


def strangers_of(partners: Sequence[PartnerFacts]) -> dict[str, Counter[str]]:
    """For each partner, how many customers of others have a domain or network that is also its own people's."""
    seen: dict[str, set[tuple[str, str]]] = {}
    for one in partners:
        for order in one.orders:
            for key in (f"domain:{order.customer_domain}", f"network:{order.home}"):
                seen.setdefault(key, set()).add((one.place, order.customer or order.id))
    found: dict[str, Counter[str]] = {}
    for one in partners:
        keys = {f"domain:{key}" for key in one.domains} | {f"network:{key}" for key, _at in one.homes}
        found[one.place] = Counter({key: sum(place != one.place for place, _who in seen.get(key, ())) for key in keys})
    return found


def duplicates(partners: Sequence[PartnerFacts], others: Mapping[str, int], threshold: float) -> dict[str, Finding]:
    """F9: partners paid to the same account, or worked from the same browser by people who say they are others.

    `others`: how many affiliates hold each fingerprint in the whole network. One person who openly has several
    partners, as an agency does, is no duplicate by its browser.
    """
    holders: dict[str, set[str]] = {}
    users: dict[str, list[PartnerFacts]] = {}
    for one in partners:
        for print_ in one.fingerprints:
            holders.setdefault(print_, set()).add(one.affiliate)
        for device in one.devices:
            users.setdefault(device, []).append(one)
    found = {}
    for one in partners:
        shared = max((max(others.get(print_, 1), len(holders[print_])) for print_ in one.fingerprints), default=1)
        alike = {
            other.affiliate
            for device in one.devices
            for other in users[device]
            if other.affiliate != one.affiliate and not one.people & other.people
        }
        count = max(shared, len(alike) + 1)
        numbers = {"count": count, "of": len(one.orders), "by_payout": shared, "by_device": len(alike) + 1}
        found[one.place] = _fact("F9", {**numbers, "needed": threshold}, one.orders, stands=count >= max(threshold, 2))
    return found


def forged(one: PartnerFacts, threshold: float) -> Finding:
    """F17: postbacks in the partner's name whose signature did not fit, or orders older than the click they name."""
    numbers = {"count": one.forged, "older": one.older_than_click, "of": len(one.orders), "needed": threshold}
    return _fact("F17", numbers, (), stands=one.forged + one.older_than_click >= max(threshold, 1))


def _way(one: PartnerFacts, order: OrderFact, circles: Circles, others: Mapping[str, int]) -> str:
    own = f"affiliate:{one.affiliate}"
    if (order.customer and circles.are_one(f"email:{order.customer}", own)) or (
        order.customer_alike and circles.are_one(f"alike:{order.customer_alike}", own)
    ):
        return "address"
    if order.visitor and circles.are_one(f"device:{order.visitor}", own):
        return "device"
    domain = order.customer_domain
    if domain and domain in one.domains and others.get(f"domain:{domain}", 0) <= _MOST_STRANGERS:
        return "domain"
    if order.home and order.clicked_at is not None and others.get(f"network:{order.home}", 0) <= _MOST_STRANGERS:
        moment = order.clicked_at
        if any(home == order.home and abs(moment - at) <= _NEARBY for home, at in one.homes):
            return "network"
    return ""


def _fact(rule: str, numbers: Mapping[str, object], hit: Sequence[OrderFact], *, stands: bool) -> Finding:
    kept = hit if stands else ()
    return Finding(
        rule, None, {**numbers, "stands": stands}, sum(order.commission for order in kept),
        tuple(order.id for order in kept),
    )  # fmt: skip

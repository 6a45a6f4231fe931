"""F8, F9 and F17: facts about who is who. No chance is involved, so no p-value."""

from collections.abc import Iterable, Mapping, Sequence

from tracking.fraud.facts import Finding, PartnerFacts


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


def circles_of(partners: Iterable[PartnerFacts]) -> Circles:
    """Partners joined by their people's addresses and payout accounts.

    A network prefix joins nobody to anybody: many strangers share one. It counts only between a
    customer and its own partner (`self_referrals`).
    """
    circles = Circles()
    for one in partners:
        circles.root(f"affiliate:{one.affiliate}")
        for key in one.email_keys:
            circles.join(f"affiliate:{one.affiliate}", f"email:{key}")
        for print_ in one.fingerprints:
            circles.join(f"affiliate:{one.affiliate}", f"payout:{print_}")
    return circles


def self_referrals(one: PartnerFacts, circles: Circles, threshold: float) -> Finding | None:
    """F8: the customer belongs to the partner's own circle, or bought from the partner's own network."""
    own = circles.root(f"affiliate:{one.affiliate}")
    by_email = [
        order for order in one.orders if order.customer_key and circles.root(f"email:{order.customer_key}") == own
    ]
    known = {order.id for order in by_email}
    by_prefix = [
        order for order in one.orders if order.prefix and order.prefix in one.home_prefixes and order.id not in known
    ]
    hit = [*by_email, *by_prefix] if by_email or len(by_prefix) >= 3 else []
    if len(hit) < max(threshold, 1):
        return None
    numbers = {"count": len(hit), "of": len(one.orders), "by_email": len(by_email), "by_network": len(by_prefix)}
    return Finding("F8", None, numbers, sum(order.commission for order in hit), tuple(order.id for order in hit))


def duplicates(partners: Sequence[PartnerFacts], others: Mapping[str, int], threshold: float) -> dict[str, Finding]:
    """F9: partners paid to the same account. `others`: how many affiliates hold each fingerprint, whole network."""
    found = {}
    for one in partners:
        shared = max((others.get(print_, 1) for print_ in one.fingerprints), default=1)
        if shared >= max(threshold, 2):
            amount = sum(order.commission for order in one.orders)
            ids = tuple(order.id for order in one.orders)
            found[one.place] = Finding("F9", None, {"count": shared, "of": len(one.orders)}, amount, ids)
    return found


def forged(one: PartnerFacts, threshold: float) -> Finding | None:
    """F17: postbacks in the partner's name whose signature did not fit, or orders older than their click."""
    if one.forged + one.older_than_click < max(threshold, 1):
        return None
    return Finding("F17", None, {"count": one.forged, "older": one.older_than_click, "of": len(one.orders)})

"""Attribution in the demo: codes of partners and of the shop, a soft click, a paid assist, and a model that shares."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from affiliates import coupons, enrolments, programs
from affiliates.attribution_terms import AttributionChoices
from affiliates.queries import terms_at
from tracking.spool import Click, make_click

if TYPE_CHECKING:
    from portal.demo.people import Network, Place
    from portal.demo.play import Stage

#: The code, whose it is ("" is the shop's own), and whether it is that partner's alone.
_CODES = (("MAYA10", "Maya Chen", True), ("HONEST15", "Gear Honest", False), ("WELCOME5", "", False))
#: A site of deals: its click takes no order from a partner who advised.
_SOFT = "Basecamp Deals"
#: How many orders carry a code, and how many clicks somebody saw another partner's banner before.
_CODES_SHARE, _BANNER_SHARE = 0.05, 0.06


@dataclass(slots=True)
class Touches:
    """What happens beside the clicks; with dice of its own, so that the year's stay as they fall."""

    chance: random.Random
    codes_since: datetime

    @classmethod
    def of(cls, stage: "Stage") -> "Touches":
        """Those of a play."""
        return cls(random.Random(40_2040), stage.start + (stage.now - stage.start) / 2 + timedelta(days=1))  # noqa: S311 - dice of a play

    def code_for(self, place: "Place", when: datetime) -> str:
        """The code that is typed with an order: mostly none."""
        if place.shop.slug != "acme" or when < self.codes_since or self.chance.random() > _CODES_SHARE:
            return ""
        return self.chance.choice(_CODES)[0]

    def banners(self, click: Click, place: "Place", places: "list[Place]", at: datetime) -> Iterator[Click]:
        """A view of another partner's banner in the days before a click."""
        others = [one for one in places if one.shop is place.shop and one is not place]
        if click.uncounted_reason or not others or self.chance.random() > _BANNER_SHARE:
            return
        other = self.chance.choice(others)
        seen = at - timedelta(minutes=self.chance.randint(3, 2_000))
        if seen <= other.since:
            return
        link = other.links[0]
        view = make_click(
            at=seen, link_id=link.pk, enrolment_id=other.enrolment.pk, program_id=link.program_id,
            affiliate_id=link.affiliate_id, destination=link.destination, referrer=other.partner.channel,
            user_agent=click.user_agent or "", language=click.language or "", country=click.country, consent="granted",
            ip=click.ip, query="sub1=banner", kind="view",
        )  # fmt: skip
        yield view._replace(visitor=click.visitor)


def set_up_attribution(network: "Network", *, at: datetime) -> None:
    """Half a year in: one program shares between all who led a customer there, another pays assists and knows codes."""
    _choose(network, "lumen", AttributionChoices(attribution_model="position", cross_device=True), at=at)
    _choose(
        network, "acme",
        AttributionChoices(view_window_days=1, lifetime_days=365, cart_freeze="soft", assist_rate=Decimal("0.01")),
        at=at,
    )  # fmt: skip
    owner, program = network.users["merchant@demo.example"], network.programs["acme"]
    places = {place.partner.name: place.enrolment for place in network.places if place.shop.slug == "acme"}
    for code, name, is_exclusive in _CODES:
        place = places.get(name)
        if name and place is None:
            continue
        coupons.issue_coupon(
            program, code, enrolment=place, is_exclusive=is_exclusive, by=owner, at=at,
            ends_at=at + timedelta(days=400) if name else None,
        )  # fmt: skip
    if _SOFT in places:
        enrolments.set_credit_class(places[_SOFT], "soft", by=owner, at=at)


def _choose(network: "Network", slug: str, choices: AttributionChoices, *, at: datetime) -> None:
    """The next version of a program's terms, which differs in how orders are attributed."""
    program = network.programs[slug]
    terms = terms_at(program, at)
    if terms is None:
        return
    programs.revise_terms(
        program, starts_at=at + timedelta(days=1), at=at, window_days=terms.window_days, hold_days=terms.hold_days,
        basis=terms.basis, minimum_payout_minor=terms.minimum_payout_minor, text=terms.text, attribution=choices,
    )  # fmt: skip

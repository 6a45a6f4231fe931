"""Suspicions in the demo: three partners caught by the real look; one finding held, one appealed, one released."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from affiliates.queries import people_of
from ledger.errors import Refusal
from ledger.money import Money
from payouts import sales
from payouts.fraud import answering, looking
from portal.demo.cast import PARTNER_EMAIL, PARTNERS
from tracking.click_ids import click_key
from tracking.conversions import OrderFacts
from tracking.pseudonyms import customer_of_address, signs_of_address
from tracking.spool import Click, make_click

if TYPE_CHECKING:
    from affiliates.models import User
    from portal.demo.people import Place
    from portal.demo.play import Stage
    from tracking.models import FraudFinding

_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36"
_DAYS = 18
_RAPID, _OWN = 14, 3


@dataclass(frozen=True, slots=True)
class Suspect:
    """A click that is followed by an order a suspicious way: at once, or by the partner's own people."""

    click_id: UUID
    at: datetime
    place: "Place"
    is_own: bool


def suspects_of(stage: "Stage") -> "list[tuple[Place, bool]]":
    """Who does what: one partner's orders come right after the click, two buy by their own links."""
    places = sorted(
        (
            place
            for place in stage.network.places
            if place.shop.slug == "acme"
            and place.enrolment.status == "approved"
            and not place.partner.fate
            and place.since < stage.now - timedelta(days=_DAYS + 5)
        ),
        key=lambda place: place.strength,
    )
    if len(places) < 6:
        return []
    # The one that people sign in as is caught too, so that they can try to appeal.
    own = next((place for place in places if place.partner is PARTNERS[0]), places[-1])
    return [(places[0], False), (places[1], True), (own, True)]


def clicks_of_suspects(stage: "Stage") -> Iterator[Click]:
    """Their clicks, for the spool; each is remembered with what will come of it."""
    chance = random.Random(17)  # noqa: S311 - a demo's dice
    for place, is_own in suspects_of(stage):
        for number in range(_OWN if is_own else _RAPID):
            at = stage.now - timedelta(days=_DAYS) + timedelta(hours=26 * number, minutes=chance.randint(0, 300))
            link = place.links[0]
            click = make_click(
                at=at, link_id=link.pk, enrolment_id=place.enrolment.pk, program_id=link.program_id,
                affiliate_id=link.affiliate_id, destination=link.destination,
                visitor_id=UUID(int=chance.getrandbits(128), version=4), referrer=f"{place.partner.channel}/deals",
                user_agent=_AGENT, language="en-US", country="US", consent="granted",
                ip=f"198.51.100.{chance.randint(1, 254)}", query="sub1=deals", uncounted_reason="",
            )  # fmt: skip
            stage.suspects.append(Suspect(click_key(click.id), at, place, is_own))
            yield click


def play_fraud(stage: "Stage") -> None:
    """Their orders, the look of a night ago, and what was answered since."""
    for number, one in enumerate(stage.suspects):
        _sell(stage, one, number)
    program = stage.network.programs.get("acme")
    if program is None or not stage.suspects:
        return
    at = stage.now - timedelta(days=1)
    found = looking.look_at_program(program, at=at)
    by_place = {place.enrolment.pk: place for place, _is_own in suspects_of(stage)}
    stage.say(f"  fraud: {len(found)} findings")
    owner = stage.network.users["merchant@demo.example"]
    answered: set[UUID] = set()
    for suspicion in found:
        place = by_place.get(suspicion.enrolment_id)
        if place is None or suspicion.state not in {"open", "held"} or suspicion.enrolment_id in answered:
            continue
        answered.add(suspicion.enrolment_id)
        people = people_of(place.enrolment.affiliate)
        try:
            if suspicion.rule != "F8":
                _appealed(suspicion, people[0], owner, at=at)
            elif not any(user.email == PARTNER_EMAIL for user in people):
                answering.release_finding(
                    suspicion, "They told us before: samples for their own review.", side="merchant", by=owner,
                    at=at + timedelta(hours=5),
                )  # fmt: skip
        except Refusal as refusal:
            stage.say(f"  answer left out: {refusal.message}")


def _appealed(one: "FraudFinding", partner: "User", owner: "User", *, at: datetime) -> None:
    """What was only to be looked at is kept back by the merchant; the partner appeals."""
    if one.state == "open":
        answering.hold_finding(
            one, "All of these came at once. What happened here?", side="merchant", by=owner, at=at + timedelta(hours=5)
        )
    answering.appeal_finding(
        one,
        "My newsletter has a button that opens the basket with the goods in it. People buy at once.",
        by=partner,
        at=at + timedelta(hours=9),
    )


def _sell(stage: "Stage", one: Suspect, number: int) -> None:
    merchant = stage.network.merchants[one.place.shop.slug]
    currency = one.place.shop.currency
    people = people_of(one.place.enrolment.affiliate)
    address = people[0].email if one.is_own and people else f"reader{number}@mail.example"
    at = one.at + (timedelta(minutes=11) if one.is_own else timedelta(milliseconds=700 + 160 * (number % 9)))
    sales.record_sale(
        merchant,
        OrderFacts(
            order_ref=f"A{98_400 + number}",
            amount=Money(8_900 + 450 * (number % 5), currency),
            occurred_at=at,
            click_id=one.click_id,
            customer_ref=f"s-{number}",
            customer_status="new",
            customer_email_key=customer_of_address(address),
            customer_signs=str(signs_of_address(address)),
        ),
        at=at + timedelta(seconds=2),
    )

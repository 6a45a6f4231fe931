"""Claims in the demo: one waiting, one late, one asked back, one accepted, one declined, one before the network."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ledger.errors import Refusal
from ledger.money import Money
from payouts.claims import asking, deciding, opening

if TYPE_CHECKING:
    from affiliates.models import Enrolment
    from portal.demo.play import Stage

_WORDS = (
    ("open", "A reader sent me her confirmation; she came from my review."),
    ("late", "The order is in my tracker, and nothing came here."),
    ("asked", "My newsletter brought this one, with the code in it."),
    ("accepted", "The customer wrote to me that the shop's page hung after my link."),
    ("declined", "It must have been my link."),
    ("appealed", "I can show the whole conversation."),
)


def play_claims(stage: "Stage") -> None:
    """Six partners' claims about orders that no shop reported."""
    places = [
        place for place in stage.network.places if place.shop.slug == "acme" and place.enrolment.status == "approved"
    ]
    for number, ((fate, words), place) in enumerate(zip(_WORDS, places, strict=False)):
        at = stage.now - timedelta(days=0 if fate == "open" else 2 + number, minutes=3)
        if place.since >= at - timedelta(days=1):
            continue
        try:
            _play(stage, fate, words, place.enrolment, number, at=at)
        except Refusal as refusal:
            stage.say(f"  claim left out: {refusal.message}")


def _play(stage: "Stage", fate: str, words: str, place: "Enrolment", number: int, *, at: datetime) -> None:
    """One claim up to where its fate ends."""
    people = stage.network.users
    partner, owner = people["partner@demo.example"], people["merchant@demo.example"]
    day = (at - timedelta(days=1)).date()
    ref = f"M{48_210 + number}"
    currency = place.program.currency
    amount = Money((6_400 if currency == "JPY" else 6_400 + 730 * number), currency)
    asked = asking.ask_about_order(place, ref, ordered_on=day, amount=amount, by=partner, at=at)
    claim = opening.claim_order(
        place,
        opening.ClaimDraft(ref, day, amount, text=words),
        question=asked.question,
        by=partner,
        at=at,
    )
    soon = at + timedelta(minutes=7)
    if fate == "asked":
        deciding.ask_back(claim, "Which mail address was used for the order?", by=owner, at=soon)
    elif fate == "accepted":
        deciding.accept_claim(claim, by=owner, at=soon, text="Found it: our tag was blocked on that page.")
    elif fate in {"declined", "appealed"}:
        deciding.decline_claim(claim, "order_unknown", by=owner, at=soon, text="We have no such order.")
        if fate == "appealed":
            opening.appeal(claim, "Here is the shop's own confirmation.", by=partner, at=soon + timedelta(hours=3))

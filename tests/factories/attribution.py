"""Partners, clicks and terms of one program, in short."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connection

from affiliates import coupons, enrolments, members, programs
from affiliates.attribution_terms import AttributionChoices
from affiliates.models import Coupon, Enrolment
from payouts import sales
from payouts.models import Commission
from tests.factories.world import World, facts, make_click, make_payout_method, make_user, make_world
from tracking import links
from tracking.models import Click, Link


@dataclass(slots=True)
class Scene:
    """A program under some choices, and its partners by name."""

    world: World
    at: datetime
    places: dict[str, Enrolment] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    visitor: Any = field(default_factory=uuid4)
    orders: int = 0

    def join(self, name: str, *, credit_class: str = "standard") -> Enrolment:
        """A partner of this name, in the program for most of a year."""
        start = self.at - timedelta(days=300)
        affiliate = members.sign_up_affiliate(make_user(name.lower()), name=name, country="US", at=start)
        make_payout_method(affiliate, at=start)
        place = enrolments.join_program(affiliate, self.world.program, at=start)
        if credit_class != "standard":
            place = enrolments.set_credit_class(place, credit_class, by=None, at=start)
        self.places[name] = place
        self.links[name] = links.create_link(place, at=start)
        return place

    def choose(self, **choices: Any) -> None:
        """Publish terms with these choices, in force for most of a year."""
        since = self.at - timedelta(days=200)
        window = choices.pop("window_days", 30)
        programs.revise_terms(
            self.world.program, starts_at=since, at=since, window_days=window, attribution=AttributionChoices(**choices)
        )

    def click(self, name: str, *, days: float = 0, visitor: Any = "same", kind: str = "click", **columns: Any) -> Click:
        """A click of the scene's visitor on a partner's link, some days before the scene's time."""
        who = self.visitor if visitor == "same" else visitor
        is_counted = columns.pop("is_counted", True)
        found = make_click(
            self.links[name], at=self.at - timedelta(days=days, minutes=5), visitor=who, is_counted=is_counted
        )
        columns["kind"] = kind
        names = ", ".join(f"{name} = %s" for name in columns)
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE tracking_click SET {names} WHERE id = %s", [*columns.values(), found.pk])
        return found

    def coupon(self, code: str, name: str | None, **more: Any) -> Coupon:
        """A code of a partner's, or of the shop's."""
        at = self.at - timedelta(days=100)
        return coupons.issue_coupon(
            self.world.program, code, enrolment=self.places[name] if name else None, at=at, **more
        )

    def order(
        self, amount: str = "100.00", *, click: Click | None = None, days_later: float = 0, **more: Any
    ) -> sales.Sale:
        """An order at the scene's time or later."""
        self.orders += 1
        at = self.at + timedelta(days=days_later)
        ref = more.pop("ref", f"o{self.orders}")
        return sales.record_sale(self.world.merchant, facts(ref, amount, at=at, click=click, **more), at=at)

    def earned(self, sale: sales.Sale) -> dict[str, int]:
        """What each partner has of an order, in cents."""
        names = {place.pk: name for name, place in self.places.items()}
        rows = Commission.objects.filter(conversion=sale.conversion)
        return {names[row.enrolment_id]: row.remaining.minor for row in rows}


def reasons_of(sale: sales.Sale) -> list[tuple[str, str]]:
    """Every candidate's kind and reason, the latest first."""
    assert sale.attribution is not None
    return [(row["kind"], row["reason"]) for row in sale.attribution.candidates]


def make_scene(at: datetime, *names: str, rate: str = "0.20", **choices: Any) -> Scene:
    """A program that pays 20 %, under some choices, with these partners."""
    scene = Scene(make_world(at, rate=rate), at)
    if choices:
        scene.choose(**choices)
    for name in names:
        scene.join(name)
    return scene

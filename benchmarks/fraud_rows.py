"""A world of benchmarks/fraud_world.py as rows of the product's tables, so that its own questions can be asked of it."""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from affiliates.models import Affiliate, Enrolment, Program, RoleGrant, User
from benchmarks.fraud_world import DAYS, END, START, WorldClick, WorldOrder, WorldPartner
from ledger.ids import new_uuid7, public_id_of
from tests.factories.world import make_world
from tracking.models import Attribution, AttributionShare, Conversion, Link, Refund, SignIn
from tracking.partitions import ensure_partitions, month_of
from tracking.pseudonyms import customer_of_address, signs_of_address

_COPY = (
    "COPY tracking_click (id, link_id, enrolment_id, program_id, affiliate_id, clicked_at, visitor_id, destination, ip,"
    " language, country, params, is_counted, uncounted_reason) FROM STDIN"
)
_ROLL_UP = """
INSERT INTO tracking_click_hour (hour, program_id, affiliate_id, link_id, country, clicks, counted)
SELECT date_trunc('hour', clicked_at, 'UTC'), program_id, affiliate_id, link_id, country, count(*),
       count(*) FILTER (WHERE is_counted)
FROM tracking_click WHERE program_id = %s GROUP BY 1, 2, 3, 4, 5
"""
_TOGETHER = 2_000


@dataclass(slots=True)
class Loaded:
    """A program in the database, and what gathering must be told from the floor above."""

    program: Program
    earned: dict[tuple[UUID, UUID], int]
    fingerprints: dict[UUID, set[str]]
    #: The partner's name in the world, by its place.
    names: dict[str, str]


def load_world(world: Sequence[WorldPartner]) -> Loaded:
    """Write every partner, click and order of a world under a new program."""
    made = make_world(START)
    program = made.program
    loaded = Loaded(program, {}, {}, {})
    _partitions()
    people: dict[str, User] = {}
    affiliates, places, links, users, grants = [], [], [], [], []
    sign_ins: list[SignIn] = []
    for one in world:
        affiliate = Affiliate(
            name=one.name, slug=f"{program.slug}-{one.name}", contact_email=one.people[0], created_at=START
        )
        place = Enrolment(
            affiliate=affiliate, program=program, terms=made.enrolment.terms, status=Enrolment.Status.APPROVED,
            applied_at=START - timedelta(days=90), decided_at=START - timedelta(days=90),
        )  # fmt: skip
        affiliates.append(affiliate)
        places.append(place)
        links.append(
            Link(
                code=f"{program.slug}{one.name}", enrolment=place, program=program, affiliate=affiliate,
                destination="https://shop.example/", created_at=START,
            )
        )  # fmt: skip
        loaded.names[str(place.pk)] = one.name
        if one.fingerprint:
            loaded.fingerprints[affiliate.pk] = {one.fingerprint}
        for person in one.people:
            if person not in people:
                people[person] = User(email=person, password="!")
                users.append(people[person])
            grants.append(RoleGrant(user=people[person], role="partner", affiliate=affiliate, granted_at=START))
        sign_ins += _sign_ins(one, people[one.people[0]])
    Affiliate.objects.bulk_create(affiliates, batch_size=_TOGETHER)
    Enrolment.objects.bulk_create(places, batch_size=_TOGETHER)
    Link.objects.bulk_create(links, batch_size=_TOGETHER)
    User.objects.bulk_create(users, batch_size=_TOGETHER)
    RoleGrant.objects.bulk_create(grants, batch_size=_TOGETHER)
    SignIn.objects.bulk_create(sign_ins, batch_size=_TOGETHER)
    keys: dict[int, UUID] = {}
    _copy_clicks(zip(world, links, strict=True), keys)
    _write_orders(world, places, made.enrolment, loaded, keys)
    with connection.cursor() as cursor:
        cursor.execute(_ROLL_UP, [program.pk])
        cursor.execute("ANALYZE")
    return loaded


def _partitions() -> None:
    months = {month_of(START + timedelta(days=days)) for days in range(-31, DAYS + 1)}
    connection.ensure_connection()
    ensure_partitions(connection.connection, sorted(months), at=END)


def _sign_ins(one: WorldPartner, user: User) -> Iterator[SignIn]:
    device = UUID(int=one.devices[0]) if one.devices else None
    for address, at in one.homes:
        moment = START + timedelta(seconds=at)
        yield SignIn(
            user=user, visitor_id=device, network=str(ipaddress.ip_address(address)), day=moment.date(), last_at=moment
        )


def _copy_clicks(rows: Iterable[tuple[WorldPartner, Link]], keys: dict[int, UUID]) -> None:
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:  # type: ignore[attr-defined]
        for one, link in rows:
            for click in _clicks_of(one):
                at = START + timedelta(seconds=click.at)
                keys[id(click)] = key = new_uuid7(at)
                copy.write_row(
                    (
                        key, link.pk, link.enrolment_id, link.program_id, link.affiliate_id, at,
                        UUID(int=click.visitor), link.destination, str(ipaddress.ip_address(click.address)),
                        f"xx-{click.language},xx;q=0.9", click.country,
                        '{"foreign": {"gclid": "1"}}' if click.paid else "{}", not click.reason, click.reason,
                    )
                )  # fmt: skip


def _clicks_of(one: WorldPartner) -> Iterator[WorldClick]:
    """Its clicks, each once: an order's click is among them, or was made for the order alone."""
    seen: set[int] = set()
    for click in (*one.clicks, *(order.click for order in one.orders if order.click)):
        if id(click) not in seen:
            seen.add(id(click))
            yield click


def _write_orders(
    world: Sequence[WorldPartner],
    places: Sequence[Enrolment],
    other: Enrolment,
    loaded: Loaded,
    keys: Mapping[int, UUID],
) -> None:
    conversions, attributions, shares, refunds = [], [], [], []
    for one, place in zip(world, places, strict=True):
        for number, order in enumerate(one.orders):
            at = START + timedelta(seconds=order.at)
            click = keys[id(order.click)] if order.click else None
            conversion = Conversion(
                merchant_id=loaded.program.merchant_id, program=loaded.program, order_ref=f"{one.name}:{number}",
                amount_minor=order.commission * 5, currency="USD", occurred_at=at, recorded_at=at, content_hash="-",
                customer_ref=f"c{number}", customer_email_key=customer_of_address(order.customer),
                customer_signs=str(signs_of_address(order.customer)), country=order.country, verdict="accepted",
                click_id=keys[id(order.named)] if order.named else click,
            )  # fmt: skip
            attribution = Attribution(
                conversion=conversion, model="coupon" if order.coupon else "last_click", enrolment=place,
                terms=place.terms, click_id=click, reason="won", decided_at=at,
                candidates=_candidates(order, place, other),
            )  # fmt: skip
            conversions.append(conversion)
            attributions.append(attribution)
            shares.append(
                AttributionShare(
                    attribution=attribution, enrolment=place, terms=place.terms, click_id=click, role="winner",
                    coupon_code="CODE" if order.coupon else "", reason="won",
                )
            )  # fmt: skip
            if order.refunded is not None:
                back = at + timedelta(days=order.refunded)
                refunds.append(Refund(conversion=conversion, reference="r", amount_minor=1, at=back, recorded_at=back))
            loaded.earned[conversion.pk, place.pk] = order.commission
    for model, rows in (
        (Conversion, conversions), (Attribution, attributions), (AttributionShare, shares), (Refund, refunds)
    ):  # fmt: skip
        model.objects.bulk_create(rows, batch_size=_TOGETHER)  # type: ignore[attr-defined]


def _candidates(order: WorldOrder, place: Enrolment, other: Enrolment) -> list[dict[str, Any]]:
    own, theirs = public_id_of("enr", place.pk), public_id_of("enr", other.pk)
    rows: list[dict[str, Any]] = [
        {"kind": "click", "enrolment": theirs, "won": False, "reason": "later_click", "seconds_before": int(seconds)}
        for seconds in order.others
    ]
    if order.click is not None:
        seconds = int(order.at - order.click.at)
        rows.append(
            {"kind": "click", "enrolment": own, "won": not order.coupon, "reason": "", "seconds_before": seconds}
        )
    if order.coupon:
        rows.append({"kind": "coupon", "enrolment": own, "won": True, "reason": "coupon", "seconds_before": 0})
    return rows

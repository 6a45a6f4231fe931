"""The facts of one program over one window: a fixed number of questions to the database, whatever its size."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from affiliates.models import Enrolment, Program, RoleGrant
from tracking.click_ids import click_key
from tracking.fraud import gathering_sql as sql
from tracking.fraud.facts import Networks, OrderFact, PartnerFacts
from tracking.models import Click, SignIn
from tracking.partitions import smallest_key
from tracking.pseudonyms import Signs, customer_of_address, signs_of_address

_DAY = 86_400.0
_BLOCK = 21_600
#: A click's key may be somewhat older or younger than its time: clocks differ, and doors make keys ahead.
_SLACK = timedelta(days=1)


def gather(
    program: Program,
    *,
    starts_at: datetime,
    ends_at: datetime,
    earned: Mapping[tuple[UUID, UUID], int],
    fingerprints: Mapping[UUID, Iterable[str]],
    settled: Collection[tuple[UUID, UUID]] | None = None,
) -> list[PartnerFacts]:
    """Each partner's facts. `earned`: commission in minor units by (conversion, enrolment); `fingerprints` by affiliate.

    `settled` are those (conversion, enrolment) whose commission was approved with nothing taken back; when it is
    None, an order counts as settled that was never refunded.
    """
    asked = {
        "program": program.pk, "merchant": program.merchant_id, "starts": starts_at, "ends": ends_at,
        "first": smallest_key(starts_at - _SLACK), "last": smallest_key(ends_at + _SLACK),
        "invalid": list(sql.INVALID), "paid": list(sql.PAID),
    }  # fmt: skip
    partners = _partners(program, fingerprints)
    for row in _rows(sql.CLICKS, asked):
        if row[0] in partners:
            _add_clicks(partners[row[0]], row[1:])
    for place, count in _rows(sql.OLDER, asked):
        if place in partners:
            partners[place].older_than_click = count
    for place, count in _forged(program, asked).items():
        if place in partners:
            partners[place].forged = count
    for row in _rows(sql.ORDERS, asked):
        key = (row[1], row[0])
        if row[0] not in partners:
            continue
        is_settled = row[-1] is None if settled is None else key in settled
        partners[row[0]].orders.append(_order(row[1:], earned.get(key, 0), is_settled=is_settled))
    _add_hours(partners, asked)
    return list(partners.values())


def _partners(program: Program, fingerprints: Mapping[UUID, Iterable[str]]) -> dict[UUID, PartnerFacts]:
    """Everybody who ever had a place in the program, with what is known of their people."""
    partners: dict[UUID, PartnerFacts] = {}
    of_affiliate: dict[UUID, PartnerFacts] = {}
    addresses: dict[UUID, set[str]] = {}
    places = Enrolment.objects.filter(program=program).order_by("pk")
    rows = places.values_list("pk", "affiliate", "decided_at", "applied_at", "affiliate__contact_email")
    for place, affiliate, decided_at, applied_at, contact in rows:
        one = PartnerFacts(
            str(place), str(affiliate), approved_at=decided_at or applied_at,
            fingerprints=frozenset(fingerprints.get(affiliate, ())),
        )  # fmt: skip
        partners[place] = of_affiliate[affiliate] = one
        addresses[affiliate] = {contact} if contact else set()
    people: dict[UUID, set[str]] = {}
    users: dict[UUID, list[UUID]] = {}
    grants = RoleGrant.objects.filter(affiliate__enrolments__program=program).values_list(
        "affiliate", "user", "user__email"
    )
    for affiliate, user, address in grants:
        people.setdefault(affiliate, set()).add(str(user))
        users.setdefault(user, []).append(affiliate)
        addresses[affiliate].add(address)
    _add_sign_ins(program, of_affiliate, users)
    for affiliate, one in of_affiliate.items():
        own = [signs_of_address(address) for address in addresses[affiliate]]
        one.people = frozenset(people.get(affiliate, ()))
        one.emails = frozenset(customer_of_address(address) for address in addresses[affiliate] if "@" in address)
        one.alikes = frozenset(signs.alike for signs in own if signs.alike)
        one.domains = frozenset(signs.domain for signs in own if signs.domain)
    return partners


def _add_sign_ins(
    program: Program, of_affiliate: Mapping[UUID, PartnerFacts], users: Mapping[UUID, Iterable[UUID]]
) -> None:
    devices: dict[UUID, set[str]] = {}
    homes: dict[UUID, set[tuple[str, datetime]]] = {}
    rows = SignIn.objects.filter(user__grants__affiliate__enrolments__program=program).distinct()
    for user, visitor, network, last_at in rows.values_list("user", "visitor_id", "network", "last_at"):
        for affiliate in users.get(user, ()):
            if visitor is not None:
                devices.setdefault(affiliate, set()).add(str(visitor))
            if network:
                homes.setdefault(affiliate, set()).add((network, last_at))
    for affiliate, one in of_affiliate.items():
        one.devices = frozenset(devices.get(affiliate, ()))
        one.homes = tuple(sorted(homes.get(affiliate, ())))


def _add_clicks(one: PartnerFacts, row: tuple[Any, ...]) -> None:
    (one.clicks, one.counted, one.invalid, one.embedded, one.paid, one.spoken, one.foreign) = row[:7]
    (one.gaps, one.gap_mean, one.gap_deviation, one.gap_log) = row[7:11]
    if row[11]:
        clicks, distinct, largest, first_five, bits, first = row[11:17]
        one.networks = Networks(clicks, distinct, largest, first_five, max(bits, 0.0), frozenset(first))


def _add_hours(partners: Mapping[UUID, PartnerFacts], asked: Mapping[str, Any]) -> None:
    """Counted clicks of the six-hour spans in which a partner had orders, from the hourly roll-up."""
    of_affiliate = {UUID(one.affiliate): one for one in partners.values()}
    wanted = sorted(
        {
            (UUID(one.affiliate), int(order.at.timestamp()) // _BLOCK)
            for one in partners.values()
            for order in one.orders
        }
    )
    blocks = {
        "affiliates": [affiliate for affiliate, _block in wanted],
        "blocks": [block for _affiliate, block in wanted],
    }
    for affiliate, hour, clicks in _rows(sql.HOURS, {**asked, **blocks}):
        of_affiliate[affiliate].hours[hour] = clicks


def _order(row: tuple[Any, ...], commission: int, *, is_settled: bool) -> OrderFact:
    (key, at, ref, email_key, signs_text, country, by_code, clicked, from_country, network, home) = row[:11]
    (visitor, before, last, is_early, has_own, refunded) = row[11:]
    seconds = (at - clicked).total_seconds() if clicked else None
    signs = Signs.read(signs_text)
    return OrderFact(
        id=str(key),
        at=at,
        commission=commission,
        seconds=max(seconds, 0.0) if seconds is not None else None,
        other_click_before=max(before - seconds, 0.0) if before is not None and seconds is not None else None,
        is_coupon=bool(by_code),
        is_leaked=bool(by_code) and (bool(is_early) or (not has_own and last is not None and last < _DAY)),
        refunded_days=max((refunded - at).total_seconds() / _DAY, 0.0) if refunded else None,
        click_country=from_country or "",
        country=country,
        network=network or "",
        home=home or "",
        clicked_at=clicked,
        visitor=str(visitor) if visitor else "",
        customer=email_key or (ref if ref.startswith("email_") else ""),
        customer_alike=signs.alike,
        customer_domain=signs.domain,
        address_kind=signs.kind,
        is_settled=is_settled,
    )


def _forged(program: Program, asked: Mapping[str, Any]) -> Counter[UUID]:
    """Refused postbacks, by the partner whose click they named."""
    named: Counter[UUID] = Counter()
    for text, count in _rows(sql.FORGED, asked):
        try:
            named[click_key(text)] += count
        except ValueError:
            continue
    places: Counter[UUID] = Counter()
    for key, place in Click.objects.filter(pk__in=list(named), program_id=program.pk).values_list("pk", "enrolment_id"):
        places[place] += named[key]
    return places


def _rows(query: str, asked: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        return list(cursor.fetchall())

"""What decisions look up, for many orders at once: as many queries for a thousand orders as for one.

Every function answers for all orders of a set; what belongs to one is picked out of it in memory.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Upper

from affiliates.models import Coupon, Enrolment, Program, Terms
from tracking.attribution.touches import Settings
from tracking.models import Click, Conversion, CustomerBinding, ModelFit

#: No more touches of one browser are looked at than this.
MOST_CANDIDATES = 50

#: No more of a customer's earlier orders are followed back to their browsers.
MOST_ORDERS = 20

_BROWSERS = """
SELECT asked.number, click.* FROM unnest(%s::int[], %s::uuid[], %s::timestamptz[]) AS asked (number, visitor, until),
LATERAL (
    SELECT * FROM tracking_click
    WHERE visitor_id = asked.visitor AND clicked_at <= asked.until AND clicked_at >= asked.until - interval '366 days'
    ORDER BY clicked_at DESC LIMIT %s
) AS click
"""

_EARLIER = """
SELECT asked.number, earlier.* FROM unnest(%s::int[], %s::uuid[], %s::boolean[], %s::text[], %s::timestamptz[], %s::uuid[])
    AS asked (number, merchant, is_test, key, until, self),
LATERAL (
    SELECT id, click_id FROM tracking_conversion
    WHERE merchant_id = asked.merchant AND {column} = asked.key AND {column} <> '' AND is_test = asked.is_test
        AND click_id IS NOT NULL AND occurred_at <= asked.until AND id <> asked.self
    ORDER BY occurred_at DESC LIMIT %s
) AS earlier
"""

#: How a customer is recognised, and by which column of its earlier orders.
CUSTOMER_COLUMNS = {"customer": "customer_ref", "email": "customer_email_key"}


@dataclass(slots=True)
class Offer:
    """A merchant's programs, and every version of their terms."""

    programs: dict[UUID, Program] = field(default_factory=dict)
    terms: dict[UUID, list[Terms]] = field(default_factory=dict)
    _settings: dict[UUID, Settings] = field(default_factory=dict)

    def terms_at(self, program: UUID, at: datetime) -> Terms | None:
        """Like Program.terms_at, over versions that are loaded already."""
        in_force = [terms for terms in self.terms[program] if terms.starts_at <= at]
        return max(in_force, key=lambda terms: (terms.starts_at, terms.version), default=None)

    def at_order(self, at: datetime) -> list[tuple[Program, Terms]]:
        """The programs with the version that is in force at an instant."""
        found = [(program, self.terms_at(program.pk, at)) for program in self.programs.values()]
        return [(program, terms) for program, terms in found if terms is not None]

    def settings_of(self, terms: Terms) -> Settings:
        """What a version of terms says about attribution, as a value."""
        if terms.pk not in self._settings:
            program = self.programs[terms.program_id]
            self._settings[terms.pk] = Settings(
                terms=terms.public_id,
                program=program.public_id,
                version=terms.version,
                currency=program.currency,
                model=terms.attribution_model,
                window_days=terms.window_days,
                view_window_days=terms.view_window_days,
                coupon_window_days=terms.coupon_window_days,
                half_life_days=terms.half_life_days,
                coupon_policy=terms.coupon_policy,
                unassigned_code=terms.unassigned_code,
                cart_freeze=terms.cart_freeze,
                assist_rate=terms.assist_rate,
                event_windows=terms.event_windows,
            )
        return self._settings[terms.pk]

    @property
    def may_bind(self) -> bool:
        """Whether any version binds customers to their first partner."""
        return any(terms.lifetime_days for versions in self.terms.values() for terms in versions)

    @property
    def knows_customers(self) -> bool:
        """Whether what one order of a customer says can matter to the next."""
        return self.may_bind or any(terms.cross_device for versions in self.terms.values() for terms in versions)


def offers_of(merchants: Collection[UUID]) -> dict[UUID, Offer]:
    """The merchants' offers; two queries."""
    offers = {merchant: Offer() for merchant in merchants}
    programs = list(Program.objects.filter(merchant__in=offers))
    for program in programs:
        offers[program.merchant_id].programs[program.pk] = program
        offers[program.merchant_id].terms[program.pk] = []
    owners = {program.pk: program.merchant_id for program in programs}
    for terms in Terms.objects.filter(program__in=owners) if owners else ():
        offers[owners[terms.program_id]].terms[terms.program_id].append(terms)
    return offers


def clicks_of_browsers(asked: Iterable[tuple[int, UUID, datetime]]) -> dict[int, list[Click]]:
    """For each (number, visitor, until): the browser's latest clicks and views of the year before, the latest first.

    Several browsers of one number share the limit.
    """
    rows = list(asked)
    found: dict[int, list[Click]] = defaultdict(list)
    if rows:
        numbers, visitors, untils = (list(column) for column in zip(*rows, strict=True))
        for click in Click.objects.raw(_BROWSERS, [numbers, visitors, untils, MOST_CANDIDATES]):
            found[click.number].append(click)
    return {
        number: sorted(clicks, key=lambda click: click.clicked_at, reverse=True)[:MOST_CANDIDATES]
        for number, clicks in found.items()
    }


def earlier_clicks(asked: Iterable[tuple[int, Conversion, str]], how: str) -> dict[int, list[UUID]]:
    """For each (number, order, key): the clicks of the customer's earlier orders, the latest order first."""
    rows = list(asked)
    found: dict[int, list[UUID]] = defaultdict(list)
    if rows:
        columns = zip(
            *((number, one.merchant_id, one.is_test, key, one.occurred_at, one.pk) for number, one, key in rows),
            strict=True,
        )
        query = _EARLIER.format(column=CUSTOMER_COLUMNS[how])
        for one in Conversion.objects.raw(query, [*(list(column) for column in columns), MOST_ORDERS]):
            found[one.number].append(one.click_id)
    return found


def coupons_of(conversions: Sequence[Conversion]) -> dict[tuple[UUID, str], list[Coupon]]:
    """The coupons with the orders' codes, by merchant and the code in capitals."""
    asked = {(one.merchant_id, one.coupon.strip().upper()) for one in conversions if one.coupon}
    found: dict[tuple[UUID, str], list[Coupon]] = defaultdict(list)
    if asked:
        coupons = (
            Coupon.objects.filter(program__merchant__in={merchant for merchant, _code in asked})
            .select_related("program")
            .annotate(upper=Upper("code"))
            .filter(upper__in={code for _merchant, code in asked})
        )
        for coupon in coupons:
            found[coupon.program.merchant_id, coupon.upper].append(coupon)
    return found


def bindings_of(
    keys: Collection[tuple[str, str]], programs: Collection[UUID]
) -> dict[tuple[str, str], list[CustomerBinding]]:
    """The bindings of customers by their keys (kind, key)."""
    found: dict[tuple[str, str], list[CustomerBinding]] = defaultdict(list)
    if keys:
        asked = CustomerBinding.objects.filter(
            program__in=programs, kind__in={kind for kind, _key in keys}, key__in={key for _kind, key in keys}
        )
        for one in asked:
            found[one.kind, one.key].append(one)
    return found


def places_of(keys: Collection[UUID]) -> dict[UUID, Enrolment]:
    """The places, with their programs and affiliates."""
    return {place.pk: place for place in Enrolment.objects.filter(pk__in=keys)} if keys else {}


def fits_of(asked: Collection[tuple[UUID, datetime]]) -> dict[tuple[UUID, datetime], ModelFit]:
    """For each (program, order's time): the latest fit of the Markov model from before the order."""
    if not asked:
        return {}
    known = list(
        ModelFit.objects.filter(program__in={program for program, _at in asked}, model="markov")
        .order_by("ends_at")
        .values_list("program_id", "ends_at", "pk")
    )
    wanted = {}
    for program, at in asked:
        keys = [key for owner, ends_at, key in known if owner == program and ends_at <= at]
        if keys:
            wanted[program, at] = keys[-1]
    fits = ModelFit.objects.in_bulk(set(wanted.values()))
    return {one: fits[key] for one, key in wanted.items()}

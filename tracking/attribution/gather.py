"""What decisions see, out of the database: touches by click, by browser, by customer, by code; the terms; the fits.

For many orders at once (tracking/attribution/lookups.py), and the same for one. Orders that name nothing cost no query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from affiliates.models import Affiliate, Coupon, Enrolment, Program, Terms
from ledger.ids import public_id_of
from tracking.attribution.lookups import (
    CUSTOMER_COLUMNS,
    Offer,
    bindings_of,
    clicks_of_browsers,
    coupons_of,
    earlier_clicks,
    fits_of,
    offers_of,
    places_of,
)
from tracking.attribution.touches import CLICK, COUPON, LIFETIME, VIEW, Inputs, OrderContext, Settings, Touch
from tracking.models import Click, Conversion, CustomerBinding

#: How long a click that nobody has seen yet may still be on its way from a door's spool.
CLICK_MAY_STILL_COME = timedelta(minutes=15)


@dataclass(slots=True)
class Gathered:
    """What the decisions over some orders see, and what it was made of: places and terms by public id."""

    inputs: list[Inputs]
    places: dict[str, Enrolment] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    offers: dict[UUID, Offer] = field(default_factory=dict)


@dataclass(slots=True)
class _Case:
    """One order on the way to its inputs."""

    conversion: Conversion
    order: OrderContext
    #: The click that the shop named, where it is known.
    reported: Click | None
    offer: Offer
    clicks: dict[UUID, tuple[Click, set[str]]] = field(default_factory=dict)
    coupons: list[Coupon] = field(default_factory=list)
    bindings: list[CustomerBinding] = field(default_factory=list)
    settings: dict[str, Settings] = field(default_factory=dict)

    def add(self, clicks: Iterable[Click], how: str) -> None:
        """Take clicks in that were found in some way."""
        for click in clicks:
            self.clicks.setdefault(click.pk, (click, set()))[1].add(how)

    def note(self, terms: Terms | None) -> str:
        """Remember a version's settings; its id."""
        if terms is None:
            return ""
        settings = self.offer.settings_of(terms)
        self.settings.setdefault(settings.terms, settings)
        return settings.terms


def gather(conversion: Conversion, *, at: datetime) -> Inputs:
    """Everything that the decision over a conversion sees at `at`."""
    return gather_all([conversion], at=at).inputs[0]


def gather_all(conversions: Sequence[Conversion], *, at: datetime) -> Gathered:
    """Everything that the decisions over conversions see at `at`; they need not be written yet.

    None of them sees another: two orders of one customer do not belong in one set.
    """
    contexts = [_context_of(one) for one in conversions]
    clicks = {one.click_id for one in conversions if one.click_id is not None}
    seen = {click.pk: click for click in Click.objects.filter(pk__in=clicks)} if clicks else {}
    looking: dict[int, _Case] = {}
    for number, one in enumerate(conversions):
        if not (one.click_id or one.coupon or one.customer_ref or one.customer_email_key):
            continue
        reported = seen.get(one.click_id) if one.click_id else None
        if one.click_id:
            may_come = reported is None and at - one.recorded_at < CLICK_MAY_STILL_COME
            state = "seen" if reported is not None else "pending" if may_come else "unknown"
            contexts[number] = replace(contexts[number], click_state=state)
            if may_come:
                continue
        looking[number] = _Case(one, contexts[number], reported, Offer())
    gathered = Gathered([Inputs(context) for context in contexts])
    if not looking:
        return gathered
    gathered.offers = offers_of({case.conversion.merchant_id for case in looking.values()})
    for case in looking.values():
        case.offer = gathered.offers[case.conversion.merchant_id]
    _find_clicks(looking)
    _find_codes_and_bindings(looking)
    places = places_of(_places_named(looking.values()))
    fits = fits_of({asked for case in looking.values() for asked in _fitted(case)})
    for number, case in looking.items():
        gathered.inputs[number] = _inputs_of(
            case,
            places,
            fits={
                public_id_of(Program.ID_PREFIX, program): fits[program, when].values
                for program, when in _fitted(case)
                if (program, when) in fits
            },
        )
    gathered.places = {place.public_id: place for place in places.values()}
    gathered.terms = {
        terms.public_id: terms
        for offer in gathered.offers.values()
        for versions in offer.terms.values()
        for terms in versions
    }
    return gathered


def _context_of(conversion: Conversion) -> OrderContext:
    return OrderContext(
        occurred_at=conversion.occurred_at,
        event=conversion.event,
        coupon=conversion.coupon,
        click=public_id_of(Click.ID_PREFIX, conversion.click_id) if conversion.click_id else "",
        checkout_at=_checkout_at(conversion),
    )


def _find_clicks(cases: dict[int, _Case]) -> None:
    """The clicks and views that may have led to the orders, each with how it was found."""
    browsers = []
    for number, case in cases.items():
        if case.reported is not None:
            case.add([case.reported], "reported")
            if case.reported.visitor_id is not None:
                browsers.append((number, case.reported.visitor_id, case.conversion.occurred_at))
    for number, clicks in clicks_of_browsers(browsers).items():
        cases[number].add(clicks, "visitor")
    across = {
        number: case
        for number, case in cases.items()
        if any(terms.cross_device for _program, terms in case.offer.at_order(case.conversion.occurred_at))
    }
    for how, column in CUSTOMER_COLUMNS.items():
        asked = [(number, case.conversion, getattr(case.conversion, column)) for number, case in across.items()]
        _find_across(cases, earlier_clicks([one for one in asked if one[2]], how), how)


def _find_across(cases: dict[int, _Case], earlier: dict[int, list[UUID]], how: str) -> None:
    """The clicks of a customer's earlier orders, and what else their browsers followed."""
    keys = {key for found in earlier.values() for key in found}
    clicks = {click.pk: click for click in Click.objects.filter(pk__in=keys)} if keys else {}
    browsers = []
    for number, found in earlier.items():
        own = [clicks[key] for key in dict.fromkeys(found) if key in clicks]
        cases[number].add(own, how)
        visitors = {click.visitor_id for click in own if click.visitor_id is not None}
        browsers += [(number, visitor, cases[number].conversion.occurred_at) for visitor in visitors]
    for number, more in clicks_of_browsers(browsers).items():
        cases[number].add(more, how)


def _find_codes_and_bindings(cases: dict[int, _Case]) -> None:
    coupons = coupons_of([case.conversion for case in cases.values()])
    binding = [case for case in cases.values() if case.offer.may_bind]
    keys = {key for case in binding for key in customer_keys(case.conversion)}
    bindings = bindings_of(keys, {program for case in binding for program in case.offer.programs})
    for case in cases.values():
        one = case.conversion
        if one.coupon:
            case.coupons = coupons.get((one.merchant_id, one.coupon.strip().upper()), [])
        known = sorted(
            (binding for key in customer_keys(one) for binding in bindings.get(key, ())),
            key=lambda binding: (-binding.bound_at.timestamp(), binding.kind),
        )
        # A customer who is bound by number and by address to the same partner is one touch.
        case.bindings = list(
            {
                (binding.program_id, binding.enrolment_id): binding
                for binding in known
                if binding.program_id in case.offer.programs
                and binding.bound_at <= one.occurred_at
                and binding.conversion_id != one.pk
            }.values()
        )


def _places_named(cases: Iterable[_Case]) -> set[UUID]:
    keys: set[UUID] = set()
    for case in cases:
        keys |= {click.enrolment_id for click, _how in case.clicks.values()}
        keys |= {coupon.enrolment_id for coupon in case.coupons if coupon.enrolment_id}
        keys |= {binding.enrolment_id for binding in case.bindings}
    return keys


def _fitted(case: _Case) -> list[tuple[UUID, datetime]]:
    """The programs that pay by a fitted model, with the order's time."""
    at = case.conversion.occurred_at
    return [
        (program.pk, at) for program, terms in case.offer.at_order(at) if terms.attribution_model == Terms.Model.MARKOV
    ]


def _inputs_of(case: _Case, places: dict[UUID, Enrolment], *, fits: dict[str, dict[str, float]]) -> Inputs:
    one = case.conversion
    touches = [_followed(click, tuple(sorted(how)), case, places) for click, how in case.clicks.values()]
    touches += [_typed(coupon, one, places) for coupon in case.coupons]
    if one.coupon and not case.coupons:
        touches.append(Touch("", COUPON, one.occurred_at, code=one.coupon, found_by=("coupon",)))
    touches += [_bound(binding, places) for binding in case.bindings]
    in_force = {program.public_id: case.note(terms) for program, terms in case.offer.at_order(one.occurred_at)}
    return Inputs(
        order=case.order,
        touches=tuple(sorted(touches, key=lambda touch: touch.order, reverse=True)),
        settings=tuple(case.settings.values()),
        in_force=in_force,
        fits=fits,
    )


def _checkout_at(conversion: Conversion) -> datetime | None:
    """When the customer began to pay, where the shop says so: metadata.checkout_started_at, an instant with its zone."""
    text = conversion.metadata.get("checkout_started_at")
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def customer_keys(conversion: Conversion) -> list[tuple[str, str]]:
    """The keys under which an order's customer is bound: (kind, key). Test orders bind nobody."""
    if conversion.is_test:
        return []
    keys = [
        (CustomerBinding.Kind.CUSTOMER.value, conversion.customer_ref),
        (CustomerBinding.Kind.EMAIL.value, conversion.customer_email_key),
    ]
    return [(kind, key) for kind, key in keys if key]


def _followed(click: Click, found_by: tuple[str, ...], case: _Case, places: dict[UUID, Enrolment]) -> Touch:
    program, place = case.offer.programs.get(click.program_id), places.get(click.enrolment_id)
    kind = VIEW if click.kind == Click.Kind.VIEW else CLICK
    if program is None or place is None:
        return Touch(click.public_id, kind, click.clicked_at, found_by=found_by)
    return Touch(
        id=click.public_id,
        kind=kind,
        at=click.clicked_at,
        enrolment=place.public_id,
        affiliate=place.affiliate.public_id,
        program=program.public_id,
        terms=case.note(case.offer.terms_at(program.pk, click.clicked_at)),
        status=place.status,
        credit_class=place.credit_class,
        found_by=found_by,
        is_counted=click.is_counted,
        consent=click.consent,
        has_visitor=click.visitor_id is not None,
    )


def _typed(coupon: Coupon, conversion: Conversion, places: dict[UUID, Enrolment]) -> Touch:
    place = places.get(coupon.enrolment_id) if coupon.enrolment_id else None
    return Touch(
        id=coupon.public_id,
        kind=COUPON,
        at=conversion.occurred_at,
        enrolment=place.public_id if place else "",
        affiliate=place.affiliate.public_id if place else "",
        program=coupon.program.public_id,
        status=_standing(place) if place else "",
        credit_class=place.credit_class if place else "standard",
        found_by=("coupon",),
        code=coupon.code,
        policy=coupon.policy,
        is_exclusive=coupon.is_exclusive,
        starts_at=coupon.starts_at,
        ends_at=coupon.ends_at,
    )


def _bound(binding: CustomerBinding, places: dict[UUID, Enrolment]) -> Touch:
    place = places[binding.enrolment_id]
    return Touch(
        id=binding.public_id,
        kind=LIFETIME,
        at=binding.bound_at,
        enrolment=place.public_id,
        affiliate=place.affiliate.public_id,
        program=place.program.public_id,
        status=_standing(place),
        credit_class=place.credit_class,
        found_by=("lifetime",),
        ends_at=binding.ends_at,
    )


def _standing(place: Enrolment) -> str:
    """The place's state for what needs no click: a closed member earns nothing new."""
    closed = place.affiliate.status == Affiliate.Status.CLOSED
    return Enrolment.Status.LEFT.value if closed else str(place.status)

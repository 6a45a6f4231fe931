"""What a decision sees, out of the database: touches by click, by browser, by customer, by code; the terms; the fits.

An order that names nothing costs no query; a click alone costs five.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Upper

from affiliates.models import Affiliate, Coupon, Enrolment, Program, Terms
from ledger.ids import public_id_of
from tracking.attribution.touches import CLICK, COUPON, LIFETIME, VIEW, Inputs, OrderContext, Settings, Touch
from tracking.models import Click, Conversion, CustomerBinding, ModelFit

#: How long a click that nobody has seen yet may still be on its way from a door's spool.
CLICK_MAY_STILL_COME = timedelta(minutes=15)

#: No more touches of one browser or customer are looked at than this.
_MOST_CANDIDATES = 50

#: No more of a customer's earlier orders are followed back to their browsers.
_MOST_ORDERS = 20

_YEAR = timedelta(days=366)


@dataclass(slots=True)
class _Offer:
    """A merchant's programs and their terms, loaded once."""

    programs: dict[UUID, Program]
    at: datetime
    settings: dict[str, Settings] = field(default_factory=dict)

    def terms_at(self, program: Program, at: datetime) -> Terms | None:
        """Like Program.terms_at, over versions that are loaded already."""
        in_force = [terms for terms in program.terms.all() if terms.starts_at <= at]
        return max(in_force, key=lambda terms: (terms.starts_at, terms.version), default=None)

    def note(self, terms: Terms | None, program: Program) -> str:
        """Remember a version's settings; its id."""
        if terms is None:
            return ""
        if terms.public_id not in self.settings:
            self.settings[terms.public_id] = settings_of(terms, program)
        return terms.public_id

    def at_order(self) -> list[tuple[Program, Terms]]:
        """The programs with the version that is in force at the order."""
        found = [(program, self.terms_at(program, self.at)) for program in self.programs.values()]
        return [(program, terms) for program, terms in found if terms is not None]


def settings_of(terms: Terms, program: Program) -> Settings:
    """What a version of terms says about attribution, as a value."""
    return Settings(
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


def gather(conversion: Conversion, *, at: datetime) -> Inputs:
    """Everything that the decision over a conversion sees at `at`."""
    order = OrderContext(
        occurred_at=conversion.occurred_at,
        event=conversion.event,
        coupon=conversion.coupon,
        click=public_id_of(Click.ID_PREFIX, conversion.click_id) if conversion.click_id else "",
        checkout_at=_checkout_at(conversion),
    )
    if not (conversion.click_id or conversion.coupon or conversion.customer_ref or conversion.customer_email_key):
        return Inputs(order)
    reported = Click.objects.filter(pk=conversion.click_id).first() if conversion.click_id else None
    if conversion.click_id and reported is None:
        may_come = at - conversion.recorded_at < CLICK_MAY_STILL_COME
        order = replace(order, click_state="pending" if may_come else "unknown")
        if may_come:
            return Inputs(order)
    elif reported is not None:
        order = replace(order, click_state="seen")
    offer = _offer_of(conversion)
    clicks = _clicks(conversion, reported, offer)
    coupons = _coupons(conversion)
    bindings = _bindings(conversion, offer)
    places = _places(clicks, coupons, bindings)
    touches = [_followed(click, found_by, offer, places) for click, found_by in clicks]
    touches += [_typed(coupon, conversion, places) for coupon in coupons]
    if conversion.coupon and not coupons:
        touches.append(Touch("", COUPON, conversion.occurred_at, code=conversion.coupon, found_by=("coupon",)))
    touches += [_bound(binding, conversion, places) for binding in bindings]
    in_force = {program.public_id: offer.note(terms, program) for program, terms in offer.at_order()}
    return Inputs(
        order=order,
        touches=tuple(sorted(touches, key=lambda one: one.order, reverse=True)),
        settings=tuple(offer.settings.values()),
        in_force=in_force,
        fits=_fits(offer, conversion),
    )


def _checkout_at(conversion: Conversion) -> datetime | None:
    """When the customer began to pay, where the shop says so: metadata.checkout_started_at, an instant with its zone."""
    text = conversion.metadata.get("checkout_started_at")
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _offer_of(conversion: Conversion) -> _Offer:
    programs = Program.objects.filter(merchant=conversion.merchant_id).prefetch_related("terms")
    return _Offer({program.pk: program for program in programs}, conversion.occurred_at)


def _clicks(conversion: Conversion, reported: Click | None, offer: _Offer) -> list[tuple[Click, tuple[str, ...]]]:
    """The clicks and views that may have led to the order, each with how it was found."""
    found: dict[UUID, tuple[Click, set[str]]] = {}

    def add(clicks: Iterable[Click], how: str) -> None:
        for click in clicks:
            found.setdefault(click.pk, (click, set()))[1].add(how)

    if reported is not None:
        add([reported], "reported")
        if reported.visitor_id is not None:
            add(_of_browsers(conversion, {reported.visitor_id}), "visitor")
    if any(terms.cross_device for _program, terms in offer.at_order()):
        for how, asked in _customer(conversion):
            earlier = Conversion.objects.filter(
                asked,
                merchant=conversion.merchant_id,
                is_test=conversion.is_test,
                click_id__isnull=False,
                occurred_at__lte=conversion.occurred_at,
            ).order_by("-occurred_at")
            keys = list(earlier.exclude(pk=conversion.pk).values_list("click_id", flat=True)[:_MOST_ORDERS])
            clicks = list(Click.objects.filter(pk__in=keys)) if keys else []
            add(clicks, how)
            browsers = {click.visitor_id for click in clicks if click.visitor_id is not None}
            if browsers:
                add(_of_browsers(conversion, browsers), how)
    return [(click, tuple(sorted(how))) for click, how in found.values()]


def _of_browsers(conversion: Conversion, visitors: set[UUID]) -> Iterable[Click]:
    return Click.objects.filter(
        visitor_id__in=visitors,
        clicked_at__lte=conversion.occurred_at,
        clicked_at__gte=conversion.occurred_at - _YEAR,
    ).order_by("-clicked_at")[:_MOST_CANDIDATES]


def _customer(conversion: Conversion) -> list[tuple[str, Q]]:
    """How the customer may be recognised: by the shop's number, by the address's pseudonym."""
    ways = []
    if conversion.customer_ref:
        ways.append(("customer", Q(customer_ref=conversion.customer_ref)))
    if conversion.customer_email_key:
        ways.append(("email", Q(customer_email_key=conversion.customer_email_key)))
    return ways


def _coupons(conversion: Conversion) -> list[Coupon]:
    if not conversion.coupon:
        return []
    return list(
        Coupon.objects.filter(program__merchant=conversion.merchant_id)
        .select_related("program")
        .alias(upper=Upper("code"))
        .filter(upper=conversion.coupon.strip().upper())
    )


def _bindings(conversion: Conversion, offer: _Offer) -> list[CustomerBinding]:
    keys = customer_keys(conversion)
    may_bind = any(terms.lifetime_days for program in offer.programs.values() for terms in program.terms.all())
    if not keys or not may_bind:
        return []
    asked = Q()
    for kind, key in keys:
        asked |= Q(kind=kind, key=key)
    found = CustomerBinding.objects.filter(
        asked, program__in=offer.programs, bound_at__lte=conversion.occurred_at
    ).exclude(conversion=conversion)
    # A customer who is bound by number and by address to the same partner is one touch.
    return list({(one.program_id, one.enrolment_id): one for one in found.order_by("-bound_at", "kind")}.values())


def customer_keys(conversion: Conversion) -> list[tuple[str, str]]:
    """The keys under which an order's customer is bound: (kind, key). Test orders bind nobody."""
    if conversion.is_test:
        return []
    keys = [
        (CustomerBinding.Kind.CUSTOMER.value, conversion.customer_ref),
        (CustomerBinding.Kind.EMAIL.value, conversion.customer_email_key),
    ]
    return [(kind, key) for kind, key in keys if key]


def _places(
    clicks: Iterable[tuple[Click, tuple[str, ...]]], coupons: Iterable[Coupon], bindings: Iterable[CustomerBinding]
) -> dict[UUID, Enrolment]:
    keys = {click.enrolment_id for click, _how in clicks}
    keys |= {coupon.enrolment_id for coupon in coupons if coupon.enrolment_id}
    keys |= {binding.enrolment_id for binding in bindings}
    return {place.pk: place for place in Enrolment.objects.filter(pk__in=keys)} if keys else {}


def _followed(click: Click, found_by: tuple[str, ...], offer: _Offer, places: dict[UUID, Enrolment]) -> Touch:
    program, place = offer.programs.get(click.program_id), places.get(click.enrolment_id)
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
        terms=offer.note(offer.terms_at(program, click.clicked_at), program),
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


def _bound(binding: CustomerBinding, conversion: Conversion, places: dict[UUID, Enrolment]) -> Touch:
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


def _fits(offer: _Offer, conversion: Conversion) -> dict[str, dict[str, float]]:
    """For programs that pay by a fitted model, the latest fit from before the order."""
    fitted = [program for program, terms in offer.at_order() if terms.attribution_model == Terms.Model.MARKOV]
    found: dict[str, dict[str, float]] = {}
    for program in fitted:
        fit = (
            ModelFit.objects.filter(program=program, model="markov", ends_at__lte=conversion.occurred_at)
            .order_by("-ends_at")
            .first()
        )
        if fit is not None:
            found[program.public_id] = fit.values
    return found

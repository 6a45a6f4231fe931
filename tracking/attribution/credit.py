"""Which touches may win at all, and why the others may not. Pure: the same touch gives the same answer for ever."""

from collections.abc import Sequence
from datetime import timedelta

from tracking.attribution.touches import CLICK, COUPON, GRACE, LIFETIME, VIEW, Inputs, Settings, Touch

#: A click keeps its worth when its partner is suspended or leaves afterwards; a code or a binding does not.
_EARNS_BY_CLICK = frozenset({"approved", "suspended", "left"})
_EARNS_NOW = frozenset({"approved"})

#: What joins touches that the shop did not report itself, and therefore needs the visitor's consent.
_JOINED = frozenset({"visitor", "customer", "email"})

#: Preferred goes before the others. A soft click ranks with the standard ones, but may not overwrite (`soft_behind`).
_RANKS = {"preferred": 1}


def rank_of(touch: Touch) -> int:
    """The rank of a touch's credit class; the highest present shares, the others do not."""
    return _RANKS.get(touch.credit_class, 0)


def why_not(touch: Touch, inputs: Inputs) -> str:
    """The code for which a touch cannot win by itself; empty when it can."""
    if touch.kind == COUPON:
        return _why_not_coupon(touch, inputs)
    if touch.kind == LIFETIME:
        return _why_not_bound(touch, inputs)
    return _why_not_followed(touch, inputs)


def window_of(touch: Touch, inputs: Inputs) -> int | None:
    """The days that a touch's own terms gave it."""
    settings = inputs.terms(touch.terms)
    return settings.window_of(touch.kind, inputs.order.event) if settings and touch.is_path else None


def soft_behind(touch: Touch, eligible: Sequence[Touch]) -> Touch | None:
    """The counted click of another partner that a soft click comes after, and so cannot overwrite."""
    if touch.credit_class != "soft":
        return None
    before = [
        one
        for one in eligible
        if one.kind == CLICK
        and one.credit_class != "soft"
        and one.enrolment != touch.enrolment
        and one.program == touch.program
        and one.order < touch.order
    ]
    return max(before, key=lambda one: one.order, default=None)


def _why_not_followed(touch: Touch, inputs: Inputs) -> str:
    order = inputs.order
    if not touch.program or not touch.enrolment:
        return "click_of_another_merchant"
    # Some minutes of grace, since shops' clocks and ours differ.
    if touch.at > order.occurred_at + GRACE:
        return "click_after_order"
    settings = inputs.terms(touch.terms)
    if settings is None:
        return "no_terms_in_force"
    days = settings.window_of(touch.kind, order.event)
    if touch.kind == VIEW and days == 0:
        return "view_window_closed"
    if order.occurred_at - touch.at > timedelta(days=days):
        return "outside_window"
    if not touch.is_counted:
        return "click_not_counted"
    if touch.status not in _EARNS_BY_CLICK:
        return "not_enrolled"
    if _lacks_consent(touch):
        return "no_consent"
    if _is_frozen(touch, inputs, settings):
        return "click_in_checkout"
    return ""


def _lacks_consent(touch: Touch) -> bool:
    """A click the shop reports itself needs no recognition; one that was joined to the order does."""
    if "reported" in touch.found_by or not _JOINED & set(touch.found_by):
        return False
    return touch.consent == "denied" or (touch.consent == "unknown" and not touch.has_visitor)


def _is_frozen(touch: Touch, inputs: Inputs, settings: Settings) -> bool:
    """Whether the click came when the customer was paying already, and the program does not let it win then."""
    at_order = inputs.at_order(touch.program) or settings
    started = inputs.order.checkout_at
    if started is None or touch.at < started or at_order.cart_freeze == "off":
        return False
    return at_order.cart_freeze == "all" or touch.credit_class == "soft"


def _why_not_coupon(touch: Touch, inputs: Inputs) -> str:
    if not touch.program:
        return "coupon_unassigned"
    if not touch.enrolment:
        return "coupon_of_the_house"
    if touch.starts_at is not None and inputs.order.occurred_at < touch.starts_at:
        return "coupon_not_yet_valid"
    if touch.ends_at is not None and inputs.order.occurred_at >= touch.ends_at:
        return "coupon_expired"
    if inputs.at_order(touch.program) is None:
        return "no_terms_in_force"
    if touch.status not in _EARNS_NOW:
        return "not_enrolled"
    return ""


def _why_not_bound(touch: Touch, inputs: Inputs) -> str:
    if touch.ends_at is not None and inputs.order.occurred_at >= touch.ends_at:
        return "binding_ended"
    if inputs.at_order(touch.program) is None:
        return "no_terms_in_force"
    if touch.status not in _EARNS_NOW:
        return "not_enrolled"
    return ""

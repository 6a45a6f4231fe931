"""Lists of coupon codes, for a merchant, for a partner, and the one a door may open."""

from datetime import datetime

from django.db.models import Q, QuerySet

from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Coupon, Merchant


def coupons_in(
    merchant: Merchant, *, text: str = "", state: str = "", program: str = "", at: datetime
) -> QuerySet[Coupon]:
    """A merchant's codes, the newest first."""
    found = Coupon.objects.filter(program__merchant=merchant).select_related("program", "enrolment__affiliate")
    if text:
        found = found.filter(Q(code__icontains=text) | Q(enrolment__affiliate__name__icontains=text))
    if program:
        found = found.filter(program__slug=program)
    return _in_state(found, state, at=at).order_by("-created_at", "-pk")


def coupons_of(affiliate: Affiliate) -> QuerySet[Coupon]:
    """A partner's own codes, the newest first."""
    return (
        Coupon.objects.filter(enrolment__affiliate=affiliate)
        .select_related("program__merchant", "enrolment__affiliate")
        .order_by("-created_at", "-pk")
    )


def open_coupon_in(merchant: Merchant, public_id: str) -> Coupon:
    """One of a merchant's codes. Raises NotVisible."""
    try:
        coupon: Coupon = Coupon.objects.select_related("program", "enrolment__affiliate").get(
            pk=Coupon.key_of(public_id), program__merchant=merchant
        )
    except (ValueError, Coupon.DoesNotExist):
        raise NotVisible("coupon") from None
    return coupon


def _in_state(found: QuerySet[Coupon], state: str, *, at: datetime) -> QuerySet[Coupon]:
    if state == "live":
        return found.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__lte=at)
    if state == "planned":
        return found.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__gt=at)
    return found.filter(ends_at__lte=at) if state == "ended" else found

"""Members: how an affiliate comes to be, and merchants too."""

import secrets
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from affiliates import teams
from affiliates.models import Affiliate, Channel, Merchant, RoleGrant, User
from ledger.currencies import digits
from ledger.journal import record_event

_SIGNS = "23456789abcdefghjkmnpqrstuvwxyz"


@transaction.atomic
def sign_up_affiliate(user: User, *, name: str = "", country: str = "", at: datetime) -> Affiliate:
    """The person's affiliate, made when they have none yet (A1: one field, one code, link ready)."""
    # The person's row is the lock: two tabs that sign up at once make one member.
    User.objects.select_for_update().get(pk=user.pk)
    grant = user.grants.filter(role=RoleGrant.Role.PARTNER).select_related("affiliate").order_by("granted_at").first()
    if grant is not None and grant.affiliate is not None:
        return grant.affiliate
    name = name.strip() or user.name or user.email.split("@")[0]
    affiliate = Affiliate.objects.create(
        name=name[:120],
        slug=_free_slug(name),
        contact_email=user.email,
        country=country,
        created_at=at,
    )
    record_event("affiliate.signed_up", affiliate.public_id, at=at, actor=user.public_id)
    teams.grant_role(user, RoleGrant.Role.PARTNER, at=at, affiliate=affiliate)
    return affiliate


@transaction.atomic
def create_merchant(
    slug: str,
    *,
    name: str,
    currency: str,
    at: datetime,
    country: str = "",
    time_zone: str = "UTC",
    website: str = "",
    by: User | None = None,
) -> Merchant:
    """A merchant whose books are in `currency`. Raises CurrencyUnknown."""
    digits(currency)
    merchant = Merchant.objects.create(
        slug=slug,
        name=name,
        currency=currency,
        country=country,
        time_zone=time_zone,
        website=website,
        created_at=at,
    )
    record_event("merchant.created", merchant.public_id, at=at, actor=by.public_id if by else "")
    return merchant


@transaction.atomic
def update_profile(
    affiliate: Affiliate, *, name: str, country: str, contact_email: str, by: User, at: datetime
) -> Affiliate:
    """Change what the member says about itself."""
    before = {"name": affiliate.name, "country": affiliate.country, "contact_email": affiliate.contact_email}
    after = {"name": name, "country": country, "contact_email": contact_email}
    if before == after:
        return affiliate
    Affiliate.objects.filter(pk=affiliate.pk).update(**after)
    record_event(
        "affiliate.profile_changed",
        affiliate.public_id,
        at=at,
        actor=by.public_id,
        data={"changed": [field for field in after if before[field] != after[field]]},
    )
    return affiliate.refreshed()


@transaction.atomic
def add_channel(affiliate: Affiliate, *, kind: str, name: str, url: str, at: datetime) -> Channel:
    """A place where the affiliate promotes; the same address twice is the same channel."""
    channel, is_new = Channel.objects.get_or_create(
        affiliate=affiliate, url=url, defaults={"kind": kind, "name": name or url, "created_at": at}
    )
    if is_new:
        record_event("channel.added", channel.public_id, at=at, about=[affiliate.public_id], data={"url": url})
    return channel


def _free_slug(name: str) -> str:
    base = slugify(name)[:36] or "partner"
    if not Affiliate.objects.filter(slug=base).exists():
        return base
    return f"{base}-{''.join(secrets.choice(_SIGNS) for _ in range(6))}"

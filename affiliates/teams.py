"""Roles: granted and revoked, each an event in the journal."""

from datetime import datetime

from django.db import transaction

from affiliates.models import Affiliate, Merchant, RoleGrant, User
from ledger.journal import record_event


@transaction.atomic
def grant_role(
    user: User,
    role: str,
    *,
    at: datetime,
    by: User | None = None,
    affiliate: Affiliate | None = None,
    merchant: Merchant | None = None,
) -> RoleGrant:
    """Give a person a role; giving it twice gives it once."""
    grant, is_new = RoleGrant.objects.get_or_create(
        user=user,
        role=role,
        affiliate=affiliate,
        merchant=merchant,
        defaults={"granted_at": at, "granted_by": by},
    )
    if is_new:
        scope = affiliate or merchant
        record_event(
            "role.granted",
            user.public_id,
            at=at,
            actor=by.public_id if by else "",
            about=[scope.public_id] if scope else [],
            data={"role": role},
        )
    return grant


@transaction.atomic
def revoke_role(grant: RoleGrant, *, by: User, at: datetime) -> None:
    """Take a role away; it ends with the next request."""
    scope = grant.affiliate or grant.merchant
    record_event(
        "role.revoked",
        grant.user.public_id,
        at=at,
        actor=by.public_id,
        about=[scope.public_id] if scope else [],
        data={"role": grant.role},
    )
    grant.delete()

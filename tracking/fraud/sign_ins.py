"""Noting from where partners' people sign in, so that their own orders can be told from their customers'."""

import ipaddress
from datetime import datetime, timedelta
from uuid import UUID

from affiliates.models import RoleGrant, User
from tracking.models import SignIn

#: How long a sign-in is remembered.
REMEMBERED = timedelta(days=90)


def note_sign_in(user: User, *, address: str, visitor: UUID | None, at: datetime) -> SignIn | None:
    """Note that a partner's person signed in: one row a day for each network and browser. Nobody else's is kept.

    `visitor` is the click door's id of the browser, where it has one. Rows older than ninety days are forgotten.
    """
    if not RoleGrant.objects.filter(user=user, affiliate__isnull=False).exists():
        return None
    SignIn.objects.filter(user=user, last_at__lt=at - REMEMBERED).delete()
    row, _is_new = SignIn.objects.update_or_create(
        user=user, visitor_id=visitor, network=network_of(address), day=at.date(), defaults={"last_at": at}
    )
    return row


def network_of(address: str) -> str | None:
    """The address of IPv4 and the first address of the /64 of IPv6; None when it is none."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)

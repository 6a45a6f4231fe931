"""What the policy tables say about a person at an address: the prediction the sweep holds the product to."""

from enum import StrEnum

from affiliates.models import Merchant
from affiliates.policy import ROLES_FOR
from portal.policy import Audience
from tests.portal.sweep.addresses import OPEN_TO_ALL, Address
from tests.portal.sweep.town import Person, Tenant


class Fate(StrEnum):
    """What becomes of a request."""

    OPEN = "open"
    SIGN_IN = "sign in"
    FORBIDDEN = "403"
    HIDDEN = "404"


def fate(one: Address, who: Person, merchant: Merchant, objects_of: Tenant) -> Fate:
    """The fate of a person at an address in a merchant's workspace, with ids of a tenant's objects."""
    if one.audience in {Audience.PUBLIC, Audience.API, Audience.SIGNED}:
        return Fate.OPEN
    if who.user is None:
        return Fate.SIGN_IN
    may = ROLES_FOR.get(one.action, frozenset())
    if one.audience == Audience.SIGNED_IN:
        return Fate.OPEN
    if one.audience == Audience.PARTNER:
        own = objects_of.world.affiliate
        places = [scope for scope, roles in who.roles.items() if roles & may]
        if not places:
            return Fate.HIDDEN
        names_object = bool(one.objects) and one.name not in OPEN_TO_ALL
        return Fate.OPEN if own in places or not names_object else Fate.HIDDEN
    if one.audience == Audience.MERCHANT:
        roles = who.roles_in(merchant)
        if not roles:
            return Fate.HIDDEN
        if not roles & may:
            return Fate.FORBIDDEN
        return Fate.OPEN if not one.objects or objects_of.world.merchant == merchant else Fate.HIDDEN
    roles = who.roles_in(None)
    if roles & may:
        return Fate.OPEN
    return Fate.FORBIDDEN if roles & ROLES_FOR[f"{one.audience}.view"] else Fate.HIDDEN

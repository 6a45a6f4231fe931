"""What the policy middleware has opened for a view, typed."""

from typing import TYPE_CHECKING

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Affiliate, Merchant, User


class PartnerRequest(HttpRequest):
    """A request under /partner/."""

    user: "User"  # type: ignore[assignment]
    affiliate: "Affiliate"
    session: SessionBase


class MerchantRequest(HttpRequest):
    """A request under /merchant/<slug>/."""

    user: "User"  # type: ignore[assignment]
    merchant: "Merchant"
    roles: frozenset[str]
    session: SessionBase


class FinanceRequest(HttpRequest):
    """A request under /finance/ or /network/."""

    user: "User"  # type: ignore[assignment]
    roles: frozenset[str]
    session: SessionBase

"""What every page of a merchant's workspace has: its places, its name, and where a figure's reason is."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from affiliates.access import may
from affiliates.queries import applications_waiting
from ledger.money import Money
from portal.context import NavItem
from portal.requests import MerchantRequest

PAGE_ROWS = 50

_PLACES = (
    ("overview", _("Overview"), "layout-dashboard", "merchant.view"),
    ("conversions", _("Conversions"), "shopping-cart", "merchant.view"),
    ("reports", _("Reports"), "chart-line", "merchant.view"),
    ("partners", _("Partners"), "users", "merchant.view"),
    ("claims", _("Claims"), "message-circle", "merchant.view"),
    ("fraud", _("Fraud"), "shield-alert", "merchant.view"),
    ("rules", _("Rules"), "scale", "merchant.view"),
    ("attribution", _("Attribution"), "waypoints", "merchant.view"),
    ("assets", _("Creatives"), "image", "merchant.view"),
    ("tracking", _("Tracking"), "route", "merchant.view"),
    ("feeds", _("Products"), "package", "merchant.view"),
    ("events", _("Events"), "inbox", "merchant.view"),
    ("uploads", _("Uploads"), "upload", "merchant.view"),
    ("endpoints", _("Webhooks"), "webhook", "merchant.view"),
    ("keys", _("Keys"), "key-round", "merchant.keys"),
    ("billing", _("Billing"), "landmark", "merchant.view"),
    ("setup", _("Setup"), "list-checks", "merchant.view"),
)

type Text = str | Promise


def show(
    request: MerchantRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    place: str,
    title: Text,
    lead: Text = "",
    crumbs: list[tuple[Text, str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page of the workspace; `place` is the part of the navigation it belongs to."""
    merchant = request.merchant
    waiting = applications_waiting(merchant)
    shell = {
        "nav": [
            NavItem(label, here(request, name), icon, name == place, waiting if name == "partners" else 0)
            for name, label, icon, action in _PLACES
            if may(request.roles, action)
        ],
        "workspace": {"label": merchant.name, "kind": "merchant", "url": here(request, "overview")},
        "merchant": merchant,
        "may_review": may(request.roles, "merchant.review"),
        "may_change_rules": may(request.roles, "merchant.rules"),
        "may_keys": may(request.roles, "merchant.keys"),
        "waiting": waiting,
        "page_title": title,
        "page_lead": lead,
        "crumbs": crumbs or [],
    }
    # A template that audiences share says where it is.
    name = template if template.startswith("portal/") else f"portal/merchant/{template}"
    return render(request, name, {**shell, **context}, status=status)


def here(request: MerchantRequest, name: str, *args: str, **question: object) -> str:
    """An address of this merchant's workspace; what is empty of the question is left out."""
    pairs = {key: str(value) for key, value in question.items() if value}
    return reverse(f"merchant:{name}", args=[request.merchant.slug, *args], query=pairs or None)


def page_of(request: MerchantRequest, rows: QuerySet[Any] | list[Any], *, size: int = PAGE_ROWS) -> Page[Any]:
    """The page of a list that the address asks for; nonsense is the first page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def has_several(amounts: list[Money]) -> bool:
    """Whether the amounts are of more than one currency, so that each must name its own."""
    return len({amount.currency for amount in amounts}) > 1

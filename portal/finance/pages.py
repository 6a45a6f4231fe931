"""What every page of the finance desk has: its places, its crumbs, and what this person may do here."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates import access
from ledger.money import Money
from portal.context import NavItem
from portal.formats import explained, format_money
from portal.requests import FinanceRequest

PAGE_ROWS = 50

_PLACES = (
    ("desk", gettext_lazy("Desk"), "layout-dashboard"),
    ("runs", gettext_lazy("Runs"), "layers"),
    ("failures", gettext_lazy("Failures"), "triangle-alert"),
    ("ledger", gettext_lazy("Ledger"), "book-open"),
    ("funding", gettext_lazy("Funding"), "landmark"),
)

type Text = str | Promise


def show(
    request: FinanceRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    place: str,
    title: Text,
    lead: Text = "",
    crumbs: Sequence[tuple[Text, str]] = (),
    status: int = 200,
) -> HttpResponse:
    """Render a page of the desk; `place` is the part of the navigation it belongs to."""
    shell = {
        "nav": [NavItem(label, reverse(f"finance:{name}"), icon, name == place) for name, label, icon in _PLACES],
        "workspace": {"label": _("Finance desk"), "kind": "finance", "url": reverse("finance:desk")},
        "page_title": title,
        "page_lead": lead,
        "crumbs": crumbs,
        "stripe_is_standin": settings.STRIPE_IS_STANDIN,
        "may_prepare": access.may(request.roles, "finance.prepare"),
        "may_approve": access.may(request.roles, "finance.approve"),
        "may_send": access.may(request.roles, "finance.send"),
    }
    return render(request, f"portal/finance/{template}", {**shell, **context}, status=status)


def page_of(request: FinanceRequest, rows: QuerySet[Any] | list[Any], *, size: int = PAGE_ROWS) -> Page[Any]:
    """The page of a list that the address asks for; nonsense is the first page."""
    return Paginator(rows, size).get_page(request.GET.get("page"))


def figure(amount: Money, url: str, *, code: bool = False) -> SafeString:
    """An amount inside a sentence, leading to its explanation."""
    return explained(format_money(amount, code=code), url)


def has_several(amounts: list[Money]) -> bool:
    """Whether the amounts are of more than one currency, so that each must name its own."""
    return len({amount.currency for amount in amounts}) > 1

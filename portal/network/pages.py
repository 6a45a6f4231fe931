"""What every page of the network office has."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from affiliates import access
from portal.context import NavItem
from portal.requests import FinanceRequest

PAGE_ROWS = 50

_PLACES = (
    ("home", gettext_lazy("Health"), "activity"),
    ("reports", gettext_lazy("Reports"), "chart-line"),
    ("partners", gettext_lazy("Partners"), "users"),
    ("merchants", gettext_lazy("Merchants"), "store"),
    ("events", gettext_lazy("Events"), "inbox"),
    ("claims", gettext_lazy("Claims"), "scale"),
    ("fraud", gettext_lazy("Fraud"), "shield-alert"),
    ("attribution", gettext_lazy("Models"), "waypoints"),
    ("people", gettext_lazy("People"), "id-card"),
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
    """Render a page of the office; `place` is the part of the navigation it belongs to."""
    shell = {
        "nav": [NavItem(label, reverse(f"network:{name}"), icon, name == place) for name, label, icon in _PLACES],
        "workspace": {"label": _("Network office"), "kind": "network", "url": reverse("network:home")},
        "page_title": title,
        "page_lead": lead,
        "crumbs": crumbs,
        "may_change_members": access.may(request.roles, "network.members"),
    }
    # A template that audiences share says where it is.
    name = template if template.startswith("portal/") else f"portal/network/{template}"
    return render(request, name, {**shell, **context}, status=status)


def page_of(request: FinanceRequest, rows: QuerySet[Any]) -> Page[Any]:
    """The page of a list that the address asks for; nonsense is the first page."""
    return Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))

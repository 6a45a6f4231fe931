"""What every page of the partner's workspace has: its places, its name, and where a figure's reason is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ledger.money import Money
from portal.context import NavItem
from portal.requests import PartnerRequest
from tracking.queries.links import address_of

if TYPE_CHECKING:
    from tracking.models import Link

PAGE_ROWS = 50

_PLACES = (
    ("home", _("Home"), "house"),
    ("links", _("Links"), "link"),
    ("assets", _("Creatives"), "image"),
    ("reports", _("Reports"), "chart-line"),
    ("products", _("Products"), "package"),
    ("codes", _("Codes"), "ticket-percent"),
    ("earnings", _("Earnings"), "wallet"),
    ("payouts", _("Payouts"), "banknote"),
    ("programs", _("Programs"), "store"),
    ("settings", _("Settings"), "settings"),
)

type Text = str | Promise


def show(
    request: PartnerRequest,
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
    shell = {
        "nav": [NavItem(label, reverse(f"partner:{name}"), icon, name == place) for name, label, icon in _PLACES],
        "workspace": {"label": request.affiliate.name, "kind": "partner", "url": reverse("partner:home")},
        "page_title": title,
        "page_lead": lead,
        "crumbs": crumbs or [],
    }
    # A template that audiences share says where it is.
    name = template if template.startswith("portal/") else f"portal/partner/{template}"
    return render(request, name, {**shell, **context}, status=status)


def settings_tabs(current: str) -> list[tuple[Text, str, bool]]:
    """The pages of the settings; `current` is profile, payout or postbacks."""
    return [
        (_("Profile"), reverse("partner:settings"), current == "profile"),
        (_("Payout account"), reverse("partner:settings-payout"), current == "payout"),
        (_("Postbacks"), reverse("partner:endpoints"), current == "postbacks"),
    ]


def link_url(link: "Link") -> str:
    """The address that people share."""
    return address_of(link)


def earning_url(commission: str) -> str:
    """Where a commission's amount is explained, from its public id."""
    return reverse("partner:earning", args=[commission])


def earnings_url(**question: object) -> str:
    """The list of earnings under a question; what is empty is left out."""
    pairs = {key: str(value) for key, value in question.items() if value}
    return reverse("partner:earnings", query=pairs)


def has_several(amounts: list[Money]) -> bool:
    """Whether the amounts are of more than one currency, so that each must name its own."""
    return len({amount.currency for amount in amounts}) > 1

"""Dub's objects, made of ours. A key that may not be null is left out when it is not known."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from ledger.ids import public_id_of
from payouts.queries.dub import LinkFigures, PartnerFigures
from payouts.queries.states import MoneyState
from portal.compat.wire import stamp

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Affiliate, Enrolment
    from payouts.models import Commission, Payout
    from portal.compat.wire import Call
    from tracking.models import Click, Customer, ForeignRecord, Link

PARTNER_STATUS = {
    "applied": "pending", "approved": "approved", "declined": "rejected", "suspended": "deactivated", "left": "archived",
}  # fmt: skip
COMMISSION_STATUS = {
    "pending": "pending", "approved": "pending", "in_run": "processed", "sent": "processed", "paid": "paid",
    "held": "hold", "not_paid": "processed", "reversed": "refunded", "clawed_back": "refunded",
}  # fmt: skip
PAYOUT_STATUS = {
    "ready": "pending", "sending": "processing", "unsure": "processing", "sent": "sent", "paid": "completed",
    "blocked": "failed", "cancelled": "canceled",
}  # fmt: skip
_BODY_FIELDS = (
    "title", "description", "image", "video", "ios", "android", "comments", "expiresAt", "expiredUrl", "password",
    "folderId", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip
_EVENT_BOOLEANS = ("trackConversion", "archived", "proxy", "rewrite", "doIndex", "publicStats")


def domain() -> str:
    """The host of our links."""
    return urlsplit(settings.CLICK_BASE_URL).netloc


def short_link(link: "Link") -> str:
    """The address people share."""
    return f"{settings.CLICK_BASE_URL}/r/{link.code}"


def link_short(link: "Link", record: "ForeignRecord | None" = None) -> dict[str, Any]:
    """A link as track answers name it."""
    return {
        "id": link.public_id, "domain": domain(), "key": link.code, "shortLink": short_link(link),
        "url": link.destination, "partnerId": public_id_of("aff", link.affiliate_id),
        "programId": public_id_of("prog", link.program_id),
        "tenantId": (record.tenant_id or None) if record else None,
        "externalId": (record.external_id or None) if record else None,
    }  # fmt: skip


def link_full(call: "Call", link: "Link", figures: LinkFigures, record: "ForeignRecord | None") -> dict[str, Any]:
    """Dub's Link, also good as its EventLink."""
    kept = record.data if record else {}
    workspace = call.program.public_id
    return {
        **link_short(link, record),
        **{name: kept.get(name) for name in _BODY_FIELDS},
        **{name: bool(kept.get(name)) for name in _EVENT_BOOLEANS},
        "trackConversion": True,
        "archived": link.status != "active",
        "geo": kept.get("geo"),
        "tags": [],
        "tagId": None,
        "userId": None,
        "disabledAt": None,
        "testVariants": None,
        "testStartedAt": None,
        "testCompletedAt": None,
        "qrCode": f"{settings.BASE_URL}/compat/dub/qr?url={short_link(link)}",
        "workspaceId": workspace,
        "projectId": workspace,
        "webhookIds": [],
        "createdAt": stamp(link.created_at),
        "updatedAt": stamp(link.updated_at),
        "lastClicked": stamp(figures.last_clicked),
        "clicks": figures.clicks,
        "leads": figures.leads,
        "conversions": figures.leads,
        "sales": figures.sales,
        "saleAmount": figures.sale_minor,
    }


def link_of_partner(link: "Link", figures: LinkFigures) -> dict[str, Any]:
    """A link in a partner's list."""
    return {
        "id": link.public_id, "domain": domain(), "key": link.code, "shortLink": short_link(link),
        "url": link.destination, "clicks": figures.clicks, "leads": figures.leads, "conversions": figures.leads,
        "sales": figures.sales, "saleAmount": figures.sale_minor,
    }  # fmt: skip


def partner(
    place: "Enrolment", figures: PartnerFigures, links: list[dict[str, Any]], record: "ForeignRecord | None"
) -> dict[str, Any]:
    """Dub's Partner."""
    affiliate = place.affiliate
    clicks, sales, revenue = figures.clicks, figures.sales, figures.sale_minor

    def rate(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return {
        "id": affiliate.public_id, "name": affiliate.name, "networkStatus": "approved",
        "programId": place.program.public_id, "partnerId": affiliate.public_id, "createdAt": stamp(place.applied_at),
        "status": PARTNER_STATUS[place.status], "username": affiliate.slug, "email": affiliate.contact_email,
        "image": None, "country": affiliate.country or None, "companyName": None, "defaultPayoutMethod": "connect",
        "paypalEmail": None, "stripeConnectId": None, "payoutsEnabledAt": None, "identityVerifiedAt": None,
        "tenantId": (record.tenant_id or None) if record else None, "links": links,
        "description": (record.data.get("description") if record else None), "groupId": None,
        "totalClicks": clicks, "totalLeads": figures.leads, "totalConversions": figures.leads, "totalSales": sales,
        "totalSaleAmount": revenue, "totalCommissions": figures.commission_minor,
        "netRevenue": revenue - figures.commission_minor, "earningsPerClick": rate(revenue, clicks),
        "averageLifetimeValue": rate(revenue, figures.leads), "clickToLeadRate": rate(figures.leads, clicks),
        "clickToConversionRate": rate(figures.leads, clicks), "leadToConversionRate": rate(figures.leads, figures.leads),
        "returnOnAdSpend": rate(revenue, figures.commission_minor),
        "bannedAt": None, "bannedReason": None,
    }  # fmt: skip


def partner_short(affiliate: "Affiliate") -> dict[str, Any]:
    """A partner inside another object."""
    return {
        "id": affiliate.public_id, "name": affiliate.name, "email": affiliate.contact_email, "image": None,
        "payoutsEnabledAt": None, "country": affiliate.country or None, "groupId": None,
    }  # fmt: skip


def commission(row: "Commission", state: MoneyState, customer: dict[str, Any] | None) -> dict[str, Any]:
    """Dub's Commission: `amount` is the order's, `earnings` what is left for the partner."""
    order = row.conversion
    status = COMMISSION_STATUS.get(state.name, "pending")
    if status == "refunded" and row.reversed_minor < row.amount_minor:
        status = "pending"
    return {
        "id": row.public_id, "type": "lead" if order.event == "lead" else "sale", "amount": order.amount_minor,
        "earnings": row.amount_minor - row.reversed_minor, "currency": row.currency.lower(), "status": status,
        "quantity": 1, "createdAt": stamp(row.accrued_at), "updatedAt": stamp(row.approved_at or row.accrued_at),
        "partner": partner_short(row.affiliate), "invoiceId": order.order_ref, "description": None,
        "metadata": order.metadata or None, "paidAt": stamp(state.until) if status == "paid" else None,
        "customer": customer,
    }  # fmt: skip


def payout(row: "Payout") -> dict[str, Any]:
    """Dub's Payout."""
    return {
        "id": row.public_id, "amount": row.amount_minor, "currency": row.currency.lower(),
        "status": PAYOUT_STATUS[row.state], "createdAt": stamp(row.created_at), "invoiceId": None,
        "periodStart": stamp(row.run.starts_at), "periodEnd": stamp(row.run.ends_at),
        "initiatedAt": stamp(row.first_sent_at), "paidAt": stamp(row.first_sent_at) if row.state == "paid" else None,
        "mode": "internal", "method": "connect",
        "partner": {**partner_short(row.affiliate), "defaultPayoutMethod": "connect", "tenantId": None},
    }  # fmt: skip


def customer(one: "Customer", figures: dict[str, Any] | None = None) -> dict[str, Any]:
    """Dub's Customer."""
    known = figures or {}
    return {
        "id": one.public_id, "externalId": one.external_id, "createdAt": stamp(one.created_at), "name": one.name or None,
        "email": one.email or None, "avatar": one.avatar or None, "country": one.country or None,
        "stripeCustomerId": one.stripe_customer_id or None, "sales": known.get("sales", 0),
        "saleAmount": known.get("saleAmount", 0), "firstSaleAt": stamp(known.get("first")),
        "subscriptionCanceledAt": stamp(one.subscription_canceled_at),
    }  # fmt: skip


def click(one: "Click") -> dict[str, Any]:
    """Dub's click inside an event; never the raw address."""
    return {
        "id": one.public_id, "timestamp": stamp(one.clicked_at), "url": one.destination, "country": one.country or "Unknown",
        "city": "Unknown", "region": "Unknown", "continent": "Unknown", "device": (one.device or "Unknown").capitalize(),
        "browser": one.browser or "Unknown", "os": one.os or "Unknown",
        "referer": urlsplit(one.referrer).hostname or "(direct)", "refererUrl": one.referrer or "(direct)", "qr": False,
        "ip": "", "trigger": "link",
    }  # fmt: skip

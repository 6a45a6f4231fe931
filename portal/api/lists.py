"""What a key may read: clicks, links, affiliates, commissions, payouts, performance."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, JsonResponse

from affiliates.errors import NotVisible
from ledger.ids import public_id_of
from ledger.money import Money
from payouts.queries.api import (
    Scope,
    commissions_for_api,
    enrolments_for_api,
    live_payouts_of,
    payouts_for_api,
)
from payouts.queries.states import states_of
from payouts.sales import sale_of
from portal.api.answers import commission_of_order, conversion_detail, stamp
from portal.api.conversions import open_by_key
from portal.api.cursors import page_of
from portal.intake.keys import merchant_of
from tracking.access import open_click_in, open_click_of, open_link_in, open_link_of
from tracking.queries.links import addresses_of, aliases_by_link, targets_by_link
from tracking.queries.merchant import link_of, links_in, links_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Enrolment
    from payouts.models import Commission, Payout
    from tracking.models import Click, Link, LinkTarget


def scope_of(key: "ApiKey") -> Scope:
    """Whose figures a key may read."""
    return Scope(key.merchant, key.affiliate)


def get_conversion(key: "ApiKey", conversion_id: str) -> JsonResponse:
    """One of a merchant's orders as it stands."""
    merchant = merchant_of(key)
    conversion = open_by_key(merchant, conversion_id, is_test_key=key.is_test)
    return _answer(conversion_detail(sale_of(conversion), merchant))


def get_click(key: "ApiKey", click_id: str) -> JsonResponse:
    """A click on one of the merchant's programs, or on one of the affiliate's links."""
    if key.merchant is not None:
        click = open_click_in(key.merchant, click_id)
    elif key.affiliate is not None:
        click = open_click_of(key.affiliate, click_id)
    else:
        raise NotVisible("click")
    return _answer(_click(click, link_of(click)))


def list_links(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str) -> JsonResponse:
    """Links, newest first."""
    rows = links_in(key.merchant) if key.merchant else links_of(key.affiliate) if key.affiliate else None
    if rows is None:
        raise NotVisible("links")
    return page_of(request, rows.select_related("program"), limit=limit, cursor=cursor, show=link_answers)


def get_link(key: "ApiKey", code: str) -> JsonResponse:
    """One link, by its code, another code that leads to it, or its id."""
    return _answer(link_answer(open_link_by_key(key, code)))


def open_link_by_key(key: "ApiKey", code: str) -> "Link":
    """A link to one of the merchant's programs, or one of the affiliate's own. Raises NotVisible."""
    if key.merchant is not None:
        return open_link_in(key.merchant, code)
    if key.affiliate is not None:
        return open_link_of(key.affiliate, code)
    raise NotVisible("link")


def list_affiliates(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str, status: str) -> JsonResponse:
    """The places in a merchant's programs, newest first."""
    rows = enrolments_for_api(merchant_of(key))
    if status:
        rows = rows.filter(status=status)
    return page_of(request, rows, limit=limit, cursor=cursor, show=lambda found: [_place(one) for one in found])


def list_commissions(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str, status: str) -> JsonResponse:
    """Commissions, newest first. A test key sees none: test orders are never booked."""
    rows = commissions_for_api(scope_of(key))
    rows = rows.none() if key.is_test else rows.filter(status=status) if status else rows
    is_merchant = key.merchant is not None
    return page_of(
        request, rows, limit=limit, cursor=cursor, show=lambda found: _commissions(found, with_order=is_merchant)
    )


def list_payouts(request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str, state: str) -> JsonResponse:
    """Payouts, newest first. A test key sees none."""
    rows = payouts_for_api(scope_of(key))
    rows = rows.none() if key.is_test else rows.filter(state=state) if state else rows
    return page_of(request, rows, limit=limit, cursor=cursor, show=lambda found: [_payout(one) for one in found])


def link_answer(link: "Link") -> dict[str, Any]:
    """A tracking link."""
    return link_answers([link])[0]


def link_answers(links: "Sequence[Link]") -> list[dict[str, Any]]:
    """Tracking links, their programs loaded, in three queries."""
    addresses, aliases, targets = addresses_of(links), aliases_by_link(links), targets_by_link(links)
    return [
        {
            **_link_facts(link),
            "url": addresses[link.pk],
            "aliases": aliases.get(link.pk, []),
            "target": _target(targets.get(link.pk)),
        }
        for link in links
    ]


def _target(target: "LinkTarget | None") -> dict[str, Any] | None:
    if target is None:
        return None
    return {
        "status_code": target.status_code or None,
        "reason": target.reason or None,
        "checked_at": stamp(target.checked_at),
        "failing_since": stamp(target.failing_since),
    }


def _link_facts(link: "Link") -> dict[str, Any]:
    return {
        "id": link.public_id,
        "code": link.code,
        "destination": link.destination,
        "label": link.label,
        "parameters": link.presets,
        "utm": link.utm,
        "routing": link.routing,
        "status": link.status,
        "program": public_id_of("prog", link.program_id),
        "affiliate": public_id_of("aff", link.affiliate_id),
        "created_at": stamp(link.created_at),
    }


def _answer(payload: dict[str, Any]) -> JsonResponse:
    return JsonResponse(payload, headers={"Cache-Control": "no-store"})


def _click(click: "Click", link: "Link | None") -> dict[str, Any]:
    return {
        "id": click.public_id,
        "clicked_at": stamp(click.clicked_at),
        "link": link.public_id if link else public_id_of("link", click.link_id),
        "program": public_id_of("prog", click.program_id),
        "affiliate": public_id_of("aff", click.affiliate_id),
        "destination": click.destination,
        "referrer": click.referrer,
        "country": click.country,
        "language": click.language,
        "params": click.params,
        "counted": click.is_counted,
        "uncounted_reason": click.uncounted_reason or None,
    }


def _place(enrolment: "Enrolment") -> dict[str, Any]:
    affiliate = enrolment.affiliate
    return {
        "id": affiliate.public_id,
        "name": affiliate.name,
        "country": affiliate.country,
        "status": affiliate.status,
        "program": enrolment.program.public_id,
        "enrolment": enrolment.public_id,
        "enrolment_status": enrolment.status,
        "applied_at": stamp(enrolment.applied_at),
    }


def _commissions(found: "Sequence[Commission]", *, with_order: bool) -> list[dict[str, Any]]:
    states, payouts = states_of(found), live_payouts_of(found)
    return [
        {
            **commission_of_order(one),
            "conversion": public_id_of("conv", one.conversion_id),
            # A shop's own order number is the merchant's business.
            "order_id": one.conversion.order_ref if with_order else None,
            "program": public_id_of("prog", one.program_id),
            "merchant": one.merchant.slug,
            "accrued_at": stamp(one.accrued_at),
            "approved_at": stamp(one.approved_at),
            "payout": public_id_of("pay", payouts[one.pk]) if one.pk in payouts else None,
            "state": states[one.pk].name,
        }
        for one in found
    ]


def _payout(payout: "Payout") -> dict[str, Any]:
    return {
        "id": payout.public_id,
        "affiliate": public_id_of("aff", payout.affiliate_id),
        "amount": Money(payout.part_minor, payout.currency).major,  # type: ignore[attr-defined]
        "currency": payout.currency,
        "state": payout.state,
        "run": payout.run.label,
        "created_at": stamp(payout.created_at),
        "sent_at": stamp(payout.sent_at),
        "settled_at": stamp(payout.settled_at),
    }

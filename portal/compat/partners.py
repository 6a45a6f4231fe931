"""Dub's partners over our places in a program."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpResponse

from affiliates import enrolments
from affiliates.invitations import bring_partner
from ledger.errors import Refusal
from payouts.queries.dub import LinkFigures, PartnerFigures, link_figures, links_in_program, partner_figures, places_in
from portal.compat import links as link_calls
from portal.compat import shapes
from portal.compat.spans import days_of, span_of
from portal.compat.wire import Call, DubRefused, answer, refused_of, stamp
from portal.errors import status_of
from tracking import links as link_verbs
from tracking.customers import foreign_records, note_foreign, subject_by_foreign_id

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Enrolment

_OURS = {theirs: ours for ours, theirs in shapes.PARTNER_STATUS.items()}
_SORTS = frozenset(
    {
        "createdAt", "totalClicks", "totalLeads", "totalConversions", "totalSaleAmount", "totalCommissions",
        "netRevenue", "earningsPerClick", "averageLifetimeValue", "clickToLeadRate", "clickToConversionRate",
        "leadToConversionRate", "returnOnAdSpend",
    }
)  # fmt: skip
#: More places than this are not sorted by what they brought.
_MOST_SORTED = 2_000


def list_partners(call: Call) -> HttpResponse:
    """GET /partners."""
    start, size = call.page()
    status = _OURS.get(call.query.get("status", ""), "")
    found = places_in(call.program, status=status, text=call.query.get("search", ""))
    if call.query.get("email"):
        found = found.filter(affiliate__contact_email__iexact=call.query["email"])
    if call.query.get("country"):
        found = found.filter(affiliate__country=call.query["country"].upper())
    if call.query.get("tenantId"):
        subject = subject_by_foreign_id(call.merchant, "partner", tenant_id=call.query["tenantId"])
        found = found.filter(pk__in=[one.pk for one in found if one.affiliate.public_id == subject])
    sort = call.query.get("sortBy") or "totalSaleAmount"
    if sort not in _SORTS:
        raise DubRefused(422, f"sortBy: expected one of {', '.join(sorted(_SORTS))}.")
    rows = shown(call, list(found[:_MOST_SORTED]))
    rows.sort(
        key=lambda row: row[sort] or 0 if sort != "createdAt" else row[sort],
        reverse=call.query.get("sortOrder") != "asc",
    )
    return answer(rows[start : start + size])


def create(call: Call) -> HttpResponse:
    """POST /partners: by address; makes or changes."""
    return answer(shown(call, [brought(call, call.body)])[0], 201)


def brought(call: Call, body: Any) -> "Enrolment":
    """The place of the partner a body describes. Raises DubRefused."""
    if not isinstance(body, dict):
        raise DubRefused(422, "Expected an object.")
    try:
        with transaction.atomic():
            place = bring_partner(
                call.program, str(body.get("email") or ""), name=str(body.get("name") or body.get("email") or "")[:120],
                country=str(body.get("country") or "")[:2].upper(), at=call.at,
            )  # fmt: skip
            if body.get("tenantId") is not None or body.get("description"):
                note_foreign(
                    call.merchant, "partner", place.affiliate.public_id, at=call.at,
                    tenant_id=str(body["tenantId"])[:255] if body.get("tenantId") is not None else None,
                    data={"description": str(body["description"])[:5_000]} if body.get("description") else {},
                )  # fmt: skip
            if not links_in_program(call.program).filter(enrolment=place).exists():
                link_verbs.create_link(place, at=call.at)
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal
    return place


def links_of(call: Call) -> HttpResponse:
    """GET /partners/links."""
    place = link_calls.place_of(call, call.query)
    links = list(links_in_program(call.program).filter(enrolment=place, status="active")[:100])
    figures = link_figures(links, is_test=call.is_test)
    return answer([shapes.link_of_partner(link, figures.get(link.pk, LinkFigures())) for link in links])


def create_link(call: Call, *, is_upsert: bool = False) -> HttpResponse:
    """POST /partners/links and PUT /partners/links/upsert: the same page is the same link."""
    said = call.body if isinstance(call.body, dict) else {}
    if is_upsert and not said.get("url"):
        raise DubRefused(422, "url is required.")
    props: dict[str, Any] = said["linkProps"] if isinstance(said.get("linkProps"), dict) else {}
    place_said = {
        **props,
        **{name: said[name] for name in ("partnerId", "tenantId", "url", "key", "comments") if said.get(name)},
    }
    if not (said.get("partnerId") or said.get("tenantId")):
        raise DubRefused(400, "partnerId or tenantId is required.")
    made = link_calls.create(Call(call.request, call.at, call.key, call.merchant, call.program, place_said, call.query))
    made.status_code = 200 if is_upsert else 201
    return made


def ban(call: Call) -> HttpResponse:
    """POST /partners/ban and /partners/deactivate: new clicks count no more; what is owed stays owed."""
    place = link_calls.place_of(call, call.body if isinstance(call.body, dict) else {})
    if place.status == "approved":
        enrolments.suspend_enrolment(place, by=None, at=call.at)
    return answer({"partnerId": place.affiliate.public_id})


def applications(call: Call) -> HttpResponse:
    """GET /program-applications and /partners/applications."""
    start, size = call.page()
    status = _OURS.get(call.query.get("status") or "pending", "applied")
    found = places_in(call.program, status=status, text=call.query.get("search", ""))
    return answer([_application(place) for place in found[start : start + size]])


def decide(call: Call, *, is_approved: bool) -> HttpResponse:
    """Approve or reject an application."""
    said = call.body if isinstance(call.body, dict) else {}
    place = link_calls.place_of(call, {"partnerId": said.get("partnerId") or "-"})
    try:
        if is_approved:
            enrolments.approve_enrolment(place, by=None, at=call.at)
        else:
            enrolments.decline_enrolment(place, reason=_reason(said.get("rejectionReason")), by=None, at=call.at)
    except Refusal as refusal:
        raise refused_of(refusal, status=int(status_of(refusal))) from refusal
    return answer({"partnerId": place.affiliate.public_id})


def analytics(call: Call) -> HttpResponse:
    """GET /partners/analytics."""
    place = link_calls.place_of(call, call.query)
    group = call.query.get("groupBy") or "count"
    span = span_of(call)
    if group == "count":
        return answer(_figures(call, place, span))
    if group == "timeseries":
        return answer([{"start": stamp(start), **_figures(call, place, (start, end))} for start, end in days_of(span)])
    if group == "top_links":
        links = list(links_in_program(call.program).filter(enrolment=place)[:100])
        figures = link_figures(links, is_test=call.is_test)
        rows = []
        for link in links:
            one = figures.get(link.pk, LinkFigures())
            rows.append(
                {
                    "link": link.public_id, "id": link.public_id, "domain": shapes.domain(), "key": link.code,
                    "shortLink": shapes.short_link(link), "url": link.destination, "createdAt": stamp(link.created_at),
                    "clicks": one.clicks, "leads": one.leads, "sales": one.sales, "saleAmount": one.sale_minor, "earnings": 0,
                }
            )  # fmt: skip
        return answer(sorted(rows, key=lambda row: -row["clicks"]))
    raise DubRefused(422, "groupBy: expected count, timeseries or top_links.")


def shown(call: Call, places: "list[Enrolment]") -> list[dict[str, Any]]:
    """Places as Dub's partners, in a fixed number of queries."""
    figures = partner_figures(call.program, [place.affiliate_id for place in places], is_test=call.is_test)
    records = foreign_records(call.merchant, "partner", [place.affiliate.public_id for place in places])
    links = list(links_in_program(call.program).filter(enrolment__in=places, status="active")[:2_000])
    by_link = link_figures(links, is_test=call.is_test)
    own: dict[Any, list[dict[str, Any]]] = {}
    for link in links:
        own.setdefault(link.enrolment_id, []).append(shapes.link_of_partner(link, by_link.get(link.pk, LinkFigures())))
    return [
        shapes.partner(
            place, figures.get(place.affiliate_id, PartnerFigures()), own.get(place.pk, []),
            records.get(place.affiliate.public_id),
        )
        for place in places
    ]  # fmt: skip


def _figures(call: Call, place: "Enrolment", span: tuple[datetime, datetime]) -> dict[str, int]:
    found = partner_figures(call.program, [place.affiliate_id], is_test=call.is_test, span=span)[place.affiliate_id]
    return {
        "clicks": found.clicks, "leads": found.leads, "sales": found.sales, "saleAmount": found.sale_minor,
        "earnings": found.commission_minor,
    }  # fmt: skip


def _application(place: "Enrolment") -> dict[str, Any]:
    affiliate = place.affiliate
    return {
        "id": place.public_id, "createdAt": stamp(place.applied_at),
        "partner": {
            "id": affiliate.public_id, "name": affiliate.name, "companyName": None, "email": affiliate.contact_email,
            "image": None, "country": affiliate.country or None, "status": shapes.PARTNER_STATUS[place.status],
            "networkStatus": "approved", "defaultPayoutMethod": None, "payoutsEnabledAt": None, "platforms": [],
        },
        "applicationFormData": [{"label": "Message", "value": place.message}] if place.message else None,
    }  # fmt: skip


def _reason(theirs: object) -> str:
    return {"doesNotMeetRequirements": "content", "notTheRightFit": "audience", "needsMoreDetail": "incomplete"}.get(
        str(theirs), "content"
    )

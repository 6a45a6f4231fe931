"""Dub's analytics and events over our clicks and orders."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse

from payouts.queries.dub import (
    LinkFigures,
    clicks_by_id,
    clicks_grouped,
    clicks_in,
    conversions_in,
    link_figures,
    links_by_id,
    links_in_program,
    totals_of,
)
from portal.compat import shapes
from portal.compat.links import open_link, place_of
from portal.compat.spans import days_of, span_of
from portal.compat.wire import Call, DubRefused, answer, list_of, stamp
from tracking.customers import customers_of, foreign_records

_GROUPS = {
    "countries": ("country", "country"), "devices": ("device", "device"), "browsers": ("browser", "browser"),
    "os": ("os", "os"), "referers": ("referrer", "referer"), "referer_urls": ("referrer", "refererUrl"),
    "top_urls": ("destination", "url"), "top_base_urls": ("destination", "url"),
}  # fmt: skip
_EMPTY = frozenset(
    {
        "continents", "regions", "cities", "event_names", "top_domains", "utm_sources", "utm_mediums", "utm_campaigns",
        "utm_terms", "utm_contents", "top_folders", "top_link_tags", "top_groups", "top_partner_tags",
    }
)  # fmt: skip


def analytics(call: Call) -> HttpResponse:
    """GET /analytics. Groups that we keep nothing of are empty lists."""
    group = call.query.get("groupBy") or "count"
    span, links = span_of(call), _links_asked(call)
    if group == "count":
        return answer(_row(call, span, links))
    if group == "timeseries":
        return answer([{"start": stamp(start), **_row(call, (start, end), links)} for start, end in days_of(span)])
    if group in {"trigger", "triggers"}:
        return answer([{"trigger": "link", **_row(call, span, links)}])
    if group in _GROUPS:
        column, name = _GROUPS[group]
        rows: dict[str, int] = {}
        for value, number in clicks_grouped(call.program, column, span=span, links=links):
            shown = _shown(group, value)
            rows[shown] = rows.get(shown, 0) + number
        extra = {"region": "*", "city": "*"} if group == "countries" else {}
        return answer(
            [
                {name: value, **extra, "clicks": number, "leads": 0, "sales": 0, "saleAmount": 0}
                for value, number in rows.items()
            ]
        )
    if group == "top_links":
        found = links_in_program(call.program)
        chosen = list((found.filter(pk__in=links) if links is not None else found)[:100])
        figures = link_figures(chosen, is_test=call.is_test)
        answers = []
        for link in chosen:
            one = figures.get(link.pk, LinkFigures())
            answers.append(
                {
                    "link": link.public_id, "id": link.public_id, "domain": shapes.domain(), "key": link.code,
                    "shortLink": shapes.short_link(link), "url": link.destination, "createdAt": stamp(link.created_at),
                    "clicks": one.clicks, "leads": one.leads, "sales": one.sales, "saleAmount": one.sale_minor,
                }
            )  # fmt: skip
        return answer(sorted(answers, key=lambda row: -row["clicks"]))
    if group in _EMPTY or group == "top_partners":
        return answer([])
    raise DubRefused(422, "groupBy is not known.")


def events(call: Call) -> HttpResponse:
    """GET /events: clicks, leads or sales one by one, newest first."""
    kind = call.query.get("event") or "clicks"
    span, links = span_of(call), _links_asked(call)
    rows = {"limit": call.query.get("limit") or "100", "page": call.query.get("page") or "1"}
    try:
        size, number = min(max(int(float(rows["limit"])), 1), 100), max(int(float(rows["page"])), 1)
    except ValueError:
        raise DubRefused(422, "page and limit: expected whole numbers.") from None
    start = (number - 1) * size
    if kind == "clicks":
        found = list(clicks_in(call.program, span=span, links=links)[start : start + size])
        return answer(_click_events(call, found))
    if kind in {"leads", "sales"}:
        orders = conversions_in(call.program, is_test=call.is_test, kind=kind)
        orders = orders.filter(occurred_at__gte=span[0], occurred_at__lt=span[1])
        return answer(_order_events(call, list(orders[start : start + size]), kind, links))
    raise DubRefused(422, "event: expected clicks, leads or sales.")


def _links_asked(call: Call) -> list[Any] | None:
    """The keys of the links a query is about; None is the whole program."""
    if call.query.get("linkId") or call.query.get("linkIds"):
        asked = list_of(call.query.get("linkId") or call.query["linkIds"])
        return [open_link(call, one).pk for one in asked]
    if call.query.get("externalId"):
        return [open_link(call, f"ext_{call.query['externalId'].removeprefix('ext_')}").pk]
    if call.query.get("partnerId") or call.query.get("tenantId"):
        place = place_of(call, call.query)
        return list(links_in_program(call.program).filter(enrolment=place).values_list("pk", flat=True))
    return None


def _row(call: Call, span: Any, links: list[Any] | None) -> dict[str, int]:
    clicks, leads, sales, minor = totals_of(call.program, span=span, links=links, is_test=call.is_test)
    return {"clicks": clicks, "leads": leads, "sales": sales, "saleAmount": minor}


def _shown(group: str, value: str) -> str:
    if group == "referers":
        return urlsplit(value).hostname or "(direct)"
    if group == "referer_urls":
        return value or "(direct)"
    if group == "top_base_urls":
        return value.partition("?")[0]
    return value.capitalize() if group == "devices" and value else value or "Unknown"


def _click_events(call: Call, clicks: list[Any]) -> list[dict[str, Any]]:
    links = links_by_id([click.link_id for click in clicks])
    full = _links_full(call, list(links.values()))
    return [
        {"event": "click", "timestamp": stamp(click.clicked_at), **_flat(click, links[click.link_id]),
         "click": shapes.click(click), "link": full[click.link_id]}
        for click in clicks if click.link_id in links
    ]  # fmt: skip


def _order_events(call: Call, orders: list[Any], kind: str, asked: list[Any] | None) -> list[dict[str, Any]]:
    clicks = clicks_by_id([one.attribution.click_id for one in orders if one.attribution.click_id])
    links = links_by_id([click.link_id for click in clicks.values()])
    full = _links_full(call, list(links.values()))
    refs = [one.customer_ref for one in orders]
    customers = {
        one.external_id: one for one in customers_of(call.merchant, is_test=call.is_test).filter(external_id__in=refs)
    }
    rows = []
    for one in orders:
        click = clicks.get(one.attribution.click_id)
        if click is None or click.link_id not in links or (asked is not None and click.link_id not in asked):
            continue
        known = customers.get(one.customer_ref)
        # A guest has no id of the shop's; the clients want one all the same.
        guest = {
            "id": one.public_id,
            "externalId": one.customer_ref or one.public_id,
            "createdAt": stamp(one.recorded_at),
        }
        metadata = {
            name: value for name, value in one.metadata.items() if name not in {"eventName", "paymentProcessor"}
        }
        processor = one.metadata.get("paymentProcessor", "custom")
        row = {
            "event": "lead" if kind == "leads" else "sale", "timestamp": stamp(one.occurred_at), "eventId": one.public_id,
            "eventName": one.metadata.get("eventName") or ("Sign up" if kind == "leads" else "Purchase"),
            "customer": shapes.customer(known) if known else guest, "metadata": metadata,
            "click": shapes.click(click), "link": full[click.link_id], **_flat(click, links[click.link_id]),
        }  # fmt: skip
        if kind == "sales":
            row |= {
                "sale": {
                    "amount": one.amount_minor, "currency": one.currency.lower(), "invoiceId": one.order_ref,
                    "paymentProcessor": processor,
                },
                "saleAmount": one.amount_minor, "invoice_id": one.order_ref, "payment_processor": processor,
            }  # fmt: skip
        rows.append(row)
    return rows


def _links_full(call: Call, links: list[Any]) -> dict[Any, dict[str, Any]]:
    figures = link_figures(links, is_test=call.is_test)
    records = foreign_records(call.merchant, "link", [link.public_id for link in links])
    return {
        link.pk: shapes.link_full(call, link, figures.get(link.pk, LinkFigures()), records.get(link.public_id))
        for link in links
    }


def _flat(click: Any, link: Any) -> dict[str, Any]:
    """The old flat copies, which both clients still require."""
    one = shapes.click(click)
    return {
        "click_id": one["id"], "link_id": link.public_id, "domain": shapes.domain(), "key": link.code, "url": one["url"],
        "continent": one["continent"], "country": one["country"], "city": one["city"], "device": one["device"],
        "browser": one["browser"], "os": one["os"], "qr": 0, "ip": "",
    }  # fmt: skip

"""What Dub's browser script says from shops' pages: clicks by a link's key; no token."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from portal.compat import shapes
from portal.compat.wire import DubRefused, refuse, with_cors
from portal.intake.door import address_of
from tracking.click_ids import PREFIX
from tracking.clicks import record_click
from tracking.destinations import DestinationRefused, is_host_allowed
from tracking.queries.compat import link_by_code


def click(request: HttpRequest) -> HttpResponse:
    """POST /track/click: a page tells us that it was reached by a link's key; no token."""
    return _in_public(request, _page_clicked)


def visit(request: HttpRequest) -> HttpResponse:
    """POST /track/visit: a page of the shop itself, which no link brought: nobody's, and not recorded."""
    return _in_public(request, _page_visited)


def open_app(request: HttpRequest) -> HttpResponse:
    """POST /track/open: an app opened by a deep link. Guessing by address is not done."""
    return _in_public(request, _app_opened)


def _in_public(request: HttpRequest, handle: Callable[[HttpRequest, dict[str, Any]], dict[str, Any]]) -> HttpResponse:
    try:
        return _open(handle(request, _public_body(request)))
    except DubRefused as trouble:
        return with_cors(refuse(trouble))


def _page_clicked(request: HttpRequest, said: dict[str, Any]) -> dict[str, Any]:
    key, url = str(said.get("key") or ""), str(said.get("url") or "")
    if not key or not said.get("domain"):
        raise DubRefused(400, "domain and key are required.")
    if key.startswith(PREFIX):
        # The page was reached through our redirect: the click is there already.
        return {"clickId": key}
    link = link_by_code(key)
    if link is None:
        raise DubRefused(404, "There is no such link.")
    _check_page(request, link.program.allowed_hosts)
    recorded = record_click(
        link,
        at=timezone.now(),
        url=_within(url, link.program.allowed_hosts) or link.destination,
        referrer=str(said.get("referrer") or "")[:2_000],
        user_agent=request.META.get("HTTP_USER_AGENT", ""),
        language=request.META.get("HTTP_ACCEPT_LANGUAGE", "")[:255],
        ip=address_of(request),
    )
    affiliate = link.affiliate
    return {
        "clickId": recorded.public_id,
        "partner": {
            "id": affiliate.public_id, "name": affiliate.name, "image": None, "groupId": None, "tenantId": None,
        },
    }  # fmt: skip


def _page_visited(_request: HttpRequest, said: dict[str, Any]) -> dict[str, Any]:
    if not said.get("domain") or not said.get("url"):
        raise DubRefused(400, "domain and url are required.")
    return {"clickId": None}


def _app_opened(request: HttpRequest, said: dict[str, Any]) -> dict[str, Any]:
    deep_link = str(said.get("deepLink") or "")
    if not deep_link and not said.get("dubDomain"):
        raise DubRefused(400, "deepLink or dubDomain is required.")
    link = link_by_code(deep_link.rstrip("/").rpartition("/")[2].partition("?")[0]) if deep_link else None
    if link is None:
        return {"clickId": None, "link": None}
    recorded = record_click(
        link, at=timezone.now(), user_agent=request.META.get("HTTP_USER_AGENT", ""), ip=address_of(request)
    )
    return {
        "clickId": recorded.public_id,
        "link": {"id": link.public_id, "domain": shapes.domain(), "key": link.code, "url": link.destination},
    }


def _public_body(request: HttpRequest) -> dict[str, Any]:
    try:
        said = json.loads(request.body[:10_000].decode() or "{}")
    except (UnicodeDecodeError, ValueError):
        raise DubRefused(400, "The body is no JSON.") from None
    if not isinstance(said, dict):
        raise DubRefused(400, "The body is no object.")
    return said


def _check_page(request: HttpRequest, hosts: list[str]) -> None:
    """Raise DubRefused unless the page that asks is one of the program's: browsers say so by themselves."""
    said = request.META.get("HTTP_REFERER") or request.META.get("HTTP_ORIGIN") or ""
    if not said or not _within(said, hosts):
        raise DubRefused(403, "This page is on none of the program's hosts.")


def _within(address: str, hosts: list[str]) -> str:
    """The address when it is on one of the hosts, else nothing."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", str(parts.port or "")
    except ValueError:
        return ""
    try:
        is_ours = is_host_allowed(host, hosts, port=port, allow_local=settings.ALLOW_LOCAL_DESTINATIONS)
    except DestinationRefused:
        return ""
    return address[:2_000] if is_ours else ""


def _open(payload: dict[str, Any]) -> HttpResponse:
    return with_cors(JsonResponse(payload))

"""Webhooks: what the merchant's own programs are told (X11)."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import may
from affiliates.queries import programs_of
from portal.calling import desk as pages
from portal.merchant.pages import here, show
from portal.requests import MerchantRequest


@require_safe
def endpoints(request: MerchantRequest) -> HttpResponse:
    """All of them."""
    return pages.list_page(_desk(request))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest) -> HttpResponse:
    """A new one."""
    return pages.edit_page(_desk(request))


@require_safe
def endpoint(request: MerchantRequest, endpoint_id: str) -> HttpResponse:
    """One of them with its calls."""
    return pages.endpoint_page(_desk(request), endpoint_id)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: MerchantRequest, endpoint_id: str) -> HttpResponse:
    """Change one."""
    return pages.edit_page(_desk(request), endpoint_id)


@require_POST
def act(request: MerchantRequest, endpoint_id: str) -> HttpResponse:
    """Pause, resume, remove, test, rotate, replay."""
    return pages.act(_desk(request), endpoint_id)


@require_safe
def call(request: MerchantRequest, endpoint_id: str, call_id: str) -> HttpResponse:
    """One call."""
    return pages.call_page(_desk(request), endpoint_id, call_id)


@require_POST
def replay(request: MerchantRequest, endpoint_id: str, call_id: str) -> HttpResponse:
    """Make a call again."""
    return pages.replay(_desk(request), endpoint_id, call_id)


def _desk(request: MerchantRequest) -> pages.Desk:
    def shown(template: str, context: dict[str, Any], **shell: Any) -> HttpResponse:
        return show(request, template, context, place="endpoints", **shell)

    return pages.Desk(
        request,
        by=request.user,
        show=shown,
        here=partial(here, request),
        programs=list(programs_of(request.merchant)),
        may_change=may(request.roles, "merchant.keys"),
        merchant=request.merchant,
    )

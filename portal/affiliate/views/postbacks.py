"""Postbacks: what the partner's own tracker is told (X11)."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.queries import enrolments_of
from portal.affiliate.pages import settings_tabs, show
from portal.calling import desk as pages
from portal.requests import PartnerRequest


@require_safe
def endpoints(request: PartnerRequest) -> HttpResponse:
    """All of them."""
    return pages.list_page(_desk(request))


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PartnerRequest) -> HttpResponse:
    """A new one."""
    return pages.edit_page(_desk(request))


@require_safe
def endpoint(request: PartnerRequest, postback_id: str) -> HttpResponse:
    """One of them with its calls."""
    return pages.endpoint_page(_desk(request), postback_id)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PartnerRequest, postback_id: str) -> HttpResponse:
    """Change one."""
    return pages.edit_page(_desk(request), postback_id)


@require_POST
def act(request: PartnerRequest, postback_id: str) -> HttpResponse:
    """Pause, resume, remove, test, rotate, replay."""
    return pages.act(_desk(request), postback_id)


@require_safe
def call(request: PartnerRequest, postback_id: str, told_id: str) -> HttpResponse:
    """One call."""
    return pages.call_page(_desk(request), postback_id, told_id)


@require_POST
def replay(request: PartnerRequest, postback_id: str, told_id: str) -> HttpResponse:
    """Make a call again."""
    return pages.replay(_desk(request), postback_id, told_id)


def _desk(request: PartnerRequest) -> pages.Desk:
    def shown(template: str, context: dict[str, Any], **shell: Any) -> HttpResponse:
        return show(request, template, context, place="settings", **shell)

    def here(name: str, *args: str) -> str:
        return reverse(f"partner:{name}", args=args)

    return pages.Desk(
        request,
        by=request.user,
        show=shown,
        here=here,
        programs=[one.program for one in enrolments_of(request.affiliate)],
        affiliate=request.affiliate,
        tabs=settings_tabs("postbacks"),
    )

"""Pages for when something is wrong, each with a code the reader can send us and we can find in the log."""

import logging
import secrets
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from portal.context import shell

log = logging.getLogger("portal.incidents")

# No look-alikes: a code is read out over the telephone.
_ALPHABET = "23456789ACEFGHJKMNPRTWXY"


def new_incident_code() -> str:
    """A code such as K7-2M4: 24⁵ ≈ 8 million, enough to find one line of a day's log."""
    letters = [secrets.choice(_ALPHABET) for _position in range(5)]
    return f"{''.join(letters[:2])}-{''.join(letters[2:])}"


def _wants_page(request: HttpRequest) -> bool:
    return not request.path.startswith("/api/") and request.accepts("text/html")


def answer_fault(request: HttpRequest, *, status: int, title: str, text: str, code: str = "") -> HttpResponse:
    """One fault as a page, or as problem+json for programs. Asks the database nothing.

    `code` is the incident code; without one the page shows none.
    """
    if not _wants_page(request):
        problem = {
            "type": "about:blank",
            "title": title,
            "status": status,
            "detail": text,
            "incident": code or None,
        }
        return JsonResponse(problem, status=status, content_type="application/problem+json")
    context = shell(request) | {
        "workspaces": [],
        "title": title,
        "text": text,
        "code": code,
        "status": status,
    }
    return HttpResponse(render_to_string("portal/fault.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the address or form could not be read."""
    code = new_incident_code()
    log.warning("incident %s: bad request %s", code, request.path)
    return answer_fault(
        request,
        status=400,
        code=code,
        title=_("This request could not be read."),
        text=_("Nothing was changed. Go back, reload the page and try again."),
    )


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: known person, wrong role."""
    code = new_incident_code()
    log.info("incident %s: forbidden %s", code, request.path)
    return answer_fault(
        request,
        status=403,
        code=code,
        title=_("This page is for another role."),
        text=_("Your account may not open it. Switch the workspace, or ask the person who runs it to add you."),
    )


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing here, or not for this person; the two look alike on purpose."""
    return answer_fault(
        request,
        status=404,
        title=_("There is no page at this address."),
        text=_("Check the address, or start again from the first page."),
    )


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake, logged under the code."""
    code = new_incident_code()
    # Django calls this while the exception is being handled, so the traceback lands beside the code.
    log.error("incident %s: %s %s", code, request.method, request.path, exc_info=sys.exc_info())
    return answer_fault(
        request,
        status=500,
        code=code,
        title=_("This page did not load."),
        text=_("Nothing was changed. Try again, or send us the code %(code)s.") % {"code": code},
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose secret is missing or old; CSRF_FAILURE_VIEW."""
    code = new_incident_code()
    log.warning("incident %s: csrf %s %s", code, request.path, reason)
    return answer_fault(
        request,
        status=403,
        code=code,
        title=_("This form was open for too long."),
        text=_("Nothing was sent. Go back, reload the page and send the form again. Cookies must be allowed."),
    )

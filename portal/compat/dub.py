"""/compat/dub/: the addresses that Dub's official clients and browser script speak to, and what answers each."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ledger.errors import Refusal
from portal.compat import browser, figures, links, money, partners, people, shapes, track
from portal.compat.codes import codes_of, end_code, issue_code
from portal.compat.wire import CORS, Call, DubRefused, answer, open_call, refuse, refused_of
from portal.errors import status_of

type Handle = Callable[..., HttpResponse]


def _nothing(call: Call) -> HttpResponse:
    """A list of what this network does not have."""
    return answer([])


def _no(what: str) -> Handle:
    def refused(call: Call, *_rest: str) -> HttpResponse:
        raise DubRefused(403, f"This network has no {what}.")

    return refused


def _domains(call: Call) -> HttpResponse:
    at = call.program.created_at.isoformat()
    return answer(
        [
            {
                "id": call.program.public_id, "slug": shapes.domain(), "placeholder": None, "expiredUrl": None,
                "notFoundUrl": None, "logo": None, "createdAt": at, "updatedAt": at, "registeredDomain": None,
                "verified": True, "primary": True, "archived": False,
            }
        ]
    )  # fmt: skip


#: (method, path, what answers); a group in the path is passed on.
_TABLE: list[tuple[str, str, Handle]] = [
    ("GET", r"/links", links.list_links),
    ("POST", r"/links", links.create),
    ("GET", r"/links/count", links.count),
    ("GET", r"/links/info", links.info),
    ("POST", r"/links/bulk", links.create_many),
    ("PATCH", r"/links/bulk", links.update_many),
    ("DELETE", r"/links/bulk", links.delete_many),
    ("PUT", r"/links/upsert", links.upsert),
    ("PATCH", r"/links/([^/]+)", links.update),
    ("PUT", r"/links/([^/]+)", links.update),
    ("DELETE", r"/links/([^/]+)", links.delete),
    ("GET", r"/qr", links.qr),
    ("GET", r"/partners", partners.list_partners),
    ("POST", r"/partners", partners.create),
    ("GET", r"/partners/links", partners.links_of),
    ("POST", r"/partners/links", partners.create_link),
    ("PUT", r"/partners/links/upsert", partial(partners.create_link, is_upsert=True)),
    ("GET", r"/partners/analytics", partners.analytics),
    ("POST", r"/partners/(?:ban|deactivate)", partners.ban),
    ("GET", r"/(?:program-applications|partners/applications)", partners.applications),
    (
        "POST",
        r"/(?:program-applications|partners/applications)/approve",
        partial(partners.decide, is_approved=True),
    ),
    (
        "POST",
        r"/(?:program-applications|partners/applications)/reject",
        partial(partners.decide, is_approved=False),
    ),
    ("GET", r"/commissions", money.list_commissions),
    ("POST", r"/commissions", money.create_commission),
    ("PATCH", r"/commissions/bulk", money.update_commissions),
    ("PATCH", r"/commissions/([^/]+)", money.update_commission),
    ("GET", r"/payouts", money.list_payouts),
    ("GET", r"/customers", people.list_customers),
    ("GET", r"/customers/([^/]+)", people.get_customer),
    ("PATCH", r"/customers/([^/]+)", people.update_customer),
    ("DELETE", r"/customers/([^/]+)", people.delete_customer),
    ("GET", r"/analytics", figures.analytics),
    ("GET", r"/events", figures.events),
    ("GET", r"/discount-codes", codes_of),
    ("POST", r"/discount-codes", issue_code),
    ("DELETE", r"/discount-codes/([^/]+)", end_code),
    ("GET", r"/(?:tags|folders|bounties/[^/]+/submissions|domains/status)", _nothing),
    ("GET", r"/domains", _domains),
    ("POST", r"/(?:tags|folders)", _no("tags and folders")),
    ("PATCH", r"/(?:tags|folders)/[^/]+", _no("tags and folders")),
    ("DELETE", r"/(?:tags|folders)/[^/]+", _no("tags and folders")),
    ("POST", r"/domains(?:/register)?", _no("domains to sell; a merchant adds hosts in its Tracking settings")),
    ("PATCH", r"/domains/[^/]+", _no("domains to change here")),
    ("DELETE", r"/domains/[^/]+", _no("domains to remove here")),
    ("POST", r"/bounties/.+", _no("bounties")),
    ("POST", r"/tokens/embed/referrals", _no("embedded dashboard; partners have the portal")),
]
_ROUTES = [(method, re.compile(path), handle) for method, path, handle in _TABLE]
_TRACK = {
    "/track/lead": track.lead, "/track/sale": track.sale,
    "/track/lead/client": track.lead_of_browser, "/track/sale/client": track.sale_of_browser,
}  # fmt: skip
_BROWSER = {
    "/track/click": browser.click, "/track/visit": browser.visit, "/track/open": browser.open_app,
}  # fmt: skip


@csrf_exempt
def dub(request: HttpRequest, program_slug: str | None = None, route: str | None = None) -> HttpResponse:
    """One call of Dub's surface. Whatever comes, the answer is one that its clients can read."""
    path = (route or "/").rstrip("/") or "/"
    slug = program_slug or ""
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=CORS)
    if request.method == "POST" and path in _BROWSER:
        return _BROWSER[path](request)
    if request.method == "POST" and path in _TRACK:
        return track.take_call(request, _TRACK[path], program_slug=slug)
    try:
        handle, rest = _find(request.method or "", path)
        call = open_call(request, slug)
        _check_test_key(call, path)
        return handle(call, *rest)
    except DubRefused as trouble:
        return refuse(trouble)
    except Refusal as refusal:
        return refuse(refused_of(refusal, status=int(status_of(refusal))))


def _check_test_key(call: Call, path: str) -> None:
    """A test key changes nothing that is real: links, partners, codes and commissions are. Raises DubRefused."""
    if call.is_test and call.request.method != "GET" and not path.startswith("/customers"):
        raise DubRefused(403, "A test key makes test orders and test customers only. Use the live key for this.")


def _find(method: str, path: str) -> tuple[Handle, tuple[Any, ...]]:
    for known, pattern, handle in _ROUTES:
        match = pattern.fullmatch(path) if known == method else None
        if match:
            return handle, match.groups()
    raise DubRefused(404, f"There is no {method} {path[:100]} here.")

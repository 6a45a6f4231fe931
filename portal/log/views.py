"""The log's public pages: its roots as a list and as JSON, the key, and a program that checks receipts."""

from pathlib import Path

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from tracking.queries.receipts import published_key, root_data, root_numbered, roots_after, roots_published

_PAGE_ROWS = 50
_MOST_ROOTS = 500
_CHECKER = Path(__file__).with_name("check_receipt.py")


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """What is published, newest first, and how to check a receipt."""
    page = Paginator(roots_published(), _PAGE_ROWS).get_page(request.GET.get("page"))
    return render(
        request, "portal/log/log.html", {"page_title": _("Published log"), "page": page, "key": published_key()}
    )


@require_safe
def roots(request: HttpRequest) -> HttpResponse:
    """Up to 500 roots after a number, oldest first: for those who keep a copy."""
    after = request.GET.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        return JsonResponse(
            {"code": "field_malformed", "field": "after", "detail": "after is the number of a root, such as 120."},
            status=400,
        )
    found = [root_data(one) for one in roots_after(int(after), limit=_MOST_ROOTS)]
    return _open(JsonResponse({"data": found, "next": found[-1]["number"] if len(found) == _MOST_ROOTS else None}))


@require_safe
def root(request: HttpRequest, number: int) -> HttpResponse:
    """One root. Raises Http404."""
    found = root_numbered(number)
    if found is None:
        raise Http404
    return _open(JsonResponse(root_data(found)))


@require_safe
def key(request: HttpRequest) -> HttpResponse:
    """The public key that signs now."""
    return _open(JsonResponse({"algorithm": "Ed25519", **published_key()}))


@require_safe
def checker(request: HttpRequest) -> HttpResponse:
    """A program of one file, for whoever would rather not ask us whether we are right."""
    response = HttpResponse(_CHECKER.read_bytes(), content_type="text/x-python; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="check_receipt.py"'
    return response


def _open(response: HttpResponse) -> HttpResponse:
    """What is published may be read by any page."""
    response["Access-Control-Allow-Origin"] = "*"
    return response

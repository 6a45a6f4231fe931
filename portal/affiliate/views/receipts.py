"""Clicks one by one, each counted or not and why, with the receipt that proves it is in the published log (X5)."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.errors import NotVisible
from portal.affiliate.forms import ReceiptFilter
from portal.affiliate.pages import PAGE_ROWS, show
from portal.filters import ignored_keys
from portal.reasons import reason_of
from portal.requests import PartnerRequest
from tracking.access import open_click_of
from tracking.queries.partner import clicks_between, count_clicks_between, last_click_day
from tracking.receipts.proofs import check, receipt_for_click

if TYPE_CHECKING:
    from tracking.models import Click


@require_safe
def receipts(request: PartnerRequest) -> HttpResponse:
    """The clicks of a day, or the one asked for."""
    form = ReceiptFilter(request.GET)
    question = form.cleaned_data if form.is_valid() else {}
    wanted = question.get("click", "")
    day: date = question.get("day") or last_click_day(request.affiliate) or timezone.now().date()
    found: list[Click] = []
    is_missing = False
    if wanted:
        try:
            found = [open_click_of(request.affiliate, wanted)]
        except NotVisible:
            is_missing = True
    start = datetime.combine(day, time(), UTC)
    span = {"since": start, "until": start + timedelta(days=1)}
    pages = Paginator(found if wanted else clicks_between(request.affiliate, **span), PAGE_ROWS)
    if not wanted:
        # Counted without reading the clicks: a day may have a hundred thousand.
        pages.count = count_clicks_between(request.affiliate, **span)
    page = pages.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(click, _why(click)) for click in page.object_list],
        "filter": form,
        "day": day,
        "is_asked": bool(wanted),
        "is_missing": is_missing,
        "ignored": ignored_keys(request, form),
        "earlier": reverse("partner:receipts", query={"day": (day - timedelta(days=1)).isoformat()}),
        "later": reverse("partner:receipts", query={"day": (day + timedelta(days=1)).isoformat()})
        if day < timezone.now().date()
        else "",
    }
    return show(
        request, "receipts.html", context, place="links", title=_("Clicks and receipts"),
        lead=_("Every click on your links, counted or not and why, with proof that none was left out later."),
        crumbs=[(_("Links"), reverse("partner:links"))],
    )  # fmt: skip


@require_safe
def receipt(request: PartnerRequest, click_id: str) -> HttpResponse:
    """One click with its receipt; `?download=1` gives the receipt as a file."""
    click = open_click_of(request.affiliate, click_id)
    found = receipt_for_click(click)
    if found is not None and request.GET.get("download"):
        response = HttpResponse(
            json.dumps(found.as_data(), indent=1, ensure_ascii=False), content_type="application/json; charset=utf-8"
        )
        response["Content-Disposition"] = f'attachment; filename="{click.public_id}.json"'
        return response
    hour_ends = click.clicked_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    context = {
        "click": click,
        "why": _why(click),
        "receipt": found,
        "wrong": check(found.as_data()) if found else [],
        "due_at": hour_ends + timedelta(minutes=12),
    }
    return show(
        request, "receipt.html", context, place="links", title=_("Receipt of a click"),
        crumbs=[(_("Links"), reverse("partner:links")), (_("Clicks and receipts"), reverse("partner:receipts"))],
    )  # fmt: skip


def _why(click: "Click") -> str:
    """Why a click does not count, in words; empty when it does."""
    return "" if click.is_counted else str(reason_of(click.uncounted_reason or "click_not_counted").partner)

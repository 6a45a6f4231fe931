"""Many links at once: pasted or in a file, with a report for each line, and the report as CSV."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from affiliates.queries import enrolments_of
from ledger.errors import Refusal
from portal.affiliate.bulk_rows import BulkRow, RowsUnreadable, decoded_file, read_rows
from portal.affiliate.link_forms import BulkForm
from portal.affiliate.link_words import refusal_words
from portal.affiliate.pages import show
from portal.exports import csv_response
from portal.requests import PartnerRequest
from tracking import links as link_verbs
from tracking.destinations import DestinationRefused
from tracking.links import MOST_AT_ONCE
from tracking.queries.links import addresses_of
from tracking.queries.partner import place_for_page

if TYPE_CHECKING:
    from datetime import datetime

    from affiliates.models import Enrolment
    from tracking.models import Link


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of a line: `state` is new, known or refused."""

    number: int
    page: str
    state: str
    link: "Link | None"
    url: str
    sentence: str


@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: PartnerRequest) -> HttpResponseBase:
    """The form, then the report. Sending the same again gives the same links."""
    places = [place for place in enrolments_of(request.affiliate) if place.status == "approved"]
    choices = [(place.program.slug, place.program.name) for place in places]
    results: list[BulkResult] = []
    text = ""
    if request.method == "POST":
        form = BulkForm(request.POST, request.FILES, programs=choices)
        if places and form.is_valid():
            said = form.cleaned_data
            try:
                text = decoded_file(said["file"].read()) if said.get("file") else said["rows"]
                rows = read_rows(text)
            except RowsUnreadable as refusal:
                form.add_error(refusal.field or "rows", refusal.message)
            else:
                results = _make(rows, places, said.get("program", ""), at=timezone.now())
                if "csv" in request.POST:
                    return _report(results)
    else:
        form = BulkForm(programs=choices)
    context = {
        "form": form,
        "places": places,
        "results": results,
        "sent": text,
        "most": MOST_AT_ONCE,
        "counts": {state: sum(one.state == state for one in results) for state in ("new", "known", "refused")},
    }
    return show(
        request, "link_bulk.html", context, place="links", title=_("Many links"),
        crumbs=[(_("Links"), reverse("partner:links"))], status=422 if form.errors else 200,
    )  # fmt: skip


def _report(results: list[BulkResult]) -> HttpResponseBase:
    header = ("line", "page", "result", "link", "code", "label", "problem")
    return csv_response(
        "links.csv",
        header,
        (
            (one.number, one.page, one.state, one.url, one.link.code if one.link else "",
             one.link.label if one.link else "", one.sentence)
            for one in results
        ),
    )  # fmt: skip


def _make(rows: list[BulkRow], places: "list[Enrolment]", chosen: str, *, at: "datetime") -> list[BulkResult]:
    """Every line for itself, in its order; the lines of one program together."""
    answers: dict[int, BulkResult] = {}
    by_place: dict[str, list[BulkRow]] = {}
    known = {place.public_id: place for place in places}
    for row in rows:
        try:
            place = _place(row, places, chosen)
        except Refusal as refusal:
            answers[row.number] = _refused(row, refusal, places)
        else:
            by_place.setdefault(place.public_id, []).append(row)
    for key, of_place in by_place.items():
        made = link_verbs.create_links(known[key], [row.draft for row in of_place], at=at)
        addresses = addresses_of(one.link for one in made if one.link is not None)
        for row, one in zip(of_place, made, strict=True):
            if one.link is not None:
                state = "new" if one.is_new else "known"
                answers[row.number] = BulkResult(
                    row.number, one.link.destination, state, one.link, addresses[one.link.pk], ""
                )
            elif one.refusal is not None:
                answers[row.number] = _refused(row, one.refusal, [known[key]])
    return [answers[row.number] for row in rows]


def _refused(row: BulkRow, refusal: Refusal, places: "list[Enrolment]") -> BulkResult:
    return BulkResult(row.number, row.draft.destination, "refused", None, "", refusal_words(refusal, places)[1])


def _place(row: BulkRow, places: "list[Enrolment]", chosen: str) -> "Enrolment":
    if chosen:
        return next(place for place in places if place.program.slug == chosen)
    if len(places) == 1 or not row.draft.destination:
        return places[0]
    found = place_for_page(places, row.draft.destination)
    if found is None:
        raise DestinationRefused("destination_host_not_allowed", row.draft.destination)
    return found

"""Uploads: a file of orders is sent, its columns are named, its rows are tried, then recorded."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates.access import may
from ledger.errors import Refusal
from portal.exports import csv_response
from portal.formats import format_number
from portal.inbox.screens import sentence_of_refusal
from portal.intake.door import address_of
from portal.intake.hints import hint_upload
from portal.intake.uploads import take_file, work_on
from portal.merchant.pages import here, page_of, show
from portal.merchant.upload_forms import FIELD_WORDS, FileForm, ReadingForm, chosen_columns
from portal.reasons import reason_of
from portal.remedies import MEND, MEND_FILE
from portal.requests import MerchantRequest
from portal.states import state_of
from tracking import uploads as verbs
from tracking.access import open_upload_in
from tracking.imports import FileUnreadable, Reading, headings_and_rows, sheets_of
from tracking.queries.uploads import VERDICTS, counts_of, reasons_of, rows_of, seconds_left, uploads_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import OrderUpload

_PREVIEW_ROWS = 5
_LONGEST_CELL = 60

#: What is done within this many seconds is done before the page is answered; the worker does the rest.
_AT_ONCE = 4.0
_FEW_ROWS = 2_000

_ACTIONS = {
    "report": gettext_lazy("order"),
    "refund": gettext_lazy("refund"),
    "amend": gettext_lazy("correction"),
    "refused": "–",
}


@require_safe
def uploads(request: MerchantRequest) -> HttpResponse:
    """The files so far, and a place for another."""
    return _list(request, FileForm())


@require_POST
def send(request: MerchantRequest) -> HttpResponse:
    """Take a file in; the same file again leads to where it was taken in first."""
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form, status=400)
    file = form.cleaned_data["file"]
    received = take_file(
        request.merchant,
        name=file.name or "",
        content=file.read(),
        content_type=file.content_type or "",
        path=request.path,
        ip=address_of(request),
        by=request.user,
        at=timezone.now(),
    )
    if received.upload is None:
        assert received.refusal is not None
        form.add_error("file", sentence_of_refusal(received.refusal))
        return _list(request, form, status=400)
    if not received.is_new:
        messages.info(request, _("This file was sent before. Here is what became of it; no order counts twice."))
        return redirect("merchant:upload", request.merchant.slug, received.upload.public_id)
    return redirect("merchant:upload-columns", request.merchant.slug, received.upload.public_id)


@require_safe
def upload(request: MerchantRequest, upload_id: str) -> HttpResponse:
    """One file: how far it is, and a verdict on every row."""
    found = open_upload_in(request.merchant, upload_id)
    if found.status == "mapping":
        return redirect("merchant:upload-columns", request.merchant.slug, found.public_id)
    verdict = request.GET.get("verdict", "")
    verdict = verdict if verdict in VERDICTS else ""
    page = page_of(request, rows_of(found, verdict=verdict))
    counts = counts_of(found)
    is_busy = found.status in {"trying", "recording"}
    context = {
        "upload": found,
        "may_act": may(request.roles, "merchant.review"),
        "is_busy": is_busy,
        "job": _job(request, found) if is_busy else None,
        "counts": [
            (name, count, here(request, "upload", found.public_id, verdict=name)) for name, count in counts.items() if count
        ],
        "total": sum(counts.values()),
        "good": counts["accepted"] + counts["test"],
        "reasons": [(reason_of(code), count, _remedy(code)) for code, count in reasons_of(found)] if not is_busy else [],
        "rows": [
            (row, reason_of(row.final_reason) if row.final_reason else None, _ACTIONS.get(row.action, row.action),
             here(request, "event", row.request.public_id) if row.request else "")
            for row in page.object_list
        ],
        "page": page,
        "verdict": verdict,
        "all_url": here(request, "upload", found.public_id),
        "export_url": here(request, "upload-export", found.public_id, verdict=verdict),
    }  # fmt: skip
    return show(
        request, "upload.html", context, place="uploads", title=found.name,
        crumbs=[(_("Uploads"), here(request, "uploads"))],
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: MerchantRequest, upload_id: str) -> HttpResponse:
    """How the file is read and which column is which field: shown, changed, and then the rows are tried."""
    found = open_upload_in(request.merchant, upload_id)
    if found.status not in {"mapping", "tried", "trying"}:
        return redirect("merchant:upload", request.merchant.slug, found.public_id)
    reading = Reading.from_json(found.reading)
    data = request.POST if request.method == "POST" else None
    form = ReadingForm(data, reading=reading, kind=found.kind, sheets=_sheets(found))
    if data is None or not form.is_valid():
        return _columns(request, found, form, reading, found.mapping, status=400 if data is not None else 200)
    chosen = form.reading()
    try:
        count = len(headings_and_rows(bytes(found.content), found.kind, chosen)[0])
        mapping = chosen_columns(request.POST, count) or _proposed(found, chosen)
        if "look" in request.POST:
            return _columns(request, found, form, chosen, mapping)
        tried = verbs.name_columns(found, chosen, mapping, at=timezone.now())
    except Refusal as refusal:
        form.add_error(None, _worded(refusal))
        mapping = chosen_columns(request.POST, 200) or found.mapping
        return _columns(request, found, form, chosen, mapping, status=400)
    _work(tried)
    return redirect("merchant:upload", request.merchant.slug, tried.public_id)


@require_POST
def record(request: MerchantRequest, upload_id: str) -> HttpResponse:
    """Have the rows recorded; pressing twice starts once."""
    found = open_upload_in(request.merchant, upload_id)
    try:
        started = verbs.start_recording(found, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of_refusal(refusal))
    else:
        if started.status == "recording":
            _work(started)
    return redirect("merchant:upload", request.merchant.slug, found.public_id)


@require_POST
def discard(request: MerchantRequest, upload_id: str) -> HttpResponse:
    """Let a file go that was not recorded."""
    found = open_upload_in(request.merchant, upload_id)
    try:
        verbs.discard_upload(found, by=request.user, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of_refusal(refusal))
        return redirect("merchant:upload", request.merchant.slug, found.public_id)
    messages.success(request, _("The file was discarded. Nothing was recorded."))
    return redirect("merchant:uploads", request.merchant.slug)


@require_safe
def export(request: MerchantRequest, upload_id: str) -> StreamingHttpResponse:
    """The report by row as CSV."""
    found = open_upload_in(request.merchant, upload_id)
    verdict = request.GET.get("verdict", "")
    header = [
        _("Row"), _("Order"), _("Does"), _("Verdict"), _("Reason"), _("In words"), _("Field"), _("What to do"), _("Detail"),
        _("Request"), _("Conversion"),
    ]  # fmt: skip
    rows = _csv_rows(found, verdict if verdict in VERDICTS else "")
    return csv_response(f"upload-{found.public_id}.csv", header, rows)


@require_safe
def template(request: MerchantRequest) -> StreamingHttpResponse:
    """A file to begin with: every column we know, and three rows that show what they do."""
    header = [
        "order_id", "amount", "currency", "occurred_at", "status", "click_id", "coupon", "customer_id", "tax", "shipping",
        "refund_amount", "refund_reason", "note",
    ]  # fmt: skip
    currency = request.merchant.currency
    rows = [
        ["1042", "62.00", currency, "2026-11-03T14:02:00Z", "paid", "", "MAYA10", "c-77", "", "", "", "", ""],
        [
            "1041",
            "80.00",
            currency,
            "2026-11-01T09:30:00Z",
            "refunded",
            "",
            "",
            "",
            "",
            "",
            "20.00",
            "item_returned",
            "",
        ],
        ["1040", "45.00", currency, "2026-10-30T18:00:00Z", "amended", "", "", "", "", "", "", "", "one item fewer"],
    ]
    return csv_response("orders.csv", header, rows)


def _list(request: MerchantRequest, form: FileForm, *, status: int = 200) -> HttpResponse:
    page = page_of(request, uploads_of(request.merchant))
    context = {
        "form": form,
        "may_act": may(request.roles, "merchant.review"),
        "rows": [(one, here(request, "upload", one.public_id)) for one in page.object_list],
        "page": page,
        "template_url": here(request, "upload-template"),
    }
    return show(
        request, "uploads.html", context, place="uploads", title=_("Uploads"), status=status,
        lead=_("Orders from a file, tried before anything is recorded. An order that came by another way counts once."),
    )  # fmt: skip


def _columns(
    request: MerchantRequest,
    found: "OrderUpload",
    form: ReadingForm,
    reading: Reading,
    mapping: dict[str, str],
    *,
    status: int = 200,
) -> HttpResponse:
    headings, rows, trouble = _preview(found, reading)
    context = {
        "upload": found,
        "form": form,
        "columns": [
            (number, heading or _("Column %(number)s") % {"number": number + 1}, mapping.get(str(number), ""),
             [row[number][:_LONGEST_CELL] if number < len(row) else "" for row in rows])
            for number, heading in enumerate(headings)
        ],
        "choices": list(FIELD_WORDS.items()),
        "trouble": trouble,
        "may_act": may(request.roles, "merchant.review"),
    }  # fmt: skip
    return show(
        request, "upload_columns.html", context, place="uploads", title=_("Which column is what?"), lead=found.name,
        crumbs=[(_("Uploads"), here(request, "uploads"))], status=status,
    )  # fmt: skip


def _preview(found: "OrderUpload", reading: Reading) -> tuple[list[str], list[tuple[str, ...]], str]:
    try:
        headings, rows = headings_and_rows(bytes(found.content), found.kind, reading)
        return headings, [row.cells for row in islice(rows, _PREVIEW_ROWS)], found.detail and _worded_code(found.reason)
    except FileUnreadable as refusal:
        return [], [], _worded(refusal)


def _proposed(found: "OrderUpload", reading: Reading) -> dict[str, str]:
    return verbs.proposed_mapping(headings_and_rows(bytes(found.content), found.kind, reading)[0])


def _sheets(found: "OrderUpload") -> list[str]:
    if found.kind == "csv":
        return []
    try:
        return sheets_of(bytes(found.content))
    except FileUnreadable:
        return []


def _worded(refusal: Refusal) -> str:
    text = sentence_of_refusal(refusal)
    known = FIELD_WORDS.get(refusal.field or "")
    return f"{known}: {text}" if known else text


def _worded_code(code: str) -> str:
    return str(reason_of(code).merchant) if code else ""


def _remedy(code: str) -> str:
    """What is done about a row: where the connection would be mended, here the file is."""
    remedy = reason_of(code).remedy
    return str(remedy if remedy and remedy != MEND else MEND_FILE)


def _work(found: "OrderUpload") -> None:
    """Do at once what is quickly done; the worker goes on with the rest."""
    key = found.pk.hex
    is_done = found.row_count <= _FEW_ROWS and work_on(key, until=time.monotonic() + _AT_ONCE)
    if not is_done:
        transaction.on_commit(lambda: hint_upload(key))


def _job(request: MerchantRequest, found: "OrderUpload") -> dict[str, Any]:
    is_recording = found.status == "recording"
    done = found.recorded if is_recording else found.tried
    left = max(found.row_count - done, 0)
    seconds = seconds_left(found, at=timezone.now()) if is_recording else None
    return {
        "title": _("Rows are being recorded") if is_recording else _("Rows are being tried"),
        "state": "running",
        "done": done,
        "left": left,
        "total": max(found.row_count, 1),
        "eta": _("about %(seconds)s s left") % {"seconds": format_number(seconds)} if seconds else "",
    }


def _csv_rows(found: "OrderUpload", verdict: str) -> Iterator[list[object]]:
    rows: Iterable[Any] = rows_of(found, verdict=verdict).iterator(chunk_size=1_000)
    for row in rows:
        reason = reason_of(row.final_reason) if row.final_reason else None
        conversion = row.request.conversion if row.request else None
        yield [
            row.number, row.order_ref, str(_ACTIONS.get(row.action, row.action)), str(state_of("inbox", row.final).label),
            row.final_reason, str(reason.title) if reason else "", row.final_field, _remedy(row.final_reason) if row.final in {"rejected", "quarantined"} else "",
            row.final_detail, row.request.public_id if row.request else "", conversion.public_id if conversion else "",
        ]  # fmt: skip

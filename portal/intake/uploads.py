"""Files of orders at the door: taken in, tried row by row, then recorded through the same reader and verbs as the API.

The file has a row in the inbox and so has each of its rows, once it is recorded. Recording goes on
where it stopped: a row's sale, its verdict and its place in the file are written in one transaction.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from affiliates.errors import NotVisible
from ledger.errors import Refusal
from payouts.sales import amend_sale, record_sale, refund_sale
from portal.intake.bodies import read_json_object
from portal.intake.door import ACCEPTED, DUPLICATE, REJECTED, TEST, Outcome, refused
from portal.intake.fields import OLDEST_IN_FILES, refuse
from portal.intake.orders import read_order, read_refund
from portal.intake.privacy import hide_addresses, hide_keys
from portal.intake.replay import Kept, handled, register
from portal.intake.verdicts import verdict_of_sale
from tracking import inbox, uploads
from tracking.access import open_conversion_by_order
from tracking.conversions import facts_of
from tracking.import_values import Draft, Signs, draft_of
from tracking.imports import Reading, Row, headings_and_rows
from tracking.queries.uploads import KnownOrder, OrderKey, known_orders

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant, User
    from tracking.conversions import OrderFacts
    from tracking.models import OrderUpload, OrderUploadRow

log = logging.getLogger("portal.intake")

DOOR, ROW_DOOR = "upload", "upload.row"

_TRIED_AT_ONCE = 1_000
_RECORDED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Received:
    """What became of a file: the upload, or why there is none; and whether the same file came before."""

    upload: "OrderUpload | None"
    is_new: bool = True
    refusal: Refusal | None = None


@dataclass(slots=True)
class _Trial:
    """What earlier rows of the file have done by now, as if they had been recorded."""

    merchant: "Merchant"
    at: datetime
    lines: dict[OrderKey, int] = field(default_factory=dict)
    orders: dict[OrderKey, KnownOrder] = field(default_factory=dict)


def take_file(
    merchant: "Merchant",
    *,
    name: str,
    content: bytes,
    content_type: str,
    path: str,
    ip: str | None,
    by: "User",
    at: datetime,
) -> Received:
    """Take a file in: a row in the inbox before it is looked at, a verdict after."""
    started = time.perf_counter()
    shown = "".join(sign if sign.isprintable() else "?" for sign in name)[-200:] or "orders.csv"
    about = json.dumps({"file": shown, "bytes": len(content)}).encode()
    row = inbox.receive(
        DOOR, method="POST", path=path, content_type=content_type, body=hide_addresses(about), ip=ip, at=at,
        merchant=merchant,
    )  # fmt: skip
    try:
        upload, is_new = uploads.keep_upload(row, name=shown, content=content, by=by, at=at)
    except Refusal as refusal:
        outcome, received = replace(refused(refusal), verdict=REJECTED), Received(None, refusal=refusal)
    else:
        received = Received(upload, is_new)
        outcome = Outcome(
            HTTPStatus.CREATED if is_new else HTTPStatus.OK,
            {},
            ACCEPTED if is_new else DUPLICATE,
            reason="" if is_new else "same_file",
            detail=f"{upload.public_id} {shown}",
        )
    verdict = inbox.Verdict(outcome.verdict, int(outcome.status), outcome.reason, outcome.field, outcome.detail)
    inbox.close(row, verdict, latency_ms=round((time.perf_counter() - started) * 1000))
    return received


def drafts_of(upload: "OrderUpload", *, at: datetime) -> Iterator[tuple[Row, Draft]]:
    """Each row of the file with what it asks for. Raises FileUnreadable."""
    reading = Reading.from_json(upload.reading)
    headings, rows = headings_and_rows(bytes(upload.content), upload.kind, reading)
    signs = Signs(reading.decimal, reading.dates, reading.zone, reading.currency, reading.is_test)
    for row in rows:
        yield row, draft_of(row.cells, upload.mapping, headings, signs, at=at)


def try_rows(upload: "OrderUpload", *, at: datetime) -> None:
    """Say of every row what recording it would do, and record nothing."""
    trial = _Trial(upload.merchant, at)
    uploads.begin_trial(upload)
    tried = 0
    try:
        for chunk in _chunks(drafts_of(upload, at=upload.received_at), _TRIED_AT_ONCE):
            known = known_orders(upload.merchant, {draft.order_ref for _row, draft in chunk})
            trial.orders = {**known, **trial.orders}
            rows = [_tried(upload, row, draft, trial) for row, draft in chunk]
            tried += len(rows)
            uploads.store_trial(upload, rows, tried=tried)
    except Refusal as refusal:
        uploads.end_trial(upload, tried=0, trouble=refusal)
    else:
        uploads.end_trial(upload, tried=tried)


def record_rows(upload: "OrderUpload", *, now: Callable[[], datetime], until: float = float("inf")) -> bool:
    """Record the rows that have no verdict yet; whether all have one now. `until` is a time of the monotonic clock."""
    reading = Reading.from_json(upload.reading)
    drafts: Iterator[tuple[Row, Draft]] | None = None
    at_hand: dict[int, Draft] = {}
    while waiting := uploads.waiting_rows(upload, most=_RECORDED_AT_ONCE):
        if time.monotonic() > until:
            return False
        new = [row for row in waiting if row.request is None]
        if new:
            drafts = drafts if drafts is not None else drafts_of(upload, at=upload.received_at)
            wanted = {row.number for row in new}
            for said, draft in drafts:
                if said.number in wanted:
                    at_hand[said.number] = draft
                if said.number >= max(wanted):
                    break
            bodies = [(row, _body_of(at_hand.pop(row.number))) for row in new]
            uploads.give_requests(upload, bodies, door=ROW_DOOR, is_test=reading.is_test)
        for row in waiting:
            _record(row, upload, at=now())
        uploads.note_progress(upload)
    uploads.note_progress(upload)
    uploads.finish_upload(upload, at=now())
    return True


def work_on(upload_id: str, *, until: float) -> bool:
    """Try or record the rows of a file; whether there is nothing left to do. Nobody else works on it meanwhile."""
    upload = uploads.open_upload(upload_id)
    with uploads.working_alone(upload) as is_ours:
        if not is_ours:
            return True
        upload = upload.refreshed()
        if upload.status == "trying":
            try_rows(upload, at=timezone.now())
        elif upload.status == "recording":
            return record_rows(upload, now=timezone.now, until=until)
    return True


def settle_draft(kept: Kept) -> Outcome:
    """Report, refund or amend an order as its row says. Refusals are raised."""
    said = read_json_object(kept.body)
    action, order, refund = str(said.get("action")), said.get("order") or {}, said.get("refund") or {}
    if action == "refused":
        raise refuse(str(refund.get("field")), str(refund.get("detail")), code="status_unknown")
    if action == "report":
        facts = _facts(order, kept)
        sale = record_sale(kept.merchant, facts, at=kept.at)
        _told, reason, verdict = verdict_of_sale(sale)
        status = HTTPStatus.CREATED if sale.is_new else HTTPStatus.OK
        return Outcome(status, {}, verdict, reason=reason, conversion=sale.conversion)
    conversion = _order_of(order, kept)
    if action == "amend":
        return _amend(conversion, order, kept)
    given = read_refund(refund, currency=conversion.currency)
    if given.amount is None and not conversion.amount - conversion.refunded:
        return Outcome(
            HTTPStatus.OK, {}, TEST if conversion.is_test else DUPLICATE, reason="refund_empty", conversion=conversion
        )
    refund, is_new = refund_sale(
        conversion, amount=given.amount, reference=given.reference, reason=given.reason, way="upload", at=kept.at
    )
    is_taken = is_new and not refund.is_told_twice
    verdict = TEST if conversion.is_test else ACCEPTED if is_taken else DUPLICATE
    reason = "refund_told_twice" if refund.is_told_twice else refund.reason
    return Outcome(HTTPStatus.OK, {}, verdict, reason=reason, conversion=conversion)


def _amend(conversion: Any, order: Mapping[str, Any], kept: Kept) -> Outcome:
    """Correct the fields that the row has; what it leaves out stays."""
    known = facts_of(conversion)
    said = {"amount": known.amount.major, **order, "currency": order.get("currency") or conversion.currency}
    facts = read_order(said, is_test=kept.is_test, at=kept.at, oldest=OLDEST_IN_FILES).facts
    names = {"amount", "tax", "shipping", "discount", "coupon", "metadata"} & said.keys()
    changed = {name: getattr(facts, name) for name in names}
    if "metadata" in changed:
        changed["metadata"] = {**known.metadata, **facts.metadata}
    reference = f"upload:{facts.content_hash()[:24]}"
    _revision, is_new = amend_sale(
        conversion, replace(known, **changed), at=kept.at, reason="amended", reference=reference, door=DOOR
    )
    verdict = TEST if conversion.is_test else ACCEPTED if is_new else DUPLICATE
    return Outcome(HTTPStatus.OK, {}, verdict, reason="amended" if is_new else "same_order", conversion=conversion)


def _facts(order: Mapping[str, Any], kept: Kept) -> "OrderFacts":
    facts = read_order(order, is_test=kept.is_test, at=kept.at, oldest=OLDEST_IN_FILES).facts
    facts = replace(facts, source=DOOR)
    return facts if facts.is_dated else replace(facts, occurred_at=kept.received_at)


def _order_of(order: Mapping[str, Any], kept: Kept) -> Any:
    """The known order that a row is about. Raises InputRefused."""
    said = {"currency": kept.merchant.currency, "amount": "0", **{k: v for k, v in order.items() if k in _NAMES}}
    facts = read_order(said, is_test=kept.is_test, at=kept.at, oldest=OLDEST_IN_FILES).facts
    try:
        return open_conversion_by_order(kept.merchant, facts.order_ref, event=facts.event, is_test=facts.is_test)
    except NotVisible:
        raise refuse(
            "order_id", "No order with this number was reported. Report it first.", code="order_unknown"
        ) from None


_NAMES = frozenset({"order_id", "event", "test"})


def _record(row: "OrderUploadRow", upload: "OrderUpload", *, at: datetime) -> None:
    """Settle one row: its sale and its verdict together or neither."""
    assert row.request is not None
    started = time.perf_counter()
    with transaction.atomic():
        request = inbox.lock(row.request)
        if request.reason != "being_read":
            return
        kept = Kept(request, upload.merchant, request.is_test, bytes(request.body), at)
        outcome = handled(kept, settle_draft)
        inbox.close(
            request,
            inbox.Verdict(
                outcome.verdict, int(outcome.status), outcome.reason, outcome.field, outcome.detail, outcome.conversion
            ),
            latency_ms=round((time.perf_counter() - started) * 1000),
        )


def _body_of(draft: Draft) -> bytes:
    return hide_addresses(hide_keys(json.dumps(draft.as_json()).encode()))


def _tried(upload: "OrderUpload", row: Row, draft: Draft, trial: _Trial) -> "OrderUploadRow":
    """A row with what recording it would say."""
    try:
        verdict, reason, detail = _foreseen(draft, row.number, trial)
        name = ""
    except Refusal as refusal:
        verdict, reason, detail, name = REJECTED, refusal.code, refusal.message, refusal.field or ""
    return uploads.make_row(
        upload,
        number=row.number,
        order_ref=draft.order_ref,
        action=draft.action,
        verdict=verdict,
        reason=reason,
        field=name,
        detail=detail,
    )


def _foreseen(draft: Draft, number: int, trial: _Trial) -> tuple[str, str, str]:
    """(verdict, reason, detail). Raises what the reader refuses."""
    if draft.action == "refused":
        raise refuse("status", draft.refund["detail"], code="status_unknown")
    source: dict[str, Any] = dict(draft.order)
    if draft.action != "report":
        source = {"currency": trial.merchant.currency, "amount": "0", **source}
    facts = read_order(source, is_test=False, at=trial.at, oldest=OLDEST_IN_FILES).facts
    key = (facts.order_ref, facts.event, facts.is_test)
    known = trial.orders.get(key)
    counted = TEST if facts.is_test else ACCEPTED
    if draft.action == "report":
        return _foreseen_report(facts, key, known, number, trial, counted)
    if known is None:
        raise refuse("order_id", "No order with this number was reported. Report it first.", code="order_unknown")
    if draft.action == "amend":
        left = known.left_minor - known.amount_minor + facts.amount.minor
        trial.orders[key] = replace(known, amount_minor=facts.amount.minor, left_minor=left)
        return counted, "amended", ""
    given = read_refund(draft.refund, currency=known.currency)
    taken = known.left_minor if given.amount is None else given.amount.minor
    if given.amount is None and not known.left_minor:
        return TEST if facts.is_test else DUPLICATE, "refund_empty", ""
    if taken > known.left_minor:
        raise refuse("amount", "The refund is more than what is left of the order.", code="refund_too_large")
    trial.orders[key] = replace(known, left_minor=known.left_minor - taken)
    return counted, given.reason, ""


def _foreseen_report(
    facts: "OrderFacts", key: OrderKey, known: KnownOrder | None, number: int, trial: _Trial, counted: str
) -> tuple[str, str, str]:
    earlier = trial.lines.get(key)
    if known is None:
        trial.orders[key] = KnownOrder(facts.amount.minor, facts.amount.minor, facts.amount.currency)
        trial.lines[key] = number
        return counted, "", ""
    if (known.amount_minor, known.currency) != (facts.amount.minor, facts.amount.currency):
        where = f" in row {earlier}" if earlier else ""
        raise refuse(
            "amount",
            f"This order came before{where} with another amount. To correct it, say amended in the status column.",
            code="order_conflict",
        )
    if earlier:
        return DUPLICATE, "doubled_in_file", f"Row {earlier} is the same order."
    return TEST if facts.is_test else DUPLICATE, "same_order", ""


def _chunks(rows: Iterator[tuple[Row, Draft]], size: int) -> Iterator[list[tuple[Row, Draft]]]:
    chunk: list[tuple[Row, Draft]] = []
    for one in rows:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


register(ROW_DOOR, settle_draft)

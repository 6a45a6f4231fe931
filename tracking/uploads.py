"""Uploads: a merchant's file of orders, from its bytes to a verdict on every row."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from affiliates.errors import NotVisible
from affiliates.models import Merchant, User
from ledger.errors import Refusal
from ledger.journal import record_event
from tracking.import_words import FIELDS, field_of_heading
from tracking.imports import FileUnreadable, Reading, guess_reading, headings_and_rows, kind_of_file
from tracking.models import InboxRequest, OrderUpload, OrderUploadRow, UploadMapping

_S = OrderUpload.Status

#: A file that nobody went on with is emptied after this long: there are customers' addresses in it.
KEPT_FOR = timedelta(days=7)

#: Fields that one column only may be.
_SINGLE = frozenset(FIELDS) - {"keep"}


class UploadRefused(Refusal):
    """The step does not follow from the upload's state, or its columns are not named as they must be."""

    code = "upload_not_in_state"


def keep_upload(
    request: InboxRequest, *, name: str, content: bytes, by: User | None, at: datetime
) -> tuple[OrderUpload, bool]:
    """Keep a file that came; the same bytes again are the same upload. Returns it and whether it is new.

    Raises FileUnreadable for what is no file of orders at all; a file whose encoding or form does
    not fit is kept, and says so.
    """
    merchant = request.merchant
    if merchant is None:
        raise NotVisible("merchant")
    kind = kind_of_file(content)
    digest = hashlib.sha256(content).hexdigest()
    known = _same_file(merchant, digest)
    if known is not None:
        return known, False
    reading = Reading(time_zone=merchant.time_zone, currency=merchant.currency)
    trouble: Refusal | None = None
    mapping: dict[str, str] = {}
    try:
        reading = guess_reading(content, kind, time_zone=merchant.time_zone, currency=merchant.currency)
        headings, _rows = headings_and_rows(content, kind, reading)
        reading, mapping = _remembered(merchant, headings, reading)
    except FileUnreadable as refusal:
        trouble = refusal
    try:
        with transaction.atomic():
            upload = OrderUpload.objects.create(
                merchant=merchant,
                request=request,
                by=by,
                received_at=at,
                name=name[:200],
                size=len(content),
                sha256=digest,
                kind=kind,
                content=content,
                reading=reading.as_json(),
                mapping=mapping,
                reason=trouble.code if trouble else "",
                detail=trouble.message if trouble else "",
            )
            _tell("upload.received", upload, by=by, at=at, name=upload.name, size=upload.size)
    except IntegrityError:
        known = _same_file(merchant, digest)
        if known is None:
            raise
        return known, False
    return upload, True


def name_columns(upload: OrderUpload, reading: Reading, mapping: Mapping[str, str], *, at: datetime) -> OrderUpload:
    """Say how a file is read and which column is which field, and have its rows tried; remembered for the next file.

    Raises UploadRefused when a needed field has no column or one has two, FileUnreadable when the
    file does not fit the reading.
    """
    chosen = {column: name for column, name in mapping.items() if name in FIELDS}
    headings, rows = headings_and_rows(bytes(upload.content), upload.kind, reading)
    chosen = {column: name for column, name in chosen.items() if column.isdigit() and int(column) < len(headings)}
    _check_columns(chosen)
    count = sum(1 for _row in rows)
    with transaction.atomic():
        moved = OrderUpload.objects.filter(pk=upload.pk, status__in=[_S.MAPPING, _S.TRIED, _S.TRYING]).update(
            status=_S.TRYING,
            reading=reading.as_json(),
            mapping=chosen,
            row_count=count,
            tried=0,
            reason="",
            detail="",
        )
        if not moved:
            raise UploadRefused("This file is being recorded, or was. Nothing was changed.")
        UploadMapping.objects.update_or_create(
            merchant=upload.merchant,
            headings=_headings_hash(headings),
            defaults={"mapping": chosen, "reading": _memory_of(reading), "used_at": at},
        )
    return upload.refreshed()


def make_row(upload: OrderUpload, **said: object) -> OrderUploadRow:
    """A row of a file with what the trial says of it; not stored yet."""
    texts = {name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value for name, value in said.items()}
    for name, longest in (("reason", 40), ("field", 60), ("detail", 2000)):
        texts[name] = str(texts.get(name, ""))[:longest]
    return OrderUploadRow(upload=upload, **texts)


def store_trial(upload: OrderUpload, rows: Sequence[OrderUploadRow], *, tried: int) -> None:
    """Keep what the trial said of some rows."""
    with transaction.atomic():
        OrderUploadRow.objects.bulk_create(rows)
        OrderUpload.objects.filter(pk=upload.pk).update(tried=tried)


def begin_trial(upload: OrderUpload) -> None:
    """Forget an earlier trial."""
    upload.rows.all().delete()


def end_trial(upload: OrderUpload, *, tried: int, trouble: Refusal | None = None) -> None:
    """The trial is over; with `trouble` the file could not be read to its end, and the columns are asked for again."""
    if trouble is not None:
        upload.rows.all().delete()
    OrderUpload.objects.filter(pk=upload.pk, status=_S.TRYING).update(
        status=_S.MAPPING if trouble else _S.TRIED,
        tried=tried,
        row_count=tried,
        reason=trouble.code if trouble else "",
        detail=trouble.message if trouble else "",
    )


def start_recording(upload: OrderUpload, *, by: User | None, at: datetime) -> OrderUpload:
    """Have the rows recorded; pressing twice starts once. Raises UploadRefused before the trial and after a discard."""
    with transaction.atomic():
        moved = OrderUpload.objects.filter(pk=upload.pk, status=_S.TRIED).update(
            status=_S.RECORDING, recording_since=at, recorded=0
        )
        if moved:
            _tell("upload.started", upload, by=by, at=at, rows=upload.row_count)
    fresh = upload.refreshed()
    if not moved and fresh.status not in {_S.RECORDING, _S.DONE}:
        raise UploadRefused("The rows of this file have not been tried yet.")
    return fresh


def give_requests(
    upload: OrderUpload, rows: Sequence[tuple[OrderUploadRow, bytes]], *, door: str, is_test: bool
) -> list[InboxRequest]:
    """Write a request for each row that has none yet: from now on the row has a verdict of its own."""
    with transaction.atomic():
        requests = InboxRequest.objects.bulk_create(
            InboxRequest(
                door=door,
                merchant=upload.merchant,
                whole=upload.request,
                number=row.number,
                received_at=upload.received_at,
                method="ROW",
                path=f"{upload.request.path[:480]}#{row.number}",
                content_type="application/json",
                body=body,
                ip=upload.request.ip,
                is_test=is_test,
                reason="being_read",
            )
            for row, body in rows
        )
        for (row, _body), request in zip(rows, requests, strict=True):
            row.request = request
        OrderUploadRow.objects.bulk_update([row for row, _body in rows], ["request"])
    return requests


def waiting_rows(upload: OrderUpload, *, most: int) -> list[OrderUploadRow]:
    """Rows that have no verdict yet, first one first: those a dead process left behind too."""
    waiting = upload.rows.filter(Q(request=None) | Q(request__reason="being_read"))
    return list(waiting.select_related("request").order_by("number")[:most])


def note_progress(upload: OrderUpload) -> int:
    """Write how many rows have their verdict, and give it."""
    done = upload.rows.filter(request__isnull=False).exclude(request__reason="being_read").count()
    OrderUpload.objects.filter(pk=upload.pk).update(recorded=done)
    return done


def finish_upload(upload: OrderUpload, *, at: datetime) -> None:
    """All rows have their verdict: the file itself is needed no more."""
    with transaction.atomic():
        if OrderUpload.objects.filter(pk=upload.pk, status=_S.RECORDING).update(
            status=_S.DONE, finished_at=at, content=b""
        ):
            _tell("upload.finished", upload, by=None, at=at, rows=upload.row_count)


def discard_upload(upload: OrderUpload, *, by: User | None, at: datetime) -> OrderUpload:
    """Let a file go that was not recorded; it may be sent again. Raises UploadRefused once recording began."""
    with transaction.atomic():
        moved = OrderUpload.objects.filter(pk=upload.pk, status__in=[_S.MAPPING, _S.TRYING, _S.TRIED]).update(
            status=_S.DISCARDED, content=b"", finished_at=at
        )
        if moved:
            _tell("upload.discarded", upload, by=by, at=at)
    fresh = upload.refreshed()
    if fresh.status != _S.DISCARDED:
        raise UploadRefused("The rows of this file are being recorded, or were. Nothing was changed.")
    return fresh


def forget_old_files(*, at: datetime) -> int:
    """Discard the files that nobody went on with; how many."""
    old = OrderUpload.objects.filter(
        status__in=[_S.MAPPING, _S.TRYING, _S.TRIED], received_at__lt=at - KEPT_FOR
    ).select_related("merchant")
    return sum(discard_upload(upload, by=None, at=at).status == _S.DISCARDED for upload in old)


def uploads_at_work() -> list[OrderUpload]:
    """The uploads that a worker has something to do for."""
    at_work = OrderUpload.objects.filter(status__in=[_S.TRYING, _S.RECORDING])
    return list(at_work.select_related("merchant", "request").order_by("received_at"))


def open_upload(upload_id: str) -> OrderUpload:
    """An upload by its key, for a task. Raises OrderUpload.DoesNotExist."""
    upload: OrderUpload = OrderUpload.objects.select_related("merchant", "request").get(pk=upload_id)
    return upload


@contextmanager
def working_alone(upload: OrderUpload) -> Iterator[bool]:
    """Whether nobody else is at work on this upload; until the end, nobody else will be. Death lets go."""
    key = upload.pk.int & (2**62 - 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        [is_ours] = cursor.fetchone()
    try:
        yield bool(is_ours)
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def proposed_mapping(headings: Iterable[str]) -> dict[str, str]:
    """Which column is which field, by what others call it; of two for one field, the first."""
    found: dict[str, str] = {}
    for column, heading in enumerate(headings):
        name = field_of_heading(heading)
        if name and (name == "keep" or name not in found.values()):
            found[str(column)] = name
    return found


def _remembered(merchant: Merchant, headings: Sequence[str], reading: Reading) -> tuple[Reading, dict[str, str]]:
    """What the merchant said of a file with these headings the last time, else what the headings say."""
    known = UploadMapping.objects.filter(merchant=merchant, headings=_headings_hash(headings)).first()
    if known is None:
        return reading, proposed_mapping(headings)
    return Reading.from_json({**reading.as_json(), **known.reading}), dict(known.mapping)


def _memory_of(reading: Reading) -> dict[str, object]:
    """What of a reading holds for the next file too: its bytes are its own."""
    kept = reading.as_json()
    return {name: kept[name] for name in ("decimal", "dates", "time_zone", "currency")}


def _check_columns(mapping: Mapping[str, str]) -> None:
    names = list(mapping.values())
    doubled = sorted({name for name in names if name in _SINGLE and names.count(name) > 1})
    if doubled:
        raise UploadRefused(f"{doubled[0]} is said of two columns.", code="column_doubled", field=doubled[0])
    if "order_id" not in names:
        raise UploadRefused("No column is the order number.", code="column_missing", field="order_id")
    if not {"amount", "new_amount", "status"} & set(names):
        raise UploadRefused("No column is the amount.", code="column_missing", field="amount")


def _same_file(merchant: Merchant, digest: str) -> OrderUpload | None:
    return OrderUpload.objects.filter(merchant=merchant, sha256=digest).exclude(status=_S.DISCARDED).first()


def _headings_hash(headings: Sequence[str]) -> str:
    return hashlib.sha256("\x1f".join(heading.strip().casefold() for heading in headings).encode()).hexdigest()


def _tell(event: str, upload: OrderUpload, *, by: User | None, at: datetime, **data: object) -> None:
    record_event(
        event,
        upload.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[upload.merchant.public_id],
        data=data,
    )

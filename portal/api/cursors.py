"""Lists by cursor: newest first, each page continued from the last id of the one before."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse

from tracking.errors import InputRefused

LARGEST_PAGE = 100
PAGE = 50


def page_of(
    request: HttpRequest,
    rows: QuerySet[Any],
    *,
    limit: int,
    cursor: str,
    show: Callable[[Sequence[Any]], list[dict[str, Any]]],
) -> JsonResponse:
    """One page of a list that is ordered by descending id; `next` is the address of the following one."""
    if cursor:
        rows = rows.filter(pk__lt=_key_in(cursor))
    found = list(rows[: limit + 1])
    shown, more = found[:limit], len(found) > limit
    following = _next(request, shown[-1].pk.bytes) if more else None
    return JsonResponse({"data": show(shown), "next": following}, headers={"Cache-Control": "no-store"})


def slice_of(
    request: HttpRequest, rows: list[Any], *, limit: int, cursor: str, show: Callable[[Any], dict[str, Any]]
) -> JsonResponse:
    """One page of a report that was worked out as a whole; the cursor is a place in it."""
    start = int.from_bytes(_bytes_in(cursor)) if cursor else 0
    following = _next(request, (start + limit).to_bytes(4)) if start + limit < len(rows) else None
    data = [show(row) for row in rows[start : start + limit]]
    return JsonResponse({"data": data, "next": following}, headers={"Cache-Control": "no-store"})


def _next(request: HttpRequest, place: bytes) -> str:
    query = {name: values[-1] for name, values in request.GET.lists() if name != "cursor" and values}
    query["cursor"] = urlsafe_b64encode(place).decode().rstrip("=")
    return f"{request.path}?{urlencode(query)}"


def _key_in(cursor: str) -> UUID:
    place = _bytes_in(cursor)
    if len(place) != 16:
        raise _unreadable()
    return UUID(bytes=place)


def _bytes_in(cursor: str) -> bytes:
    """What a cursor says; the whole address of a next page is taken too."""
    if "cursor=" in cursor:
        cursor = parse_qs(urlsplit(cursor).query).get("cursor", [""])[-1]
    if not 0 < len(cursor) <= 24 or not cursor.isascii():
        raise _unreadable()
    try:
        place = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise _unreadable() from None
    if len(place) not in {4, 16}:
        raise _unreadable()
    return place


def _unreadable() -> InputRefused:
    return InputRefused(
        "cursor is none of ours. Send `next` of the page before, unchanged.", code="cursor_invalid", field="cursor"
    )

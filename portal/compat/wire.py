"""How Dub's clients and we talk: one shop behind one token, exact statuses, one error code for each.

Both official clients refuse a success status, an error code or an enum value that they do not know,
so nothing here is approximate (docs/dub.md).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from affiliates.queries import programs_of
from ledger.errors import Refusal
from portal.intake.keys import key_of_secret, merchant_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Merchant, Program

#: The one code that both clients accept at each status.
_CODES = {
    400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict",
    410: "invite_expired", 422: "unprocessable_entity", 429: "rate_limit_exceeded", 500: "internal_server_error",
}  # fmt: skip
MOST_ROWS = 100
_MOST_PAGES = 1_000
_LARGEST_BODY = 1_000_000
_LARGEST = 10**15
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Authorization",
}


class DubRefused(Exception):
    """An answer that is no success; its status decides the code."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Call:
    """One request: whose, when, and what it says."""

    request: HttpRequest
    at: datetime
    key: "ApiKey"
    merchant: "Merchant"
    program: "Program"
    body: Any
    query: dict[str, str]

    @property
    def is_test(self) -> bool:
        """Whether a test key asks: it sees and makes test orders only."""
        return self.key.is_test

    def text(self, name: str, default: str = "") -> str:
        """A field of the body as text; null is not given. Raises DubRefused."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        if value is None:
            return default
        if not isinstance(value, str):
            raise DubRefused(422, f"{name}: expected a string.")
        return value.strip()

    def whole(self, name: str, default: int | None = None) -> int | None:
        """A field of the body as a whole number; 500.0 is one (Python's client). Raises DubRefused."""
        value = self.body.get(name)
        if value is None:
            return default
        return whole_of(name, value)

    def page(self, size: int = MOST_ROWS) -> tuple[int, int]:
        """(first row, rows) of the page asked for. Raises DubRefused."""
        number, rows = (
            _positive(self.query, "page", 1), _positive(self.query, "pageSize", size)
        )  # fmt: skip
        if rows > MOST_ROWS or number > _MOST_PAGES:
            raise DubRefused(422, f"pageSize is at most {MOST_ROWS} and page at most {_MOST_PAGES}.")
        return (number - 1) * rows, rows


def open_call(request: HttpRequest, program_slug: str) -> Call:
    """Whose call it is and what it says. Raises DubRefused."""
    at = timezone.now()
    key = _caller(request, at=at)
    merchant = merchant_of(key)
    programs = list(programs_of(merchant))
    program = next((one for one in programs if one.slug == program_slug), None) if program_slug else None
    if program is None and not program_slug:
        # One workspace is one program; without a name it is the one that is open, the newest first.
        program = next((one for one in reversed(programs) if one.status == "open"), programs[-1] if programs else None)
    if program is None:
        raise DubRefused(404, "This merchant has no such program.")
    return Call(request, at, key, merchant, program, read_body(request), request.GET.dict())


def read_body(request: HttpRequest) -> Any:
    """The JSON of a request, {} when there is none. Raises DubRefused."""
    raw = request.body if request.method in {"POST", "PATCH", "PUT", "DELETE"} else b""
    if len(raw) > _LARGEST_BODY:
        raise DubRefused(422, "The body is larger than 1 MB.")
    if not raw.strip():
        return {}
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise DubRefused(400, "The body is no JSON.") from None


def answer(payload: Any, status: int = 200) -> HttpResponse:
    """A success, with exactly this status."""
    return JsonResponse(payload, status=status, safe=False, headers={"Cache-Control": "no-store"})


def refuse(trouble: DubRefused) -> HttpResponse:
    """A refusal as the clients read it."""
    status = trouble.status if trouble.status in _CODES else 400
    return JsonResponse(
        {"error": {"code": _CODES[status], "message": trouble.message, "doc_url": "/docs/reasons/"}},
        status=status,
        headers={"Cache-Control": "no-store"},
    )


def refused_of(refusal: Refusal, *, status: int) -> DubRefused:
    """A refusal of the house on this surface; what is not there is 404, what is not allowed 403, else 4xx by kind."""
    known = {
        HTTPStatus.NOT_FOUND: 404,
        HTTPStatus.CONFLICT: 409,
        HTTPStatus.FORBIDDEN: 403,
        HTTPStatus.UNAUTHORIZED: 401,
    }
    return DubRefused(known.get(HTTPStatus(status), 422), f"{refusal.message} ({refusal.code})")


def whole_of(name: str, value: object) -> int:
    """A whole number, however it was written. Raises DubRefused."""
    # What is larger fits no column, and infinity is a number to JSON's readers.
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _LARGEST or value != int(value):
        raise DubRefused(422, f"{name}: expected a whole number.")
    return int(value)


def list_of(value: str | None) -> list[str]:
    """A comma-joined list of the query."""
    return [one for one in (value or "").split(",") if one]


def stamp(moment: datetime | None) -> str | None:
    """An instant as the clients read it."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _caller(request: HttpRequest, *, at: datetime) -> "ApiKey":
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if not token:
        raise DubRefused(401, "Missing Authorization header.")
    if scheme.lower() != "bearer":
        raise DubRefused(401, "Misconfigured authorization header. Send 'Bearer <token>'.")
    try:
        # Clients that insist on dub_ before a token may have it.
        key = key_of_secret(token.strip().removeprefix("dub_"), at=at)
    except Refusal as refusal:
        raise DubRefused(401, f"Invalid API key. {refusal.message}") from refusal
    try:
        merchant_of(key)
    except Refusal as refusal:
        raise DubRefused(403, refusal.message) from refusal
    return key


def _positive(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    if not text:
        return default
    text = text.removesuffix(".0")
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise DubRefused(422, f"{name}: expected a whole number from 1.")
    return int(text[:9])


def _no_constant(text: str) -> float:
    raise ValueError(text)


def with_cors(response: HttpResponse) -> HttpResponse:
    """The response, readable by pages of any origin."""
    for name, value in CORS.items():
        response[name] = value
    return response

"""GET|POST /postback: an order from server to server by parameters, as other networks' senders speak.

The answer is JSON with a real HTTP status; `legacy=200` turns refusals into 200 for senders that
take nothing else. `key` is either a merchant's whole key, or only its public prefix together with
`ts` and `sig` = HMAC-SHA256(signing secret, "ts.click_id.order_id.amount.currency") in hex.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from affiliates.errors import NotVisible
from affiliates.signatures import SignatureRefused, key_of_signature
from portal.api.conversions import give_back, record
from portal.intake.bodies import BodyUnreadable, read_json_object
from portal.intake.door import DUPLICATE, Intake, Outcome, take
from portal.intake.fields import printable, read_name, read_text, refuse
from portal.intake.keys import bearer_key, key_of_secret, merchant_of
from portal.intake.orders import ignored_in, read_order
from portal.reasons import reason_of
from tracking.access import open_conversion_by_order

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey

#: What other networks call the click id.
CLICK_ALIASES = (
    "click_id", "clickid", "transaction_id", "tid", "cid", "cks", "subid", "txid", "r", "irclickid",
)  # fmt: skip

_KNOWN = frozenset(
    {*CLICK_ALIASES, "order_id", "amount", "currency", "event", "coupon", "status", "key", "ts", "sig", "legacy"}
)

#: Other networks' words and numbers for an order that stands, and for one that is taken back.
_STANDS = frozenset({"", "approved", "accepted", "confirmed", "completed", "pending", "paid", "sale", "lead", "1", "2"})
_TAKEN_BACK = {
    "rejected": "cancelled", "declined": "cancelled", "cancelled": "cancelled", "canceled": "cancelled",
    "invalid": "cancelled", "trash": "cancelled", "3": "cancelled", "refunded": "item_returned",
    "reversed": "item_returned", "returned": "item_returned", "chargeback": "chargeback",
}  # fmt: skip

_MOST_PARAMETERS = 100
_UNIX = re.compile(r"[0-9]{1,11}", re.ASCII)


@csrf_exempt
def postback(request: HttpRequest) -> HttpResponse:
    """Record the order, or take one back."""
    return take(request, door="postback", handle=_handle, word=_word)


def _handle(intake: Intake) -> Outcome:
    if intake.row.method not in {"GET", "POST"}:
        intake.headers["Allow"] = "GET, POST"
        raise refuse("method", f"{intake.row.method} does nothing here. Send GET or POST.", code="method_not_allowed")
    values = _parameters(intake)
    click_id = _click_id(values)
    intake.key = _key(intake, values, click_id)
    merchant = merchant_of(intake.key)
    source = {name: values.get(name) or None for name in ("order_id", "amount", "currency", "event", "coupon")}
    source |= {"click_id": click_id or None}
    status = read_text(values, "status", longest=40, example="approved").lower()
    if status in _TAKEN_BACK:
        return _take_back(intake, source, status)
    if status not in _STANDS:
        raise refuse("status", f"status is {printable(status)}. Send approved, pending, rejected or refunded.")
    if source["amount"] is None and read_name(source, "event", longest=40, default="sale") != "sale":
        source["amount"] = "0"
    order = read_order(source, is_test=intake.key.is_test, at=intake.at, default_currency=merchant.currency)
    return record(order, merchant, intake)


def _take_back(intake: Intake, source: Mapping[str, Any], status: str) -> Outcome:
    """Refund the whole of a known order."""
    key = intake.key
    merchant = merchant_of(key) if key else None
    if key is None or merchant is None:
        raise NotVisible("merchant")
    order_ref = read_text(source, "order_id", longest=128, example="1042", is_required=True)
    event = read_name(source, "event", longest=40, default="sale")
    try:
        conversion = open_conversion_by_order(merchant, order_ref, event=event, is_test=key.is_test)
    except NotVisible:
        raise refuse(
            "order_id", "No order with this order_id was reported. Report it first.", code="order_unknown"
        ) from None
    return give_back(intake, conversion, None, _TAKEN_BACK[status], f"postback:{status}")


def _parameters(intake: Intake) -> dict[str, str]:
    """The parameters of the address and of the body, each once. Raises BodyUnreadable, InputRefused."""
    body = intake.readable_body()
    pairs = _pairs(intake.request.META.get("QUERY_STRING", "").encode("latin-1", "replace"), "query")
    if intake.row.method == "POST" and body:
        if "json" in intake.request.META.get("CONTENT_TYPE", ""):
            pairs += [(name, _plain(name, value)) for name, value in read_json_object(body).items()]
        else:
            pairs += _pairs(body, "body")
    values: dict[str, str] = {}
    for name, value in pairs:
        if values.setdefault(name, value) != value:
            shown = printable(name)
            raise refuse(shown, f"{shown} came twice with two values. Send it once.", code="field_doubled")
    return values


def _pairs(text: bytes, field: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise BodyUnreadable(
            f"The {field} is not UTF-8. Encode it as UTF-8.", code="body_not_utf8", field=field
        ) from None
    except ValueError:
        raise BodyUnreadable(
            f"The {field} has more than {_MOST_PARAMETERS} parameters. Send the ones that are documented.", field=field
        ) from None


def _plain(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise refuse(printable(name), f"{printable(name)} is no text. Send every parameter as text.")
    return str(value)


def _click_id(values: Mapping[str, str]) -> str:
    """The click id under whichever of its names. Raises InputRefused when two of them differ."""
    found = {values[name].strip() for name in CLICK_ALIASES if values.get(name, "").strip()}
    if len(found) > 1:
        raise refuse(
            "click_id", "click_id came under several names with different values. Send one.", code="field_doubled"
        )
    return found.pop() if found else ""


def _key(intake: Intake, values: Mapping[str, str], click_id: str) -> "ApiKey":
    """The merchant's key, proved by itself or by a signature. Raises KeyRefused."""
    given = values.get("key", "").strip()
    if not given:
        return bearer_key(intake.request, at=intake.at)
    if not values.get("sig"):
        return key_of_secret(given, at=intake.at)
    signed = (values.get(name, "") for name in ("order_id", "amount", "currency"))
    return key_of_signature(
        "_".join(given.split("_")[:3]),
        values.get("ts", ""),
        click_id,
        *signed,
        signed_at=_signed_at(values.get("ts", "")),
        signature=values["sig"],
        at=intake.at,
    )


def _signed_at(text: str) -> datetime:
    if not _UNIX.fullmatch(text):
        raise SignatureRefused(
            "ts is missing or no number. Send the seconds since 1970 at which you signed.", field="ts"
        )
    return datetime.fromtimestamp(int(text), tz=UTC)


def _word(intake: Intake, outcome: Outcome) -> HttpResponse:
    """The short answer that senders of postbacks read."""
    verdict = str(outcome.payload.get("verdict", "rejected"))
    is_refused = outcome.status >= HTTPStatus.BAD_REQUEST or verdict == "rejected"
    status = (
        "rejected"
        if is_refused
        else "duplicate"
        if verdict == "duplicate" or outcome.verdict == DUPLICATE
        else "accepted"
    )
    code = outcome.reason or None
    answer = {
        "status": status,
        "code": code,
        "conversion_id": outcome.conversion.public_id if outcome.conversion else None,
        "field": outcome.field or (reason_of(code).field if code else "") or None,
        "detail": outcome.detail or (reason_of(code).developer if code else None),
        "ignored": list(ignored_in(_seen(intake), _KNOWN)),
    }
    http = int(outcome.status) if outcome.status >= HTTPStatus.BAD_REQUEST else 400 if is_refused else 200
    if http < HTTPStatus.INTERNAL_SERVER_ERROR and "legacy=200" in intake.request.META.get("QUERY_STRING", "").split(
        "&"
    ):
        http = 200
    return JsonResponse(
        answer,
        status=http,
        headers={**intake.headers, "Request-Id": intake.row.public_id, "Cache-Control": "no-store"},
    )


def _seen(intake: Intake) -> dict[str, str]:
    query = intake.request.META.get("QUERY_STRING", "").encode("latin-1", "replace").decode("utf-8", "replace")
    return dict(parse_qsl(query[:4_000], keep_blank_values=True))

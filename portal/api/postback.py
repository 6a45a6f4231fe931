"""GET|POST /postback: an order from server to server by parameters, as other networks' senders speak.

The answer is JSON with a real HTTP status; `legacy=200` turns refusals into 200 for senders that
take nothing else. `key` is either a merchant's whole key, or only its public prefix together with
`ts` and `sig` = HMAC-SHA256(signing secret, "ts.click_id.order_id.amount.currency") in hex.
The names of the parameters stand in tracking/dialects.py.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.views.decorators.csrf import csrf_exempt

from affiliates.errors import NotVisible
from affiliates.signatures import SignatureRefused, key_of_signature
from payouts.sales import record_sale
from portal.api.conversions import give_back, record
from portal.api.sets import outcome_of
from portal.intake.bodies import BodyUnreadable, read_json_object
from portal.intake.door import DUPLICATE, Intake, Outcome, take
from portal.intake.fields import NumberText, printable, read_money, read_name, read_text, refuse
from portal.intake.keys import bearer_key, key_of_secret, merchant_of
from portal.intake.orders import read_order
from portal.intake.postbacks import Postback, read_postback
from portal.intake.referrals import with_referral
from portal.intake.replay import Kept, register
from portal.reasons import reason_of
from tracking.access import open_conversion_by_order
from tracking.dialects import ALIASES, read_dialect
from tracking.macros import unfilled_macro

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey, Merchant

_MOST_PARAMETERS = 100
_UNIX = re.compile(r"[0-9]{1,11}", re.ASCII)


@csrf_exempt
def postback(request: HttpRequest) -> HttpResponse:
    """Record the order, or take one back."""
    return take(request, door="postback", handle=_handle, word=_word)


def _handle(intake: Intake) -> Outcome:
    method = intake.row.method
    if method not in {"GET", "POST"}:
        intake.headers["Allow"] = "GET, POST"
        raise refuse("method", f"{method} does nothing here. Send GET or POST.", code="method_not_allowed")
    query = intake.request.META.get("QUERY_STRING", "").encode("latin-1", "replace")
    body = intake.readable_body() if method == "POST" else b""
    values = parameters_of(query, body, intake.request.META.get("CONTENT_TYPE", ""))
    intake.key = _key(intake, values)
    merchant = merchant_of(intake.key)
    # Whatever is wrong with it, its merchant sees it among its events.
    said = read_postback(values)
    is_test = intake.key.is_test or said.is_test
    if said.takes_back:
        return _take_back(intake, said, merchant, is_test=is_test)
    said = replace(said, source=with_referral(said.source, said.affiliate, merchant, is_test=is_test, at=intake.at))
    order = read_order(said.source, is_test=is_test, at=intake.at, default_currency=merchant.currency)
    facts = replace(order.facts, source="postback")
    return record(replace(order, facts=facts, ignored=said.ignored), merchant, intake)


def _again(kept: Kept) -> Outcome:
    """A kept postback, handled as it would be now. Its key is not kept; the row says whose it is."""
    is_get = kept.row.method == "GET"
    query = kept.body if is_get else kept.query.encode()
    values = parameters_of(query, b"" if is_get else kept.body, kept.row.content_type)
    said = read_postback({name: value for name, value in values.items() if name.lower() not in {"key", "sig", "ts"}})
    is_test = kept.is_test or said.is_test
    if said.takes_back:
        return _take_back(kept, said, kept.merchant, is_test=is_test)
    said = replace(said, source=with_referral(said.source, said.affiliate, kept.merchant, is_test=is_test, at=kept.at))
    order = read_order(said.source, is_test=is_test, at=kept.at, default_currency=kept.merchant.currency)
    facts = order.facts if order.facts.is_dated else replace(order.facts, occurred_at=kept.received_at)
    sale = record_sale(kept.merchant, replace(facts, source="postback"), at=kept.at)
    return outcome_of(sale, kept.merchant, ignored=said.ignored)


register("postback", _again)


def _take_back(intake: Intake | Kept, said: Postback, merchant: "Merchant", *, is_test: bool) -> Outcome:
    """Refund a known order: all of it, or `refund_amount` of it."""
    source, fields = said.source, said.reading.fields
    order_ref = read_text(source, "order_id", longest=128, example="1042", is_required=True)
    event = read_name(source, "event", longest=40, default="sale")
    try:
        conversion = open_conversion_by_order(merchant, order_ref, event=event, is_test=is_test)
    except NotVisible:
        raise refuse(
            "order_id", "No order with this order_id was reported. Report it first.", code="order_unknown"
        ) from None
    part = fields.get("refund_amount", "")
    amount = read_money({"refund_amount": part}, "refund_amount", conversion.currency) if part else None
    reference = read_text(fields, "reference", longest=100, example="rf-1") or (
        f"{said.status}:{part}" if part else said.status
    )
    return give_back(intake, conversion, amount, said.takes_back, f"postback:{reference}", said.ignored)


def parameters_of(query: bytes, body: bytes, content_type: str) -> dict[str, str]:
    """The parameters of the address and of the body, each once. Raises BodyUnreadable, InputRefused."""
    pairs = _pairs(query, "query")
    if body:
        if "json" in content_type:
            pairs += [(name, text) for name, value in read_json_object(body).items() for text in _plain(name, value)]
        elif content_type.startswith("multipart/form-data"):
            pairs += _parts(body, content_type)
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


def _parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a form of several parts; files in it are nobody's."""
    about = {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": len(body)}
    try:
        fields, _files = MultiPartParser(about, BytesIO(body), [], "utf-8").parse()
    except (MultiPartParserError, SuspiciousOperation, UnicodeError, ValueError):
        raise BodyUnreadable("The form cannot be read. Send it urlencoded.", field="body") from None
    if len(fields) > _MOST_PARAMETERS:
        raise BodyUnreadable(f"The body has more than {_MOST_PARAMETERS} parameters.", field="body")
    return [(name, value) for name, values in fields.lists() for value in values]


def _plain(name: str, value: object) -> list[str]:
    """A JSON value as the text a query would have; nothing for null."""
    if value is None:
        return []
    if isinstance(value, bool):
        return ["1" if value else "0"]
    if isinstance(value, int) and abs(value) < 10**15 and name.lower() not in ALIASES["amount"]:
        return [str(value)]
    if not isinstance(value, str) or isinstance(value, NumberText):
        raise refuse(printable(name), f"{printable(name)} is no text. Send every parameter as text.")
    return [value]


def _key(intake: Intake, values: Mapping[str, str]) -> "ApiKey":
    """The merchant's key, proved by itself or by a signature. Raises KeyRefused, InputRefused."""
    given = values.get("key", "").strip()
    macro = unfilled_macro(given)
    if macro:
        raise refuse("key", f"key is {printable(macro)}: nobody filled this macro in.", code="macro_not_filled")
    if not given:
        return bearer_key(intake.request, at=intake.at)
    if not values.get("sig"):
        return key_of_secret(given, at=intake.at)
    fields = read_dialect(values).fields
    signed = (fields.get(name, "") for name in ("order_id", "amount", "currency"))
    return key_of_signature(
        "_".join(given.split("_")[:3]),
        values.get("ts", ""),
        fields.get("click_id", "").strip(),
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
    answer: dict[str, Any] = {
        "status": status,
        "code": code,
        "conversion_id": outcome.conversion.public_id if outcome.conversion else None,
        "field": outcome.field or (reason_of(code).field if code else "") or None,
        "detail": outcome.detail or (reason_of(code).developer if code else None),
        "ignored": list(outcome.payload.get("ignored", ())),
    }
    http = int(outcome.status) if outcome.status >= HTTPStatus.BAD_REQUEST else 400 if is_refused else 200
    if http < HTTPStatus.INTERNAL_SERVER_ERROR and _takes_only_200(intake):
        http = 200
    return JsonResponse(
        answer,
        status=http,
        headers={**intake.headers, "Request-Id": intake.row.public_id, "Cache-Control": "no-store"},
    )


def _takes_only_200(intake: Intake) -> bool:
    """Whether the sender asked, in its address or its form, for 200 whatever became of it."""
    texts = [intake.request.META.get("QUERY_STRING", "")]
    kind = intake.request.META.get("CONTENT_TYPE", "")
    if kind.startswith("multipart/form-data"):
        return b'name="legacy"\r\n\r\n200\r\n' in intake.body or "legacy=200" in texts[0].split("&")
    if "json" not in kind:
        texts.append(intake.body[:4_000].decode("latin-1"))
    return any("legacy=200" in text.split("&") for text in texts)

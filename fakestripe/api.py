"""How one request to the interface is answered: who asks, may they, did they before, do it."""

import json
import time
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import fakestripe.accounts
import fakestripe.accounts_v2
import fakestripe.balances
import fakestripe.endpoints
import fakestripe.events
import fakestripe.payouts
import fakestripe.transfers  # noqa: F401  (each registers its routes)
from fakestripe import API_VERSION, routes
from fakestripe.errors import (
    ApiError,
    Invalid,
    broken,
    key_in_use,
    lock_timeout,
    rate_limited,
    unauthorized,
    unknown_address,
)
from fakestripe.faults import Fault
from fakestripe.forms import clean, parse_form
from fakestripe.idempotency import hold_key, keep_answer, prune
from fakestripe.ids import new_id
from fakestripe.standin import Call, Standin
from fakestripe.store import PLATFORM

#: What may happen to an answer on its way out.
SENT, LOST, CUT = "sent", "lost", "cut"


@dataclass(slots=True)
class Answer:
    """What goes back over the wire, and whether it arrives."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)
    fate: str = SENT


def answer(standin: Standin, method: str, target: str, headers: Any, payload: bytes, *, address: str) -> Answer:
    """Answer one request to /v1/ or /v2/. `address` is where the stand-in was reached."""
    request_id = new_id("req", 14)
    split = urlsplit(target)
    call = Call(method, split.path, {}, request_id, headers.get("Idempotency-Key", ""), address=address)
    note: dict[str, Any] = {
        "request_id": request_id,
        "method": method,
        "path": split.path,
        "key": call.key,
    }
    try:
        result = _answer(standin, call, headers, split.query, payload, note)
    except ApiError as error:
        result = Answer(error.status, json.dumps(error.body()), error.headers)
    except Exception as error:
        note["bug"] = repr(error)
        result = Answer(500, json.dumps(broken().body()))
    result.headers |= {
        "Request-Id": request_id,
        "Stripe-Version": headers.get("Stripe-Version") or API_VERSION,
    }
    if call.key:
        result.headers["Idempotency-Key"] = call.key
    standin.calls.append(
        note
        | {
            "params": call.params,
            "status": result.status,
            "fate": result.fate,
            "answer": result.body,
        }
    )
    return result


def _answer(standin: Standin, call: Call, headers: Any, query: str, payload: bytes, note: dict[str, Any]) -> Answer:
    _check_key(headers.get("Authorization", ""))
    note["account"] = call.account = headers.get("Stripe-Account") or headers.get("Stripe-Context") or PLATFORM
    fault = standin.script.strike(call.method, call.path, call.key)
    note["fault"] = fault.kind if fault else None
    found = routes.find(call.method, call.path)
    call.params = _read_params(call, query, payload)
    _refuse_early(standin, call, fault, found[0].template if found else "")
    if found is None:
        raise unknown_address(call.method, call.path)
    route, call.parts = found
    if len(call.key) > 255:
        raise Invalid(400, "Idempotency keys must be at most 255 characters long.", param="idempotency_key")
    if call.method == "GET":
        call.key = ""
    with hold_key(standin, call) as stored:
        if fault and fault.kind == "slow" and not fault.is_after():
            time.sleep(fault.options.get("seconds", 1))
        if fault and fault.kind == "fail_before":
            raise broken(fault.options.get("status", 500))
        if fault and fault.kind == "drop" and not fault.is_after():
            return Answer(0, "", fate=LOST)
        if stored is not None:
            note["replayed"] = True
            result = Answer(
                stored[0],
                stored[1],
                {"Idempotent-Replayed": "true", "Original-Request": call.request_id},
            )
        else:
            params = clean(call.params, route.shape)
            result = _execute(standin, replace(call, params=params), call, route, fault)
    return _spoil(result, fault)


def _execute(standin: Standin, call: Call, given: Call, route: routes.Route, fault: Fault | None) -> Answer:
    """Carry the call out and store its answer, in one transaction."""
    kind = fault.kind if fault else ""
    options = fault.options if fault else {}
    is_skipped = kind == "error" or (kind == "stored_500" and not options.get("executed"))
    is_broken = kind == "stored_500" or (kind == "fail_after" and options.get("answer") == "stored_500")
    headers: dict[str, str] = {}
    with standin.store.transaction():
        try:
            if kind == "error":
                raise _scripted(options)
            with standin.store.transaction():
                status, body = 200, {} if is_skipped else route.handler(standin, call)
        except Invalid:
            raise
        except ApiError as error:
            status, body, headers = error.status, error.body(), error.headers
        if is_broken:
            status, body = 500, broken().body()
        if given.method != "GET":
            keep_answer(standin, given, status, body)
            prune(standin)
    standin.wake.set()
    return Answer(status, json.dumps(body), headers)


def _spoil(result: Answer, fault: Fault | None) -> Answer:
    """What a fault does to an answer that is ready."""
    if fault is None:
        return result
    if fault.kind == "slow" and fault.is_after():
        time.sleep(fault.options.get("seconds", 1))
    if fault.kind == "truncate":
        result.fate = CUT
    elif fault.kind == "drop" or (fault.kind == "fail_after" and fault.options.get("answer", "lost") == "lost"):
        result.fate = LOST
    elif fault.kind == "fail_after" and str(fault.options.get("answer")) == "500":
        return Answer(500, json.dumps(broken().body()))
    return result


def _refuse_early(standin: Standin, call: Call, fault: Fault | None, template: str) -> None:
    """What answers before the idempotency layer: rate limits and scripted conflicts."""
    with standin.store.reading():
        is_admitted = standin.limits.admits(f"{call.method} {template}")
    if fault and fault.kind == "rate_limit":
        if fault.options.get("code") == "lock_timeout":
            raise lock_timeout()
        raise rate_limited(retry_after=fault.options.get("retry_after"))
    if fault and fault.kind == "conflict":
        raise key_in_use(call.key)
    if not is_admitted:
        raise rate_limited()


def _check_key(authorization: str) -> None:
    """Only test keys open anything here."""
    given = authorization.removeprefix("Bearer ").strip()
    if not given.startswith("sk_test_") or given == authorization:
        raise unauthorized(given if given != authorization else "")


def _read_params(call: Call, query: str, payload: bytes) -> dict[str, Any]:
    try:
        if call.method in ("GET", "DELETE") or not call.is_v2:
            return parse_form(query if call.method in ("GET", "DELETE") else payload.decode())
        body = json.loads(payload or b"{}")
    except ValueError:
        raise Invalid(400, "The request body cannot be read.") from None
    if not isinstance(body, dict):
        raise Invalid(400, "The request body must be a JSON object.")
    return body


def _scripted(options: dict[str, Any]) -> ApiError:
    status = options.get("status", 400)
    # Stripe answers these before it looks at the key, so they are never stored.
    kind = Invalid if status in (401, 409, 429) else ApiError
    return kind(
        status,
        options.get("message", "A scripted error."),
        code=options.get("code"),
        kind=options.get("type", "invalid_request_error"),
        param=options.get("param"),
    )

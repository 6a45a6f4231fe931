"""Events: snapshots (v1) and thin ones (v2), and who is told of them."""

import json
from fnmatch import fnmatchcase
from typing import Any

from fakestripe import API_VERSION
from fakestripe.clock import rfc3339
from fakestripe.errors import Invalid, missing, missing_v2
from fakestripe.forms import LISTING, boolean, clean, integer, text, texts
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin
from fakestripe.store import PLATFORM

#: Stripe lets events be read for 30 days.
RETENTION = 30 * 24 * 3600

_IS_WAITING = "EXISTS (SELECT 1 FROM deliveries d WHERE d.event = objects.id AND d.state = 'pending')"


def record_event(
    standin: Standin,
    call: Call | None,
    name: str,
    thing: dict[str, Any],
    *,
    account: str = PLATFORM,
    previous: dict[str, Any] | None = None,
) -> None:
    """Keep a v1 event with a snapshot of `thing`, and line up its deliveries."""
    at = standin.clock.stamp()
    data: dict[str, Any] = {"object": thing}
    if previous is not None:
        data["previous_attributes"] = previous
    event: dict[str, Any] = {
        "id": new_id("evt"), "object": "event", "api_version": API_VERSION, "created": at, "data": data,
        "livemode": False, "pending_webhooks": 0, "type": name,
        "request": {"id": call and call.request_id, "idempotency_key": (call and call.key) or None},
    }  # fmt: skip
    if account != PLATFORM:
        event["account"] = account
    standin.store.add("event", event, created=at, account=account, type=name, source=thing.get("id"))
    _line_up(standin, event["id"], name, is_connect=account != PLATFORM)


def record_thin_event(
    standin: Standin,
    call: Call | None,
    name: str,
    related: dict[str, str] | None,
    *,
    data: dict[str, Any] | None = None,
) -> None:
    """Keep a v2 event, which carries no snapshot, and line up its deliveries."""
    at = standin.clock.now()
    event: dict[str, Any] = {
        "id": new_id("evt", 30), "object": "v2.core.event", "type": name, "created": rfc3339(at), "livemode": False,
    }  # fmt: skip
    if call is not None and call.key:
        event["reason"] = {
            "type": "request",
            "request": {"id": call.request_id, "idempotency_key": call.key},
        }
    if related is not None:
        event["related_object"] = related
    if data is not None:
        event["data"] = data
    standin.store.add("thin_event", event, created=int(at), type=name, source=(related or {}).get("id"))
    _line_up(standin, event["id"], name, is_connect=None)


def notification(event: dict[str, Any]) -> dict[str, Any]:
    """What a webhook carries: a v2 event goes without its data, which must be fetched."""
    return {name: value for name, value in event.items() if event["object"] == "event" or name != "data"}


def _line_up(standin: Standin, event_id: str, name: str, *, is_connect: bool | None) -> None:
    """One delivery for every endpoint that listens. `is_connect` None: a v2 event."""
    for scope, body in standin.store.rows("SELECT account, body FROM objects WHERE kind = 'webhook_endpoint'"):
        endpoint = json.loads(body)
        wanted = {None: ("all",), True: ("all", "connect"), False: ("all", "platform")}[is_connect]
        is_named = any(fnmatchcase(name, one.replace("[", "[[]")) for one in endpoint["enabled_events"])
        if endpoint["status"] == "enabled" and scope in wanted and is_named:
            standin.store.run(
                "INSERT INTO deliveries (event, endpoint, due) VALUES (?, ?, 0)",
                event_id,
                endpoint["id"],
            )


def _shown(standin: Standin, event: dict[str, Any]) -> dict[str, Any]:
    waiting = standin.store.rows(
        "SELECT count(DISTINCT endpoint) FROM deliveries WHERE event = ? AND state = 'pending'",
        event["id"],
    )
    return event | {"pending_webhooks": waiting[0][0]}


@route("GET", "/v1/events", LISTING | {"type": text, "types": texts, "delivery_success": boolean})
def list_events(standin: Standin, call: Call) -> dict[str, Any]:
    """Events of the last 30 days, newest first."""
    if "type" in call.params and "types" in call.params:
        raise Invalid(
            400,
            "You may pass only one of these parameters: type, types.",
            code="parameters_exclusive",
        )
    names = call.params.get("types") or ([call.params["type"]] if "type" in call.params else [])
    known = [row[0] for row in standin.store.rows("SELECT DISTINCT type FROM objects WHERE kind = 'event'")]
    types = [one for one in known if any(fnmatchcase(one, name) for name in names)] if names else None
    if names and not types:
        return {"object": "list", "data": [], "has_more": False, "url": "/v1/events"}
    since = standin.clock.stamp() - RETENTION
    created = call.params.get("created", {})
    params = call.params | {"created": created | {"gte": max(created.get("gte", 0), since)}}
    # The platform reads its own events and, as on Stripe, passes Stripe-Account for an account's.
    waiting = {} if "delivery_success" not in call.params else {_IS_WAITING: int(not call.params["delivery_success"])}
    page = standin.store.page("event", params, account=call.account, types=types, url="/v1/events", **waiting)
    page["data"] = [_shown(standin, event) for event in page["data"]]
    return page


@route("GET", "/v1/events/{}", {"expand": texts})
def retrieve_event(standin: Standin, call: Call) -> dict[str, Any]:
    """One event, of the platform or of any connected account."""
    event = standin.store.find("event", call.parts[0])
    if event is None or event["created"] < standin.clock.stamp() - RETENTION:
        raise missing("event", call.parts[0])
    return _shown(standin, event)


_RANGE = {"gt": text, "gte": text, "lt": text, "lte": text}


@route(
    "GET",
    "/v2/core/events",
    {"limit": integer, "object_id": text, "types": texts, "page": text,
     "created": lambda value, name: clean(value, _RANGE, prefix=name)},
)  # fmt: skip
def list_thin_events(standin: Standin, call: Call) -> dict[str, Any]:
    """v2 events of the last 30 days, newest first, in pages."""
    limit = min(max(call.params.get("limit", 20), 1), 100)
    after = int(call.params.get("page") or 2**62)
    rows = standin.store.rows(
        "SELECT seq, body FROM objects WHERE kind = 'thin_event' AND seq < ? AND created >= ? ORDER BY seq DESC",
        after, standin.clock.stamp() - RETENTION,
    )  # fmt: skip
    found = [(seq, event) for seq, body in rows if _is_asked(event := json.loads(body), call.params)]
    query = "".join(f"&{name}={call.params[name]}" for name in ("limit", "object_id") if name in call.params) + "".join(
        f"&types[{n}]={name}" for n, name in enumerate(call.params.get("types", []))
    )
    query += "".join(f"&created[{name}]={value}" for name, value in call.params.get("created", {}).items())
    more = f"/v2/core/events?page={found[limit - 1][0]}{query}" if len(found) > limit else None
    return {
        "data": [event for _, event in found[:limit]],
        "next_page_url": more,
        "previous_page_url": None,
    }


def _is_asked(event: dict[str, Any], params: dict[str, Any]) -> bool:
    when, created = event["created"], params.get("created", {})
    return (
        params.get("object_id") in (None, event.get("related_object", {}).get("id"))
        and (not params.get("types") or event["type"] in params["types"])
        and ("gt" not in created or when > created["gt"])
        and ("gte" not in created or when >= created["gte"])
        and ("lt" not in created or when < created["lt"])
        and ("lte" not in created or when <= created["lte"])
    )


@route("GET", "/v2/core/events/{}")
def retrieve_thin_event(standin: Standin, call: Call) -> dict[str, Any]:
    """One v2 event with its data."""
    event = standin.store.find("thin_event", call.parts[0])
    if event is None:
        raise missing_v2("event", call.parts[0])
    return event

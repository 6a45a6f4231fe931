"""Webhook endpoints: who wants to be told of which events, and their secrets."""

from typing import Any

from fakestripe import API_VERSION
from fakestripe.errors import missing
from fakestripe.forms import LISTING, boolean, merge_metadata, metadata, require, text, texts
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin


def add_endpoint(
    standin: Standin,
    url: str,
    events: list[str],
    *,
    scope: str,
    secret: str | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Register an endpoint. `scope`: platform, connect, or all (v2's thin events too)."""
    at = standin.clock.stamp()
    endpoint = {
        "id": new_id("we"), "object": "webhook_endpoint", "api_version": API_VERSION, "application": None,
        "created": at, "description": None, "enabled_events": events, "livemode": False, "metadata": {},
        "status": "enabled", "url": url,
    } | extra  # fmt: skip
    standin.store.add("webhook_endpoint", endpoint, created=at, account=scope)
    secrets = standin.store.setting("secrets", {})
    secrets[endpoint["id"]] = secret or new_id("whsec", 32)
    standin.store.set("secrets", secrets)
    return endpoint | {"secret": secrets[endpoint["id"]]}


def ensure_endpoint(standin: Standin, url: str, secret: str) -> None:
    """Register the endpoint of the command line once, with whatever secret it has today."""
    with standin.store.transaction():
        for endpoint_id, known in standin.store.rows(
            "SELECT id, json_extract(body, '$.url') FROM objects WHERE kind = 'webhook_endpoint' AND account = 'all'"
        ):
            if known == url:
                standin.store.set("secrets", standin.store.setting("secrets", {}) | {endpoint_id: secret})
                return
        add_endpoint(standin, url, ["*"], scope="all", secret=secret, description="from the command line")


@route(
    "POST",
    "/v1/webhook_endpoints",
    {"api_version": text, "connect": boolean, "description": text, "enabled_events": texts, "expand": texts,
     "metadata": metadata, "url": text},
)  # fmt: skip
def create_endpoint(standin: Standin, call: Call) -> dict[str, Any]:
    """Register an endpoint for the platform's events, or with `connect` its accounts'."""
    require(call.params, "enabled_events", "url")
    scope = "connect" if call.params.get("connect") else "platform"
    return add_endpoint(
        standin, call.params["url"], call.params["enabled_events"], scope=scope,
        description=call.params.get("description"), metadata=call.params.get("metadata") or {},
    )  # fmt: skip


@route("GET", "/v1/webhook_endpoints", {name: LISTING[name] for name in LISTING if name != "created"})
def list_endpoints(standin: Standin, call: Call) -> dict[str, Any]:
    """Endpoints, newest first."""
    return standin.store.page("webhook_endpoint", call.params, account=None, url="/v1/webhook_endpoints")


@route("GET", "/v1/webhook_endpoints/{}", {"expand": texts})
def retrieve_endpoint(standin: Standin, call: Call) -> dict[str, Any]:
    """One endpoint."""
    found = standin.store.find("webhook_endpoint", call.parts[0])
    if found is None:
        raise missing("webhook_endpoint", call.parts[0])
    return found


@route(
    "POST",
    "/v1/webhook_endpoints/{}",
    {
        "description": text,
        "disabled": boolean,
        "enabled_events": texts,
        "expand": texts,
        "metadata": metadata,
        "url": text,
    },
)
def update_endpoint(standin: Standin, call: Call) -> dict[str, Any]:
    """Change an endpoint, switch it off, or on again."""
    endpoint = retrieve_endpoint(standin, call)
    for name in ("description", "enabled_events", "url"):
        if name in call.params:
            endpoint[name] = call.params[name]
    if "metadata" in call.params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], call.params["metadata"])
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    standin.store.save(endpoint)
    return endpoint


@route("DELETE", "/v1/webhook_endpoints/{}")
def delete_endpoint(standin: Standin, call: Call) -> dict[str, Any]:
    """Forget an endpoint and what was still to be delivered to it."""
    endpoint = retrieve_endpoint(standin, call)
    standin.store.run("DELETE FROM objects WHERE id = ?", endpoint["id"])
    standin.store.run("DELETE FROM deliveries WHERE endpoint = ? AND state = 'pending'", endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}

"""Connected accounts by v2: JSON in and out, and nothing shown that was not asked for."""

import json
from collections.abc import Mapping
from typing import Any

from fakestripe.accounts import (
    change_account,
    close_account,
    find_account,
    keep_link,
    open_account,
)
from fakestripe.clock import rfc3339
from fakestripe.errors import Invalid, missing_v2
from fakestripe.forms import boolean, choice, integer, merge_metadata, metadata, text, texts
from fakestripe.routes import route
from fakestripe.standin import Call, Standin

#: What `include` may ask for.
INCLUDABLE = frozenset(
    {"configuration.customer", "configuration.merchant", "configuration.recipient", "defaults",
     "future_requirements", "identity", "requirements"}
)  # fmt: skip


def include(value: Any, name: str) -> list[str]:
    """Fields to show besides the plain ones."""
    asked = texts(value, name)
    for one in asked:
        if one not in INCLUDABLE:
            raise Invalid(400, f"Invalid value for include: {one}", code="invalid_enum_value", param="include")
    return asked


def show(account: dict[str, Any], included: list[str]) -> dict[str, Any]:
    """The account as v2 shows it."""
    configuration = None
    if any(one.startswith("configuration.") for one in included):
        recipient = _recipient(account) if "configuration.recipient" in included else None
        configuration = {"customer": None, "merchant": None, "recipient": recipient}
    return {
        "id": account["id"], "object": "v2.core.account", "applied_configurations": ["recipient"],
        "closed": account["is_closed"], "configuration": configuration, "contact_email": account["email"],
        "contact_phone": None, "created": rfc3339(account["created"]), "dashboard": account["dashboard"],
        "defaults": _defaults(account) if "defaults" in included else None, "display_name": account["name"],
        "future_requirements": {"entries": []} if "future_requirements" in included else None,
        "identity": (
            {"country": account["country"].lower(), "entity_type": account["entity_type"]}
            if "identity" in included else None
        ),
        "livemode": False, "metadata": account["metadata"],
        "requirements": _requirements(account) if "requirements" in included else None,
    }  # fmt: skip


def _recipient(account: dict[str, Any]) -> dict[str, Any]:
    if not account["is_requested"]:
        return {"applied": True, "capabilities": None}
    resolution = {"pending": "no_resolution", "restricted": "provide_info"}.get(account["transfers"], "contact_stripe")
    details = [] if account["transfers"] == "active" else [{"code": account["reason"], "resolution": resolution}]
    capability = {"status": account["transfers"], "status_details": details}
    return {
        "applied": True,
        "capabilities": {"stripe_balance": {"payouts": capability, "stripe_transfers": capability}},
    }


def _defaults(account: dict[str, Any]) -> dict[str, Any]:
    bank = account["bank"]
    return {
        "currency": account["currency"],
        "payout_methods": {bank["currency"]: f"usba_{bank['fingerprint']}"} if bank else {},
        "responsibilities": {
            "fees_collector": account["fees"], "losses_collector": account["losses"],
            "requirements_collector": "stripe",
        },
    }  # fmt: skip


def _requirements(account: dict[str, Any]) -> dict[str, Any]:
    if account["transfers"] not in ("restricted", "pending"):
        return {"entries": [], "summary": {"minimum_deadline": None}}
    reason = "routine_verification" if account["is_submitted"] else "routine_onboarding"
    wanted = ["identity.individual.documents.primary_verification"]
    if not account["is_submitted"]:
        wanted = [
            "default_payout_method",
            *wanted,
            "identity.attestations.terms_of_service.account",
        ]
    entries = [
        {
            "awaiting_action_from": "stripe" if account["transfers"] == "pending" else "user", "description": one,
            "errors": [], "impact": {"restricts_capabilities": [{
                "capability": "stripe_balance.stripe_transfers", "configuration": "recipient",
                "deadline": {"status": "past_due"},
            }]}, "minimum_deadline": {"status": "past_due"}, "requested_reasons": [{"code": reason}],
        }
        for one in wanted
    ]  # fmt: skip
    return {
        "entries": entries,
        "summary": {"minimum_deadline": {"status": "past_due", "time": None}},
    }


_COLLECTOR = choice("application", "application_custom", "application_express", "stripe")
_CREATE = {
    "configuration": {
        "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": boolean}}}}
    },
    "contact_email": text, "contact_phone": text, "dashboard": choice("express", "full", "none"),
    "defaults": {
        "currency": text, "locales": texts, "profile": {"business_url": text, "doing_business_as": text, "product_description": text},
        "responsibilities": {"fees_collector": _COLLECTOR, "losses_collector": choice("application", "stripe")},
    },
    "display_name": text, "identity": {"country": text, "entity_type": choice("company", "government_entity", "individual", "non_profit")},
    "include": include, "metadata": metadata,
}  # fmt: skip


@route("POST", "/v2/core/accounts", _CREATE)
def create_account(standin: Standin, call: Call) -> dict[str, Any]:
    """Open a connected account by v2."""
    given = call.params
    recipient = given.get("configuration", {}).get("recipient")
    identity = given.get("identity", {})
    _need(given, "contact_email")
    _need(identity, "country", prefix="identity.")
    sharing = given.get("defaults", {}).get("responsibilities", {})
    account = open_account(
        standin, call, email=given["contact_email"], name=given.get("display_name"), country=identity["country"],
        entity_type=identity.get("entity_type"), dashboard=given.get("dashboard", "none"),
        metadata=given.get("metadata") or {}, fees=sharing.get("fees_collector", "stripe"),
        losses=sharing.get("losses_collector", "stripe"), agreement="recipient",
        is_requested=_is_requested(recipient),
    )  # fmt: skip
    return show(account, given.get("include", []))


def _is_requested(recipient: Mapping[str, Any] | None) -> bool:
    capabilities = (recipient or {}).get("capabilities", {})
    return bool(capabilities.get("stripe_balance", {}).get("stripe_transfers", {}).get("requested"))


def _need(given: Mapping[str, Any], name: str, *, prefix: str = "") -> None:
    if not given.get(name):
        raise Invalid(
            400,
            f"Missing required field: {prefix}{name}.",
            code="missing_field",
            param=f"{prefix}{name}",
        )


@route(
    "GET",
    "/v2/core/accounts",
    {"applied_configurations": texts, "closed": boolean, "limit": integer, "page": text},
)
def list_accounts(standin: Standin, call: Call) -> dict[str, Any]:
    """Accounts, newest first, in pages; closed ones only when asked for."""
    limit = min(max(call.params.get("limit", 20), 1), 100)
    is_closed = int(call.params.get("closed", False))
    rows = standin.store.rows(
        "SELECT seq, body FROM objects WHERE kind = 'account' AND seq < ? AND json_extract(body, '$.is_closed') = ? "
        "ORDER BY seq DESC LIMIT ?",
        int(call.params.get("page") or 2**62), is_closed, limit + 1,
    )  # fmt: skip
    more = None
    if len(rows) > limit:
        more = f"/v2/core/accounts?page={rows[limit - 1][0]}&limit={limit}&closed={str(bool(is_closed)).lower()}"
    return {
        "data": [show(json.loads(body), []) for _, body in rows[:limit]],
        "next_page_url": more,
        "previous_page_url": None,
    }


@route("GET", "/v2/core/accounts/{}", {"include": include})
def retrieve_account(standin: Standin, call: Call) -> dict[str, Any]:
    """One account, with what `include` names."""
    return show(_account(standin, call), call.params.get("include", []))


@route(
    "POST",
    "/v2/core/accounts/{}",
    {name: _CREATE[name] for name in ("contact_email", "display_name", "metadata", "include", "identity")},
)
def update_account(standin: Standin, call: Call) -> dict[str, Any]:
    """Change an account's plain fields."""
    account = _account(standin, call)
    changes: dict[str, Any] = {}
    for name, fact in (("contact_email", "email"), ("display_name", "name")):
        if name in call.params:
            changes[fact] = call.params[name]
    if entity := call.params.get("identity", {}).get("entity_type"):
        changes["entity_type"] = entity
    if "metadata" in call.params:
        changes["metadata"] = merge_metadata(account["metadata"], call.params["metadata"])
    return show(change_account(standin, call, account, **changes), call.params.get("include", []))


@route("POST", "/v2/core/accounts/{}/close", {"applied_configurations": texts})
def close(standin: Standin, call: Call) -> dict[str, Any]:
    """Close an account that holds nothing."""
    return show(close_account(standin, call, _account(standin, call)), [])


_FLOW = {
    "collection_options": {"fields": choice("currently_due", "eventually_due"), "future_requirements": choice("include", "omit")},
    "refresh_url": text, "return_url": text,
}  # fmt: skip


@route(
    "POST",
    "/v2/core/account_links",
    {"account": text, "use_case": {"type": choice("account_onboarding", "account_update"), "account_onboarding": _FLOW, "account_update": _FLOW}},
)  # fmt: skip
def create_link(standin: Standin, call: Call) -> dict[str, Any]:
    """An onboarding link: good once, for 10 minutes."""
    _need(call.params, "account")
    _need(call.params, "use_case")
    use_case = call.params["use_case"]
    _need(use_case, "type", prefix="use_case.")
    _need(use_case, use_case["type"], prefix="use_case.")
    flow = use_case[use_case["type"]]
    _need(flow, "refresh_url", prefix=f"use_case.{use_case['type']}.")
    account = find_account(standin, call.params["account"])
    if account is None:
        raise missing_v2("account", call.params["account"])
    at = standin.clock.now()
    return {
        "object": "v2.core.account_link", "account": account["id"], "created": rfc3339(at),
        "expires_at": rfc3339(at + 600), "livemode": False, "use_case": use_case,
        "url": keep_link(standin, call, account, expires_at=int(at) + 600, urls=flow),
    }  # fmt: skip


def _account(standin: Standin, call: Call) -> dict[str, Any]:
    account = find_account(standin, call.parts[0])
    if account is None:
        raise missing_v2("account", call.parts[0])
    return account

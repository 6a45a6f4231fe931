"""Connected accounts: the facts behind both interfaces, what changes them, and v1's view.

An account is kept once, as facts; v1 and v2 each show it their own way.
"""

from typing import Any

from fakestripe import books
from fakestripe.errors import Invalid, Refused, missing
from fakestripe.events import record_event, record_thin_event
from fakestripe.forms import (
    LISTING,
    boolean,
    choice,
    integer,
    merge_metadata,
    metadata,
    require,
    text,
    texts,
)
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin

#: What keeps the transfers capability from being active, by its status.
REASONS = {
    "pending": "requirements_pending_verification",
    "restricted": "requirements_past_due",
    "rejected": "rejected_fraud",
    "unsupported": "unsupported_country",
}
CURRENCIES = {"US": "usd", "GB": "gbp", "CH": "chf", "CA": "cad", "JP": "jpy", "SE": "sek", "DK": "dkk", "NO": "nok",
              "PL": "pln", "CZ": "czk", "HU": "huf", "RO": "ron", "AU": "aud", "NZ": "nzd", "SG": "sgd",
              "HK": "hkd", "TH": "thb", "MX": "mxn", "BR": "brl", "IN": "inr"}  # fmt: skip


def open_account(standin: Standin, call: Call | None, **facts: Any) -> dict[str, Any]:
    """Keep a new connected account that has still to be onboarded."""
    at = standin.clock.now()
    country = (facts.pop("country", None) or "US").upper()
    account: dict[str, Any] = {
        "id": facts.pop("id", None) or new_id("acct", 16), "created": at, "country": country, "email": None,
        "name": None, "entity_type": None, "dashboard": "express", "fees": "application", "losses": "application",
        "agreement": "full", "is_requested": True, "transfers": "restricted", "reason": REASONS["restricted"],
        "is_submitted": False, "is_closed": False, "metadata": {}, "bank": None,
        "currency": CURRENCIES.get(country, "eur"),
    } | facts  # fmt: skip
    standin.store.add("account", account, created=int(at))
    record_thin_event(standin, call, "v2.core.account.created", related(account))
    return account


def find_account(standin: Standin, account_id: str) -> dict[str, Any] | None:
    """An account's facts, or None."""
    return standin.store.find("account", account_id)


def related(account: dict[str, Any]) -> dict[str, str]:
    """How a thin event points at an account."""
    return {
        "id": account["id"],
        "type": "v2.core.account",
        "url": f"/v2/core/accounts/{account['id']}",
    }


def refuse_destination(account: dict[str, Any]) -> None:
    """Raise Refused when no transfer may go to the account."""
    if account["is_closed"]:
        raise Refused(
            400,
            f"The account {account['id']} has been closed and can no longer receive transfers.",
            code="account_invalid",
            param="destination",
        )
    if account["transfers"] != "active":
        raise Refused(
            400,
            "Your destination account needs to have at least one of the following capabilities enabled: "
            "transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )


def change_account(standin: Standin, call: Call | None, account: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change an account's facts and tell of it in both interfaces' events."""
    was = dict(account)
    if "transfers" in changes:
        changes.setdefault("reason", REASONS.get(changes["transfers"]))
    if changes.get("transfers") == "active" or (changes.get("is_submitted") and not account["bank"]):
        changes.setdefault("is_submitted", True)
        changes.setdefault("bank", account["bank"] or new_bank(account))
    account |= changes
    standin.store.save(account)
    if account == was:
        return account
    record_event(standin, call, "account.updated", show(account), account=account["id"], previous={})
    if (was["transfers"], was["reason"]) != (account["transfers"], account["reason"]):
        record_event(
            standin,
            call,
            "capability.updated",
            show_capability(account),
            account=account["id"],
            previous={},
        )
        record_thin_event(
            standin, call, "v2.core.account[configuration.recipient].capability_status_updated", related(account),
            data={"updated_capability": "stripe_balance.stripe_transfers"},
        )  # fmt: skip
        record_thin_event(standin, call, "v2.core.account[requirements].updated", related(account))
    if account["bank"] != was["bank"] and was["bank"]:
        record_event(
            standin,
            call,
            "account.external_account.updated",
            show_bank(account),
            account=account["id"],
            previous={},
        )
        record_thin_event(standin, call, "v2.core.account[defaults].updated", related(account))
    if account["email"] != was["email"]:
        record_thin_event(standin, call, "v2.core.account[identity].updated", related(account))
    if account["is_closed"] and not was["is_closed"]:
        record_thin_event(standin, call, "v2.core.account.closed", related(account))
    return account


def close_account(standin: Standin, call: Call | None, account: dict[str, Any]) -> dict[str, Any]:
    """Close an account that holds nothing. Raises Refused while it does."""
    if any(sum(pair) for pair in books.holdings(standin.store, account["id"], at=standin.clock.stamp()).values()):
        raise Refused(400, f"The account {account['id']} still has a balance.", code="account_has_balance")
    return change_account(standin, call, account, is_closed=True, transfers="rejected", reason="rejected_other")


def new_bank(account: dict[str, Any], last4: str = "6789") -> dict[str, str]:
    """A bank account that payouts go to."""
    return {
        "id": new_id("ba"),
        "last4": last4,
        "fingerprint": new_id("fp", 16)[3:],
        "currency": account["currency"],
    }


# How v1 shows an account.


def show(account: dict[str, Any]) -> dict[str, Any]:
    """The account as v1 shows it."""
    status = {"active": "active", "pending": "pending"}.get(account["transfers"], "inactive")
    is_active = status == "active"
    due = (
        []
        if account["is_submitted"]
        else ["external_account", "individual.verification.document", "tos_acceptance.date"]
    )
    past = (
        ["individual.verification.document"] if account["is_submitted"] and account["transfers"] == "restricted" else []
    )
    reason = None
    if account["transfers"] in ("rejected", "unsupported"):
        reason = {"rejected_fraud": "rejected.fraud"}.get(account["reason"], "rejected.other")
    elif not is_active:
        reason = "requirements.pending_verification" if status == "pending" else "requirements.past_due"
    waiting = ["individual.verification.document"] if status == "pending" else []
    banks = [show_bank(account)] if account["bank"] else []
    return {
        "id": account["id"], "object": "account", "business_type": account["entity_type"],
        "capabilities": {"transfers": status} if account["is_requested"] else {}, "charges_enabled": False,
        "controller": {
            "fees": {"payer": account["fees"]}, "is_controller": True, "losses": {"payments": account["losses"]},
            "requirement_collection": "stripe", "stripe_dashboard": {"type": account["dashboard"]},
            "type": "application",
        },
        "country": account["country"], "created": int(account["created"]), "default_currency": account["currency"],
        "details_submitted": account["is_submitted"], "email": account["email"],
        "external_accounts": {
            "object": "list", "data": banks, "has_more": False,
            "url": f"/v1/accounts/{account['id']}/external_accounts",
        },
        "metadata": account["metadata"], "payouts_enabled": is_active and bool(banks),
        "requirements": {
            "alternatives": [], "current_deadline": None, "currently_due": due + past, "disabled_reason": reason,
            "errors": [], "eventually_due": due + past, "past_due": due + past, "pending_verification": waiting,
        },
        "tos_acceptance": {"date": None, "ip": None, "service_agreement": account["agreement"], "user_agent": None},
        "type": "express" if account["dashboard"] == "express" else "none",
    }  # fmt: skip


def show_bank(account: dict[str, Any]) -> dict[str, Any]:
    """The account's bank account as v1 shows it."""
    bank = account["bank"]
    return {
        "id": bank["id"], "object": "bank_account", "account": account["id"], "account_holder_name": account["name"],
        "account_holder_type": "individual", "account_type": None, "available_payout_methods": ["standard"],
        "bank_name": "STRIPE TEST BANK", "country": account["country"], "currency": bank["currency"],
        "default_for_currency": True, "fingerprint": bank["fingerprint"], "last4": bank["last4"], "metadata": {},
        "routing_number": "110000000", "status": "new",
    }  # fmt: skip


def show_capability(account: dict[str, Any]) -> dict[str, Any]:
    """The transfers capability as v1 shows it."""
    shown = show(account)
    needs = {name: shown["requirements"][name] for name in ("alternatives", "current_deadline", "currently_due",
             "errors", "eventually_due", "past_due", "pending_verification")}  # fmt: skip
    reason = {"active": None, "pending": "pending.review"}.get(
        shown["capabilities"].get("transfers"), "pending.onboarding"
    )
    return {
        "id": "transfers", "object": "capability", "account": account["id"], "requested": account["is_requested"],
        "requested_at": int(account["created"]), "requirements": needs | {"disabled_reason": reason},
        "status": shown["capabilities"].get("transfers", "unrequested"),
    }  # fmt: skip


_CREATE = {
    "business_type": choice("individual", "company", "non_profit", "government_entity"),
    "capabilities": {"transfers": {"requested": boolean}, "card_payments": {"requested": boolean}},
    "controller": {
        "fees": {"payer": choice("account", "application")},
        "losses": {"payments": choice("application", "stripe")},
        "requirement_collection": choice("application", "stripe"),
        "stripe_dashboard": {"type": choice("express", "full", "none")},
    },
    "country": text, "default_currency": text, "email": text, "expand": texts, "metadata": metadata,
    "tos_acceptance": {"service_agreement": choice("full", "recipient"), "date": integer, "ip": text, "user_agent": text},
    "type": choice("express", "custom", "standard"),
    "business_profile": {"name": text, "url": text, "product_description": text, "mcc": text},
}  # fmt: skip


@route("POST", "/v1/accounts", _CREATE)
def create_account(standin: Standin, call: Call) -> dict[str, Any]:
    """Open a connected account by v1."""
    given = call.params
    controller = given.get("controller", {})
    if "type" in given and controller:
        raise Invalid(400, "You may not provide `type` and `controller` together.", param="type")
    fees = controller.get("fees", {}).get("payer", "account")
    losses = controller.get("losses", {}).get("payments", "stripe")
    if losses == "application" and fees != "application":
        raise Invalid(
            400,
            "When `controller[losses][payments]` is `application`, `controller[fees][payer]` must be `application`.",
            param="controller[fees][payer]",
        )
    account = open_account(
        standin, call, email=given.get("email"), country=given.get("country"), entity_type=given.get("business_type"),
        name=given.get("business_profile", {}).get("name"), metadata=given.get("metadata") or {}, fees=fees,
        losses=losses, dashboard=controller.get("stripe_dashboard", {}).get("type", given.get("type", "full")),
        agreement=given.get("tos_acceptance", {}).get("service_agreement", "full"),
        is_requested=bool(given.get("capabilities", {}).get("transfers", {}).get("requested")),
    )  # fmt: skip
    return show(account)


@route("GET", "/v1/accounts", LISTING)
def list_accounts(standin: Standin, call: Call) -> dict[str, Any]:
    """Connected accounts, newest first."""
    page = standin.store.page("account", call.params, url="/v1/accounts")
    return page | {"data": [show(account) for account in page["data"]]}


@route("GET", "/v1/accounts/{}", {"expand": texts})
def retrieve_account(standin: Standin, call: Call) -> dict[str, Any]:
    """One connected account."""
    return show(account_named(standin, call.parts[0]))


@route("GET", "/v1/account", {"expand": texts})
def retrieve_own_account(standin: Standin, call: Call) -> dict[str, Any]:
    """The platform itself, or with Stripe-Account a connected account."""
    if found := find_account(standin, call.account):
        return show(found)
    return {"id": "acct_standinplatform", "object": "account", "charges_enabled": True, "country": "US",
            "default_currency": "usd", "details_submitted": True, "email": "platform@example.com",
            "metadata": {}, "payouts_enabled": True, "type": "standard"}  # fmt: skip


@route(
    "POST",
    "/v1/accounts/{}",
    {name: _CREATE[name] for name in ("email", "metadata", "business_type", "expand", "business_profile")},
)
def update_account(standin: Standin, call: Call) -> dict[str, Any]:
    """Change what a platform may change of an express account."""
    account = account_named(standin, call.parts[0])
    changes: dict[str, Any] = {}
    if "email" in call.params:
        changes["email"] = call.params["email"]
    if "business_type" in call.params:
        changes["entity_type"] = call.params["business_type"]
    if "metadata" in call.params:
        changes["metadata"] = merge_metadata(account["metadata"], call.params["metadata"])
    return show(change_account(standin, call, account, **changes))


def account_named(standin: Standin, account_id: str) -> dict[str, Any]:
    """The account of that id. Raises Refused, 403 as v1 says it."""
    account = find_account(standin, account_id)
    if account is None:
        raise Refused(
            403,
            f"The provided key 'sk_test_***' does not have access to account '{account_id}' (or that account does not "
            "exist). Application access may have been revoked.",
            code="account_invalid",
        )
    return account


_LINK = {
    "account": text, "collect": text, "collection_options": {"fields": text, "future_requirements": text},
    "expand": texts, "refresh_url": text, "return_url": text, "type": choice("account_onboarding", "account_update"),
}  # fmt: skip


@route("POST", "/v1/account_links", _LINK)
def create_link(standin: Standin, call: Call) -> dict[str, Any]:
    """An onboarding link: good once, for 300 seconds."""
    require(call.params, "account", "type", "refresh_url", "return_url")
    account = find_account(standin, call.params["account"])
    if account is None:
        raise missing("account", call.params["account"], status=400, param="account")
    at = standin.clock.stamp()
    url = keep_link(standin, call, account, expires_at=at + 300, urls=call.params)
    return {"object": "account_link", "created": at, "expires_at": at + 300, "url": url}


def keep_link(standin: Standin, call: Call, account: dict[str, Any], *, expires_at: int, urls: dict[str, Any]) -> str:
    """Keep a link to the onboarding page and answer its address."""
    token = new_id("link", 32)
    standin.store.run(
        "INSERT INTO links (token, account, return_url, refresh_url, expires_at) VALUES (?, ?, ?, ?, ?)",
        token, account["id"], urls.get("return_url"), urls.get("refresh_url"), expires_at,
    )  # fmt: skip
    return f"{call.address}/onboarding/{token}"

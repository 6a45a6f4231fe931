"""The control surface under /_control/: everything Stripe would never let anybody do.

Answers JSON. Bodies must be `application/json`, so that no web page can post to it unasked.
"""

import json
from collections.abc import Callable
from typing import Any

from fakestripe import books
from fakestripe.accounts import change_account, find_account, new_bank, open_account, show
from fakestripe.balances import top_up
from fakestripe.clock import parse_moment
from fakestripe.delivery import change_settings, deliver_due, discard, redeliver, settings
from fakestripe.endpoints import add_endpoint
from fakestripe.errors import Invalid, missing, unknown_address
from fakestripe.faults import KINDS
from fakestripe.forms import amount, currency
from fakestripe.payouts import finish_payout, pay_out
from fakestripe.standin import Limits, Standin

Body = dict[str, Any]


def control(standin: Standin, method: str, path: str, content_type: str, payload: bytes) -> Any:
    """Answer one request to the control surface. Raises Invalid and Refused."""
    name, *rest = path.removeprefix("/_control/").rstrip("/").split("/")
    action = _ACTIONS.get((method, name, len(rest)))
    if action is None:
        raise unknown_address(method, path)
    body = {}
    if payload:
        if not content_type.startswith("application/json"):
            raise Invalid(415, "Send application/json.")
        try:
            body = json.loads(payload)
        except ValueError:
            raise Invalid(400, "The body is not JSON.") from None
    return action(standin, body, *rest)


def _read_clock(standin: Standin, body: Body) -> Any:
    return standin.clock.state()


def _set_clock(standin: Standin, body: Body) -> Any:
    _only(body, "now", "advance", "running")
    if "now" in body:
        standin.clock.set(parse_moment(body["now"]), is_running=bool(body.get("running")))
    if "advance" in body:
        standin.clock.advance(float(body["advance"]))
    return standin.clock.state()


def _reset_clock(standin: Standin, body: Body) -> Any:
    standin.clock.reset()
    return standin.clock.state()


def _read_faults(standin: Standin, body: Body) -> Any:
    return {"rules": standin.script.state(), "kinds": KINDS}


def _write_faults(standin: Standin, body: Body | list[Body]) -> Any:
    rules = body if isinstance(body, list) else body.get("rules", [])
    is_added = isinstance(body, dict) and bool(body.get("add"))
    standin.script.write(rules, is_added=is_added)
    return {"rules": standin.script.state()}


def _clear_faults(standin: Standin, body: Body) -> Any:
    standin.script.write([])
    return {"rules": []}


def _set_limits(standin: Standin, body: Body) -> Any:
    _only(body, "total", "endpoint")
    standin.limits = Limits(total=float(body.get("total", 0)), endpoint=float(body.get("endpoint", 0)))
    return {"total": standin.limits.total, "endpoint": standin.limits.endpoint}


def _top_up(standin: Standin, body: Body) -> Any:
    _only(body, "amount", "currency")
    minor, money = amount(body.get("amount"), "amount"), currency(body.get("currency"), "currency")
    with standin.store.transaction():
        return top_up(standin, None, minor, money, {})


def _open_account(standin: Standin, body: Body) -> Any:
    _only(body, "id", "email", "country", "name", "entity_type", "transfers", "metadata", "agreement")
    status = body.pop("transfers", None)
    with standin.store.transaction():
        account = find_account(standin, body["id"]) if "id" in body else None
        account = account or open_account(standin, None, **body)
        if status:
            account = change_account(standin, None, account, transfers=status)
    return show(account)


def _change_account(standin: Standin, body: Body, account_id: str) -> Any:
    _only(body, "transfers", "reason", "closed", "email", "bank", "submitted", "agreement")
    with standin.store.transaction():
        account = find_account(standin, account_id)
        if account is None:
            raise missing("account", account_id)
        changes = {name: body[name] for name in ("transfers", "reason", "email", "agreement") if name in body}
        if changes.get("transfers", "active") not in (
            "active",
            "pending",
            "restricted",
            "rejected",
            "unsupported",
        ):
            raise Invalid(400, "transfers is active, pending, restricted, rejected or unsupported.")
        if "closed" in body:
            changes["is_closed"] = bool(body["closed"])
        if "submitted" in body:
            changes["is_submitted"] = bool(body["submitted"])
        if "bank" in body:
            changes["bank"] = new_bank(account, str(body["bank"]))
        return show(change_account(standin, None, account, **changes))


def _pay_out(standin: Standin, body: Body) -> Any:
    _only(body, "account", "amount", "currency", "outcome", "failure_code")
    with standin.store.transaction():
        money = currency(body.get("currency"), "currency")
        payout = pay_out(standin, None, str(body.get("account")), amount(body.get("amount"), "amount"), money, {})
        if "outcome" in body:
            payout = finish_payout(standin, payout["id"], body["outcome"], body.get("failure_code", "account_closed"))
    return payout


def _finish_payout(standin: Standin, body: Body, payout_id: str) -> Any:
    _only(body, "outcome", "failure_code")
    with standin.store.transaction():
        return finish_payout(standin, payout_id, str(body.get("outcome")), body.get("failure_code", "account_closed"))


def _read_books(standin: Standin, body: Body) -> Any:
    return books.dump(standin.store, at=standin.clock.stamp())


def _read_webhooks(standin: Standin, body: Body) -> Any:
    rows = standin.store.rows("SELECT state, count(*) FROM deliveries GROUP BY state")
    return settings(standin) | {"deliveries": dict(rows)}


def _change_webhooks(standin: Standin, body: Body) -> Any:
    return change_settings(standin, body)


def _flush_webhooks(standin: Standin, body: Body) -> Any:
    return {"delivered": deliver_due(standin, is_forced=True)}


def _redeliver_webhooks(standin: Standin, body: Body) -> Any:
    _only(body, "events")
    return {"delivered": redeliver(standin, list(body.get("events", [])))}


def _discard_webhooks(standin: Standin, body: Body) -> Any:
    return {"discarded": discard(standin)}


def _add_endpoint(standin: Standin, body: Body) -> Any:
    _only(body, "url", "secret", "events", "scope")
    with standin.store.transaction():
        return add_endpoint(
            standin,
            str(body["url"]),
            body.get("events", ["*"]),
            scope=body.get("scope", "all"),
            secret=body.get("secret"),
        )


def _read_calls(standin: Standin, body: Body) -> Any:
    return {"calls": list(standin.calls)}


def _forget_calls(standin: Standin, body: Body) -> Any:
    standin.calls.clear()
    return {"calls": []}


def _reset(standin: Standin, body: Body) -> Any:
    _only(body, "endpoints")
    standin.reset(endpoints=bool(body.get("endpoints")))
    return {"reset": True}


def _only(body: Body, *names: str) -> None:
    """Raise Invalid for a misspelt field."""
    if not isinstance(body, dict) or not set(body) <= set(names):
        raise Invalid(400, f"Known fields: {', '.join(names)}.")


_ACTIONS: dict[tuple[str, str, int], Callable[..., Any]] = {
    ("GET", "clock", 0): _read_clock,
    ("POST", "clock", 0): _set_clock,
    ("DELETE", "clock", 0): _reset_clock,
    ("GET", "faults", 0): _read_faults,
    ("POST", "faults", 0): _write_faults,
    ("DELETE", "faults", 0): _clear_faults,
    ("POST", "rate-limit", 0): _set_limits,
    ("POST", "topups", 0): _top_up,
    ("POST", "accounts", 0): _open_account,
    ("POST", "accounts", 1): _change_account,
    ("POST", "payouts", 0): _pay_out,
    ("POST", "payouts", 1): _finish_payout,
    ("GET", "books", 0): _read_books,
    ("GET", "webhooks", 0): _read_webhooks,
    ("POST", "webhooks", 0): _change_webhooks,
    ("POST", "flush-webhooks", 0): _flush_webhooks,
    ("POST", "redeliver-webhooks", 0): _redeliver_webhooks,
    ("POST", "discard-webhooks", 0): _discard_webhooks,
    ("POST", "endpoints", 0): _add_endpoint,
    ("GET", "calls", 0): _read_calls,
    ("DELETE", "calls", 0): _forget_calls,
    ("POST", "reset", 0): _reset,
}

"""Payouts from a connected account's balance to its bank: mostly for the day they fail."""

from typing import Any

from fakestripe import books
from fakestripe.errors import Invalid, Refused, missing
from fakestripe.events import record_event
from fakestripe.forms import LISTING, amount, choice, currency, metadata, require, text, texts
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin

MESSAGES = {
    "account_closed": "The bank account has been closed.",
    "no_account": "The bank account could not be located.",
    "could_not_process": "The bank could not process this payout.",
}


@route(
    "POST",
    "/v1/payouts",
    {
        "amount": amount, "currency": currency, "description": text, "destination": text, "expand": texts,
        "metadata": metadata, "method": choice("standard", "instant"), "statement_descriptor": text,
    },
)  # fmt: skip
def create_payout(standin: Standin, call: Call) -> dict[str, Any]:
    """Pay a balance out to the bank."""
    require(call.params, "amount", "currency")
    return pay_out(standin, call, call.account, call.params["amount"], call.params["currency"], call.params)


def pay_out(
    standin: Standin, call: Call | None, holder: str, minor: int, money: str, given: dict[str, Any]
) -> dict[str, Any]:
    """Start a payout. Raises Refused when the holder has less available."""
    at = standin.clock.stamp()
    if books.available(standin.store, holder, money, at=at) < minor:
        raise Refused(
            400,
            "You have insufficient funds in your Stripe account for this payout.",
            code="balance_insufficient",
        )
    payout_id = new_id("po")
    txn, _ = books.move(
        standin.store, minor=minor, currency=money, source=holder, target=books.OUTSIDE, at=at, cause=payout_id,
        types=("payout", "payout"), description=given.get("description"),
    )  # fmt: skip
    account = standin.store.find("account", holder)
    payout = {
        "id": payout_id, "object": "payout", "amount": minor, "application_fee": None, "application_fee_amount": None,
        "arrival_date": at + 2 * 24 * 3600, "automatic": False, "balance_transaction": txn, "created": at,
        "currency": money, "description": given.get("description"),
        "destination": account["bank"]["id"] if account and account["bank"] else None,
        "failure_balance_transaction": None, "failure_code": None, "failure_message": None, "livemode": False,
        "metadata": given.get("metadata") or {}, "method": given.get("method", "standard"), "original_payout": None,
        "reconciliation_status": "not_applicable", "reversed_by": None, "source_type": "card",
        "statement_descriptor": given.get("statement_descriptor"), "status": "pending", "type": "bank_account",
    }  # fmt: skip
    standin.store.add("payout", payout, created=at, account=holder)
    record_event(standin, call, "payout.created", payout, account=holder)
    return payout


def finish_payout(
    standin: Standin, payout_id: str, outcome: str, failure_code: str = "account_closed"
) -> dict[str, Any]:
    """Let a pending payout arrive (`paid`) or come back (`failed`)."""
    row = standin.store.one("SELECT account FROM objects WHERE id = ? AND kind = 'payout'", payout_id)
    payout = standin.store.find("payout", payout_id)
    if row is None or payout is None:
        raise missing("payout", payout_id)
    if payout["status"] != "pending" or outcome not in ("paid", "failed"):
        raise Invalid(400, f"The payout is {payout['status']} and cannot become {outcome}.")
    holder: str = row[0]
    payout["status"] = outcome
    if outcome == "failed":
        _, txn = books.move(
            standin.store, minor=payout["amount"], currency=payout["currency"], source=books.OUTSIDE, target=holder,
            at=standin.clock.stamp(), cause=payout_id, types=("payout_failure", "payout_failure"),
        )  # fmt: skip
        payout |= {
            "failure_code": failure_code, "failure_balance_transaction": txn,
            "failure_message": MESSAGES.get(failure_code, "The payout failed."),
        }  # fmt: skip
    standin.store.save(payout)
    record_event(standin, None, f"payout.{outcome}", payout, account=holder, previous={"status": "pending"})
    return payout


@route("GET", "/v1/payouts", LISTING | {"status": text, "destination": text, "arrival_date": text})
def list_payouts(standin: Standin, call: Call) -> dict[str, Any]:
    """Payouts, newest first."""
    status = {"json_extract(body, '$.status')": call.params.get("status")}
    return standin.store.page("payout", call.params, account=call.account, url="/v1/payouts", **status)


@route("GET", "/v1/payouts/{}", {"expand": texts})
def retrieve_payout(standin: Standin, call: Call) -> dict[str, Any]:
    """One payout."""
    found = standin.store.find("payout", call.parts[0], account=call.account)
    if found is None:
        raise missing("payout", call.parts[0])
    return found

"""The balance, what changed it, and top-ups."""

from typing import Any

from fakestripe import books
from fakestripe.errors import missing
from fakestripe.events import record_event
from fakestripe.forms import LISTING, amount, currency, metadata, require, text, texts
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin
from fakestripe.store import PLATFORM


def balance_of(standin: Standin, holder: str) -> dict[str, Any]:
    """A holder's balance as Stripe shows it."""
    pairs = books.holdings(standin.store, holder, at=standin.clock.stamp())
    sides: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for money, pair in pairs.items():
        for side, minor in zip(sides, pair, strict=True):
            side.append({"amount": minor, "currency": money, "source_types": {"card": minor}})
    nothing = {"amount": 0, "currency": "usd", "source_types": {"card": 0}}
    return {
        "object": "balance",
        "available": sides[0] or [nothing],
        "livemode": False,
        "pending": sides[1] or [nothing],
    }


@route("GET", "/v1/balance", {"expand": texts})
def retrieve_balance(standin: Standin, call: Call) -> dict[str, Any]:
    """The platform's balance, or with Stripe-Account a connected account's."""
    return balance_of(standin, call.account)


@route(
    "GET",
    "/v1/balance_transactions",
    LISTING | {"currency": currency, "source": text, "type": text, "payout": text},
)
def list_balance_transactions(standin: Standin, call: Call) -> dict[str, Any]:
    """Everything that changed the balance, newest first."""
    types = [call.params["type"]] if "type" in call.params else None
    page = standin.store.page(
        "balance_transaction", call.params, account=call.account, types=types, url="/v1/balance_transactions",
        source=call.params.get("source") or call.params.get("payout"),
        **{"json_extract(body, '$.currency')": call.params.get("currency")},
    )  # fmt: skip
    page["data"] = [_ripened(standin, one) for one in page["data"]]
    return page


@route("GET", "/v1/balance_transactions/{}", {"expand": texts})
def retrieve_balance_transaction(standin: Standin, call: Call) -> dict[str, Any]:
    """One change of the balance."""
    found = standin.store.find("balance_transaction", call.parts[0], account=call.account)
    if found is None:
        raise missing("balance_transaction", call.parts[0])
    return _ripened(standin, found)


def _ripened(standin: Standin, transaction: dict[str, Any]) -> dict[str, Any]:
    is_available = transaction["available_on"] <= standin.clock.stamp()
    return transaction | {"status": "available" if is_available else "pending"}


@route(
    "POST",
    "/v1/topups",
    {
        "amount": amount, "currency": currency, "description": text, "expand": texts, "metadata": metadata,
        "source": text, "statement_descriptor": text, "transfer_group": text,
    },
)  # fmt: skip
def create_topup(standin: Standin, call: Call) -> dict[str, Any]:
    """Add money to the platform's balance; it is available at once."""
    require(call.params, "amount", "currency")
    return top_up(standin, call, call.params["amount"], call.params["currency"], call.params)


def top_up(standin: Standin, call: Call | None, minor: int, money: str, given: dict[str, Any]) -> dict[str, Any]:
    """Put money from outside into the platform's balance."""
    at, topup_id = standin.clock.stamp(), new_id("tu")
    _, txn = books.move(
        standin.store, minor=minor, currency=money, source=books.OUTSIDE, target=PLATFORM, at=at, cause=topup_id,
        types=("topup", "topup"), description=given.get("description"),
    )  # fmt: skip
    topup = {
        "id": topup_id, "object": "topup", "amount": minor, "balance_transaction": txn, "created": at,
        "currency": money, "description": given.get("description"), "expected_availability_date": at,
        "failure_code": None, "failure_message": None, "livemode": False, "metadata": given.get("metadata") or {},
        "source": None, "statement_descriptor": given.get("statement_descriptor"), "status": "succeeded",
        "transfer_group": given.get("transfer_group"),
    }  # fmt: skip
    standin.store.add("topup", topup, created=at)
    record_event(standin, call, "topup.created", topup | {"status": "pending", "balance_transaction": None})
    record_event(standin, call, "topup.succeeded", topup)
    record_event(standin, call, "balance.available", balance_of(standin, PLATFORM))
    return topup


@route("GET", "/v1/topups", LISTING | {"status": text})
def list_topups(standin: Standin, call: Call) -> dict[str, Any]:
    """Top-ups, newest first."""
    return standin.store.page("topup", call.params, url="/v1/topups")


@route("GET", "/v1/topups/{}", {"expand": texts})
def retrieve_topup(standin: Standin, call: Call) -> dict[str, Any]:
    """One top-up."""
    found = standin.store.find("topup", call.parts[0])
    if found is None:
        raise missing("topup", call.parts[0])
    return found

"""Transfers from the platform's balance to connected accounts, and their reversals."""

from typing import Any

from fakestripe import books
from fakestripe.accounts import find_account, refuse_destination
from fakestripe.errors import Refused, missing
from fakestripe.events import record_event
from fakestripe.forms import (
    LISTING,
    THREE_DECIMALS,
    amount,
    boolean,
    choice,
    currency,
    merge_metadata,
    metadata,
    require,
    text,
    texts,
)
from fakestripe.ids import new_id
from fakestripe.routes import route
from fakestripe.standin import Call, Standin
from fakestripe.store import PLATFORM

#: What arrives under the recipient service agreement becomes available a day later.
RECIPIENT_DELAY = 24 * 3600


@route(
    "POST",
    "/v1/transfers",
    {
        "amount": amount, "currency": currency, "description": text, "destination": text, "expand": texts,
        "metadata": metadata, "source_type": choice("bank_account", "card", "fpx"), "transfer_group": text,
    },
)  # fmt: skip
def create_transfer(standin: Standin, call: Call) -> dict[str, Any]:
    """Move money to a connected account, if both sides can."""
    given = call.params
    require(given, "currency", "destination", "amount")
    money, minor = given["currency"], given["amount"]
    if money in THREE_DECIMALS and minor % 10:
        raise Refused(
            400,
            f"Amounts in {money} must be divisible by 10.",
            code="parameter_invalid_integer",
            param="amount",
        )
    account = find_account(standin, given["destination"])
    if account is None:
        raise missing("destination", given["destination"], status=400, param="destination")
    refuse_destination(account)
    at = standin.clock.stamp()
    if books.available(standin.store, PLATFORM, money, at=at) < minor:
        raise Refused(
            400,
            "You have insufficient available funds in your Stripe account. Try adding funds directly to your "
            "available balance by creating Charges using the 4000000000000077 test card. See: "
            "https://docs.stripe.com/testing#available-balance",
            code="balance_insufficient",
        )
    transfer_id, payment_id = new_id("tr"), new_id("py")
    delay = RECIPIENT_DELAY if account["agreement"] == "recipient" else 0
    txn, _ = books.move(
        standin.store, minor=minor, currency=money, source=PLATFORM, target=account["id"], at=at, cause=transfer_id,
        target_cause=payment_id, types=("transfer", "payment"), available_on=at + delay,
        description=given.get("description"),
    )  # fmt: skip
    transfer = {
        "id": transfer_id, "object": "transfer", "amount": minor, "amount_reversed": 0, "balance_transaction": txn,
        "created": at, "currency": money, "description": given.get("description"), "destination": account["id"],
        "destination_payment": payment_id, "livemode": False, "metadata": given.get("metadata") or {},
        "reversals": {"object": "list", "data": [], "has_more": False, "url": f"/v1/transfers/{transfer_id}/reversals"},
        "reversed": False, "source_transaction": None, "source_type": given.get("source_type", "card"),
        "transfer_group": given.get("transfer_group"),
    }  # fmt: skip
    standin.store.add(
        "transfer",
        transfer,
        created=at,
        transfer_group=transfer["transfer_group"],
        destination=account["id"],
    )
    record_event(standin, call, "transfer.created", transfer)
    return transfer


@route("GET", "/v1/transfers", LISTING | {"destination": text, "transfer_group": text})
def list_transfers(standin: Standin, call: Call) -> dict[str, Any]:
    """Transfers, newest first."""
    return standin.store.page(
        "transfer", call.params, url="/v1/transfers",
        destination=call.params.get("destination"), transfer_group=call.params.get("transfer_group"),
    )  # fmt: skip


@route("GET", "/v1/transfers/{}", {"expand": texts})
def retrieve_transfer(standin: Standin, call: Call) -> dict[str, Any]:
    """One transfer."""
    return _transfer(standin, call.parts[0])


@route("POST", "/v1/transfers/{}", {"metadata": metadata, "description": text, "expand": texts})
def update_transfer(standin: Standin, call: Call) -> dict[str, Any]:
    """Change what may be changed: the metadata and the description."""
    transfer = _transfer(standin, call.parts[0])
    previous = {name: transfer[name] for name in ("metadata", "description") if name in call.params}
    if "metadata" in call.params:
        transfer["metadata"] = merge_metadata(transfer["metadata"], call.params["metadata"])
    if "description" in call.params:
        transfer["description"] = call.params["description"]
    standin.store.save(transfer)
    record_event(standin, call, "transfer.updated", transfer, previous=previous)
    return transfer


@route(
    "POST",
    "/v1/transfers/{}/reversals",
    {
        "amount": amount,
        "description": text,
        "expand": texts,
        "metadata": metadata,
        "refund_application_fee": boolean,
    },
)
def create_reversal(standin: Standin, call: Call) -> dict[str, Any]:
    """Bring back a transfer or a part of it, if the account still has it."""
    transfer = _transfer(standin, call.parts[0])
    rest = transfer["amount"] - transfer["amount_reversed"]
    minor = call.params.get("amount", rest)
    if not rest:
        raise Refused(400, f"Transfer {transfer['id']} is already fully reversed.", param="id")
    if minor > rest:
        raise Refused(
            400,
            f"Transfer reversal amount ({minor}) is greater than the unreversed amount of the transfer ({rest}).",
            param="amount",
        )
    at, money, holder = standin.clock.stamp(), transfer["currency"], transfer["destination"]
    if books.held(standin.store, holder, money) < minor:
        raise Refused(
            400,
            "Insufficient funds in the connected account to reverse the transfer.",
            code="balance_insufficient",
        )
    reversal_id, refund_id = new_id("trr"), new_id("pyr")
    _, txn = books.move(
        standin.store, minor=minor, currency=money, source=holder, target=PLATFORM, at=at, cause=refund_id,
        target_cause=reversal_id, types=("payment_refund", "transfer_refund"),
        description=call.params.get("description"),
    )  # fmt: skip
    reversal = {
        "id": reversal_id, "object": "transfer_reversal", "amount": minor, "balance_transaction": txn, "created": at,
        "currency": money, "destination_payment_refund": refund_id, "metadata": call.params.get("metadata") or {},
        "source_refund": None, "transfer": transfer["id"],
    }  # fmt: skip
    standin.store.add("transfer_reversal", reversal, created=at, source=transfer["id"])
    previous = {"amount_reversed": transfer["amount_reversed"], "reversed": transfer["reversed"]}
    transfer["amount_reversed"] += minor
    transfer["reversed"] = transfer["amount_reversed"] == transfer["amount"]
    embedded = transfer["reversals"]
    embedded["data"] = [reversal, *embedded["data"]]
    embedded["has_more"], embedded["data"] = len(embedded["data"]) > 10, embedded["data"][:10]
    standin.store.save(transfer)
    record_event(standin, call, "transfer.reversed", transfer, previous=previous)
    return reversal


@route(
    "GET",
    "/v1/transfers/{}/reversals",
    {name: LISTING[name] for name in LISTING if name != "created"},
)
def list_reversals(standin: Standin, call: Call) -> dict[str, Any]:
    """A transfer's reversals, newest first."""
    transfer = _transfer(standin, call.parts[0])
    return standin.store.page("transfer_reversal", call.params, url=transfer["reversals"]["url"], source=transfer["id"])


@route("GET", "/v1/transfers/{}/reversals/{}", {"expand": texts})
def retrieve_reversal(standin: Standin, call: Call) -> dict[str, Any]:
    """One reversal of a transfer."""
    reversal = standin.store.find("transfer_reversal", call.parts[1])
    if reversal is None or reversal["transfer"] != call.parts[0]:
        raise missing("transfer_reversal", call.parts[1])
    return reversal


def _transfer(standin: Standin, transfer_id: str) -> dict[str, Any]:
    transfer = standin.store.find("transfer", transfer_id)
    if transfer is None:
        raise missing("transfer", transfer_id, param="transfer")
    return transfer

"""Every request the client sends is one Stripe knows, every answer one the client knows."""

import json

import pytest
from stripe import params as v1
from stripe._api_version import _ApiVersion
from stripe.params.v2 import core as v2

from fakestripe import API_VERSION, routes
from tests.fakestripe.shapes import answer_misfits, misfits
from tests.fakestripe.talk import Talk

PARAMS = {
    "POST /v1/transfers": v1.TransferCreateParams,
    "GET /v1/transfers": v1.TransferListParams,
    "POST /v1/transfers/{}": v1.TransferUpdateParams,
    "POST /v1/transfers/{}/reversals": v1.TransferReversalCreateParams,
    "GET /v1/transfers/{}/reversals": v1.TransferReversalListParams,
    "GET /v1/balance_transactions": v1.BalanceTransactionListParams,
    "POST /v1/topups": v1.TopupCreateParams,
    "GET /v1/topups": v1.TopupListParams,
    "POST /v1/payouts": v1.PayoutCreateParams,
    "GET /v1/payouts": v1.PayoutListParams,
    "POST /v1/accounts": v1.AccountCreateParams,
    "GET /v1/accounts": v1.AccountListParams,
    "POST /v1/accounts/{}": v1.AccountUpdateParams,
    "POST /v1/account_links": v1.AccountLinkCreateParams,
    "GET /v1/events": v1.EventListParams,
    "POST /v1/webhook_endpoints": v1.WebhookEndpointCreateParams,
    "GET /v1/webhook_endpoints": v1.WebhookEndpointListParams,
    "POST /v1/webhook_endpoints/{}": v1.WebhookEndpointUpdateParams,
    "POST /v2/core/accounts": v2.AccountCreateParams,
    "GET /v2/core/accounts": v2.AccountListParams,
    "GET /v2/core/accounts/{}": v2.AccountRetrieveParams,
    "POST /v2/core/accounts/{}": v2.AccountUpdateParams,
    "POST /v2/core/accounts/{}/close": v2.AccountCloseParams,
    "POST /v2/core/account_links": v2.AccountLinkCreateParams,
    "GET /v2/core/events": v2.EventListParams,
}


def call_misfits(call: dict) -> list[str]:
    """What is wrong with one recorded call: its parameters, and its answer."""
    found = routes.find(call["method"], call["path"])
    assert found is not None, call["path"]
    kind = PARAMS.get(f"{call['method']} {found[0].template}")
    is_v2 = call["path"].startswith("/v2/")
    is_form = not (is_v2 and call["method"] == "POST")
    bad = [] if kind is None else misfits(call["params"], kind, call["path"], is_form=is_form)
    if kind is None:
        bad = [f"{call['path']}: unexpected {name}" for name in call["params"] if name != "expand"]
    return bad + answer_misfits(json.loads(call["answer"]), is_v2=is_v2)


def use_everything(talk: Talk) -> None:
    client = talk.client()
    talk.fund(50_000, "usd")
    recipient = {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
    everything = ["configuration.customer", "configuration.merchant", "configuration.recipient", "defaults",
                  "future_requirements", "identity", "requirements"]  # fmt: skip
    ana = client.v2.core.accounts.create(
        {"contact_email": "ana@example.com", "dashboard": "express", "display_name": "Ana",
         "identity": {"country": "us", "entity_type": "individual"}, "configuration": {"recipient": recipient},
         "defaults": {"responsibilities": {"fees_collector": "application", "losses_collector": "application"}},
         "include": everything, "metadata": {"affiliate": "aff_1"}},
    )  # fmt: skip
    for status in ("active", "pending", "restricted", "rejected", "unsupported", "active"):
        talk.control(
            "POST",
            f"accounts/{ana.id}",
            {"transfers": status, "bank": "4444", "email": f"{status}@example.com"},
        )
        client.v2.core.accounts.retrieve(ana.id, {"include": everything})
        client.v1.accounts.retrieve(ana.id)
    client.v2.core.accounts.update(ana.id, {"display_name": "Ana B.", "metadata": {"affiliate": "aff_2"}})
    client.v2.core.accounts.list({"limit": 1})
    onboarding = {
        "refresh_url": "https://example.com/again",
        "return_url": "https://example.com/back",
    }
    client.v2.core.account_links.create(
        {
            "account": ana.id,
            "use_case": {"type": "account_onboarding", "account_onboarding": onboarding},
        }
    )
    bo = client.v1.accounts.create(
        {"country": "US", "email": "bo@example.com", "capabilities": {"transfers": {"requested": True}},
         "controller": {"fees": {"payer": "application"}, "losses": {"payments": "application"},
                        "requirement_collection": "stripe", "stripe_dashboard": {"type": "express"}},
         "tos_acceptance": {"service_agreement": "recipient"}},
    )  # fmt: skip
    client.v1.accounts.update(bo.id, {"email": "bo2@example.com", "metadata": {"x": "y"}})
    client.v1.accounts.list({"limit": 2})
    client.v1.accounts.retrieve_current()
    client.v1.account_links.create({"account": bo.id, "type": "account_onboarding"} | onboarding)
    transfer = client.v1.transfers.create(
        {
            "amount": 9_000,
            "currency": "usd",
            "destination": ana.id,
            "transfer_group": "pay_1",
            "metadata": {"run": "r"},
        }
    )
    client.v1.transfers.retrieve(transfer.id)
    client.v1.transfers.update(transfer.id, {"metadata": {"run": ""}, "description": "d"})
    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 500})
    client.v1.transfers.reversals.retrieve(transfer.id, reversal.id)
    client.v1.transfers.reversals.list(transfer.id, {"limit": 3})
    client.v1.transfers.list({"transfer_group": "pay_1", "destination": ana.id, "created": {"gte": 1}, "limit": 5})
    topup = client.v1.topups.create({"amount": 100, "currency": "usd", "description": "more"})
    client.v1.topups.retrieve(topup.id)
    client.v1.topups.list()
    client.v1.balance.retrieve()
    txn = client.v1.balance_transactions.list({"currency": "usd", "type": "transfer"}).data[0]
    client.v1.balance_transactions.retrieve(txn.id)
    as_ana = {"stripe_account": ana.id}
    talk.control("DELETE", "clock")
    talk.control("POST", "clock", {"advance": 90_000})
    payout = client.v1.payouts.create({"amount": 1_000, "currency": "usd"}, as_ana)
    talk.control("POST", f"payouts/{payout.id}", {"outcome": "failed", "failure_code": "no_account"})
    client.v1.payouts.retrieve(payout.id, {}, as_ana)
    client.v1.payouts.list({"status": "failed"}, as_ana)
    client.v1.balance.retrieve({}, as_ana)
    endpoint = client.v1.webhook_endpoints.create(
        {"url": "http://127.0.0.1:9/", "enabled_events": ["transfer.created"]}
    )
    client.v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
    client.v1.webhook_endpoints.retrieve(endpoint.id)
    client.v1.webhook_endpoints.list()
    client.v1.webhook_endpoints.delete(endpoint.id)
    client.v2.core.accounts.close(bo.id, {"applied_configurations": ["recipient"]})
    events = list(client.v1.events.list({"limit": 100}).auto_paging_iter())
    events += list(client.v1.events.list({"limit": 100}, as_ana).auto_paging_iter())
    for event in events:
        client.v1.events.retrieve(event.id)
    for event in client.v2.core.events.list({"limit": 100}).auto_paging_iter():
        client.v2.core.events.retrieve(event.id)


def test_every_endpoint_answers_what_the_client_expects(talk):
    use_everything(talk)

    calls = talk.calls()
    used = {routes.find(call["method"], call["path"])[0].template for call in calls}
    assert {call["status"] for call in calls} == {200}
    assert [bad for call in calls for bad in call_misfits(call)] == []
    assert used == {one.template for one in routes.ROUTES}


def test_every_event_is_one_stripe_sends(talk):
    use_everything(talk)

    told = {
        row[0] for row in talk.server.standin.store.rows("SELECT DISTINCT type FROM objects WHERE type IS NOT NULL")
    }
    assert {
        "transfer.created", "transfer.updated", "transfer.reversed", "topup.created", "topup.succeeded",
        "balance.available", "account.updated", "capability.updated", "account.external_account.updated",
        "payout.created", "payout.failed", "v2.core.account.created", "v2.core.account.closed",
        "v2.core.account[configuration.recipient].capability_status_updated",
        "v2.core.account[requirements].updated",
    } <= told  # fmt: skip


def test_the_version_spoken_is_the_clients(talk):
    assert _ApiVersion.CURRENT == API_VERSION


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"amuont": 1, "currency": "usd", "destination": "acct_1"}, "amuont: no such field"),
        ({"amount": "12.50", "currency": "usd", "destination": "acct_1"}, "'12.50' is no int"),
        ({"amount": True, "currency": "usd", "destination": "acct_1"}, "True is no int"),
        ({"amount": 1, "currency": "usd"}, "destination: missing"),
        (
            {"amount": 1, "currency": "usd", "destination": "acct_1", "metadata": {"run": 7}},
            "7 is no str",
        ),
    ],
)
def test_a_request_that_stripe_does_not_know_is_noticed(params, word):
    assert word in "\n".join(misfits(params, v1.TransferCreateParams, "transfers"))


def test_a_deep_misspelling_in_a_json_request_is_noticed():
    recipient = {"capabilities": {"stripe_balance": {"stripe_transfer": {"requested": True}}}}

    found = misfits({"configuration": {"recipient": recipient}}, v2.AccountCreateParams, "accounts")

    assert found == ["accounts.configuration.recipient.capabilities.stripe_balance.stripe_transfer: no such field"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"amuont": 1}, "transfer.amuont: no such field"),
        ({"amount": "1"}, "transfer.amount: '1' is no int"),
        ({"amount": None}, "transfer.amount: None is no int"),
        ({"reversals": {"object": "list", "data": [], "hasmore": False}}, "hasmore: no such field"),
        ({"livemode": 0}, "transfer.livemode: 0 is no bool"),
    ],
)
def test_an_answer_that_the_client_does_not_know_is_noticed(talk, change, word):
    talk.fund()
    _, _, good = talk.api("POST", "/v1/transfers", {"amount": 1, "currency": "eur", "destination": talk.payee()})

    assert answer_misfits(good, is_v2=False) == []
    assert word in "\n".join(answer_misfits(good | change, is_v2=False))


def test_a_deep_misspelling_in_an_answer_is_noticed(talk):
    _, _, account = talk.api("GET", f"/v2/core/accounts/{talk.payee()}?include[0]=configuration.recipient")
    capability = account["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]
    before = answer_misfits(account, is_v2=True)

    capability["status"] = "activ"
    capability["staus"] = "active"

    where = "v2.core.account.configuration.recipient.capabilities.stripe_balance.stripe_transfers"
    found = answer_misfits(account, is_v2=True)
    assert before == []
    assert found[0] == f"{where}.staus: no such field"
    assert found[1].startswith(f"{where}.status: 'activ' is none of")


def test_refusals_have_the_clients_shape(talk):
    answers = [
        talk.api("GET", "/v1/nothing"),
        talk.api("GET", "/v1/transfers/tr_none"),
        talk.api("GET", "/v1/accounts/acct_none"),
        talk.api("GET", "/v2/core/accounts/acct_none"),
        talk.api("POST", "/v1/transfers", {"amount": "x"}),
        talk.api("POST", "/v1/transfers", {"foo": "x"}),
        talk.api("POST", "/v1/transfers", {"amount": "5", "currency": "eur", "destination": "acct_none"}),
        talk.api("POST", "/v1/transfers", {"amount": "5", "currency": "eur", "destination": talk.payee()}),
        talk.api("GET", "/v1/balance", headers={"Authorization": "Bearer sk_live_1"}),
        talk.api("GET", "/v1/balance", headers={"Authorization": ""}),
    ]

    said = [(status, body["error"].get("code"), body["error"].get("param")) for status, _, body in answers]
    assert [bad for *_, body in answers for bad in answer_misfits(body, is_v2=False)] == []
    assert all(headers["request-id"].startswith("req_") for _, headers, _ in answers)
    assert said == [
        (404, None, None),
        (404, "resource_missing", "transfer"),
        (403, "account_invalid", None),
        (404, "not_found", None),
        (400, "parameter_invalid_integer", "amount"),
        (400, "parameter_unknown", "foo"),
        (400, "resource_missing", "destination"),
        (400, "balance_insufficient", None),
        (401, None, None),
        (401, None, None),
    ]

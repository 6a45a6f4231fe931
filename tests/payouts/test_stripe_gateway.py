"""The gateway over real HTTP, through the official client, against the stand-in."""

import json
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured

from fakestripe.delivery import sign
from fakestripe.server import Server
from ledger.money import Money
from payouts.provider import Accepted, Busy, Refused, Transfer, TransferCall, Unsure
from payouts.stripe import Gateway, Rejected, StripeProvider, Unavailable, WebhookRefused, gateway
from payouts.stripe_words import Funds, from_stripe, to_stripe
from tests.fakestripe.talk import Talk
from tests.fakestripe.test_shapes import call_misfits

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SECRET = "whsec_for_tests"


@pytest.fixture(scope="module")
def running() -> Iterator[Talk]:
    with Server() as server:
        yield Talk(server.base_url, server)


@pytest.fixture
def talk(running, settings) -> Talk:
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_API_BASE = running.base
    settings.STRIPE_ACCOUNTS_API = "v2"
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    running.control("POST", "reset", {"endpoints": True})
    return running


@pytest.fixture(params=["v2", "v1"])
def either(request, talk, settings) -> Talk:
    settings.STRIPE_ACCOUNTS_API = request.param
    return talk


@pytest.fixture
def funded(talk) -> Talk:
    talk.fund()
    talk.payee(id="acct_ana")
    return talk


def send(key="po-1", amount=500, group="pay_1", destination="acct_ana", **metadata):
    return gateway().create_transfer(
        Money(amount, "EUR"), destination=destination, key=key, group=group, metadata=metadata
    )


# Transfers.


def test_a_transfer_goes_out_and_is_found_again(funded):
    made = send(run="run_1")

    assert (made.amount, made.reversed_amount) == (Money(500, "EUR"), Money.zero("EUR"))
    assert (made.destination, made.group, made.metadata) == ("acct_ana", "pay_1", {"run": "run_1"})
    assert abs(made.created_at - datetime.now(UTC)) < timedelta(seconds=5)
    assert gateway().retrieve_transfer(made.id) == made
    assert gateway().list_transfers("pay_1") == [made]
    assert gateway().list_transfers("pay_2") == []
    assert gateway().list_transfers_since(LONG_AGO) == [made]
    assert gateway().list_transfers_since(made.created_at + timedelta(seconds=5)) == []
    assert gateway().retrieve_transfer("tr_none") is None


def test_the_same_key_is_the_same_transfer(funded):
    assert send() == send()
    assert funded.books()["transfers"]["count"] == 1


def test_listings_read_every_page(funded):
    for n in range(230):
        funded.api(
            "POST",
            "/v1/transfers",
            {
                "amount": 1,
                "currency": "eur",
                "destination": "acct_ana",
                "transfer_group": f"g{n % 2}",
            },
        )

    assert len(gateway().list_transfers("g0")) == 115
    assert len({one.id for one in gateway().list_transfers_since(LONG_AGO)}) == 230


def test_a_listing_that_breaks_off_is_no_answer(funded):
    for _ in range(101):
        send(key="")
    funded.fault(fault="stored_500", match={"method": "GET", "path": "/v1/transfers"}, nth=2, times=0)

    with pytest.raises(Unavailable):
        gateway().list_transfers("pay_1")


def test_a_transfer_is_taken_back_in_parts(funded):
    made = send()
    first = gateway().reverse_transfer(made.id, Money(200, "EUR"), key="back-1")
    again = gateway().reverse_transfer(made.id, Money(200, "EUR"), key="back-1")
    gateway().reverse_transfer(made.id, Money(300, "EUR"), key="back-2")

    assert (first, first.amount, first.transfer) == (again, Money(200, "EUR"), made.id)
    assert gateway().retrieve_transfer(made.id).reversed_amount == Money(500, "EUR")
    assert funded.books()["balances"]["platform"] == {"eur": 1_000_000}


def test_the_balance_is_told_by_currency(talk):
    talk.fund(1_234, "eur")
    talk.fund(5_000, "jpy")
    talk.fund(150, "isk")

    assert gateway().balance() == {
        "EUR": Funds(Money(1_234, "EUR"), Money.zero("EUR")),
        "ISK": Funds(Money(1, "ISK"), Money.zero("ISK")),
        "JPY": Funds(Money(5_000, "JPY"), Money.zero("JPY")),
    }


@pytest.mark.parametrize(
    ("minor", "currency", "theirs"),
    [
        (1_234, "EUR", 1_234),
        (1_234, "JPY", 1_234),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (1_230, "KWD", 1_230),
        (100, "HUF", 100),
    ],
)
def test_amounts_are_stripes_on_the_wire_and_ours_at_home(minor, currency, theirs):
    assert to_stripe(Money(minor, currency)) == theirs
    assert from_stripe(theirs, currency.lower()) == Money(minor, currency)


def test_an_amount_stripe_cannot_carry_is_refused_before_any_call(talk):
    with pytest.raises(Rejected) as no:
        gateway().create_transfer(Money(1_234, "KWD"), destination="acct_ana", key="k", group="g")

    assert no.value.code == "amount_unsupported"
    assert talk.calls() == []


def test_an_amount_the_ledger_cannot_write_is_no_answer(talk):
    talk.fund(1_000, "isk")
    talk.payee(id="acct_ana")
    made = talk.api("POST", "/v1/transfers", {"amount": 150, "currency": "isk", "destination": "acct_ana"})[2]

    with pytest.raises(Unavailable, match="answer_unreadable"):
        gateway().retrieve_transfer(made["id"])


# The two ways to fail.


@pytest.mark.parametrize(
    ("rule", "code", "status", "is_unsure", "is_busy"),
    [
        ({"fault": "fail_before"}, "api_error", 500, True, False),
        ({"fault": "fail_before", "status": 503}, "api_error", 503, True, False),
        ({"fault": "stored_500"}, "api_error", 500, True, False),
        ({"fault": "fail_after"}, "no_answer", None, True, False),
        ({"fault": "drop"}, "no_answer", None, True, False),
        ({"fault": "truncate"}, "no_answer", None, True, False),
        ({"fault": "409"}, "idempotency_key_in_use", 409, True, True),
        ({"fault": "429"}, "rate_limit", 429, False, True),
        ({"fault": "429", "code": "lock_timeout"}, "lock_timeout", 429, False, True),
        ({"fault": "error", "status": 401, "message": "Invalid API Key provided"}, "not_authorized", 401, False, False),
        ({"fault": "error", "status": 403}, "invalid_request_error", 403, True, False),
        ({"fault": "error", "status": 400, "code": "approval_required"}, "approval_required", 400, True, False),
        ({"fault": "error", "status": 400, "code": "never_heard_of"}, "never_heard_of", 400, True, False),
        ({"fault": "error", "status": 402, "code": "card_declined"}, "card_declined", 402, True, False),
        ({"fault": "error", "status": 500, "code": "balance_insufficient"}, "balance_insufficient", 500, True, False),
    ],
)  # fmt: skip
def test_what_is_not_a_definitive_no_stays_open(funded, rule, code, status, is_unsure, is_busy):
    funded.fault(**rule, match={"path": "/v1/transfers"})

    with pytest.raises(Unavailable) as doubt:
        send()

    said = doubt.value
    assert (said.code, said.status, said.is_unsure, said.is_busy) == (
        code,
        status,
        is_unsure,
        is_busy,
    )
    assert len([call for call in funded.calls() if call["method"] == "POST"]) == 1


def test_a_key_used_for_something_else_is_no_rejection(funded):
    send(amount=500)

    with pytest.raises(Unavailable) as doubt:
        send(amount=501)

    assert (doubt.value.code, doubt.value.is_unsure) == ("idempotency_error", True)


def test_a_timeout_stays_open(funded, monkeypatch):
    funded.fault(fault="slow", seconds=0.4)
    monkeypatch.setattr("payouts.stripe.TIMEOUT", (1, 0.1))
    impatient = Gateway("sk_test_impatient", funded.base)

    with pytest.raises(Unavailable) as doubt:
        impatient.create_transfer(Money(5, "EUR"), destination="acct_ana", key="k", group="g")

    assert (doubt.value.code, doubt.value.is_unsure) == ("no_answer", True)
    time.sleep(0.5)
    assert [one.group for one in gateway().list_transfers("g")] == ["g"]


def test_nobody_there_stays_open():
    with pytest.raises(Unavailable, match="no_answer"):
        Gateway("sk_test_1", "http://127.0.0.1:9").create_transfer(
            Money(5, "EUR"), destination="acct_ana", key="k", group="g"
        )


@pytest.mark.parametrize(
    ("account", "amount", "code"),
    [
        ({}, 2_000_000, "balance_insufficient"),
        ({"transfers": "restricted"}, 500, "insufficient_capabilities_for_transfer"),
        ({"transfers": "rejected"}, 500, "insufficient_capabilities_for_transfer"),
        ({"closed": True}, 500, "account_invalid"),
    ],
)
def test_a_definitive_no_names_its_reason(funded, account, amount, code):
    funded.control("POST", "accounts/acct_ana", account)

    with pytest.raises(Rejected) as no:
        send(amount=amount)

    assert no.value.code == code
    assert funded.books()["transfers"]["count"] == 0


def test_a_missing_destination_is_definitive(funded):
    with pytest.raises(Rejected, match="resource_missing"):
        send(destination="acct_none")


def test_readings_are_repeated_and_payments_are_not(funded):
    funded.fault(fault="fail_before", match={"method": "GET", "path": "/v1/balance"}, times=2)
    funded.fault(fault="fail_before", match={"method": "POST", "path": "/v1/transfers"})

    gateway().balance()
    with pytest.raises(Unavailable):
        send()

    paths = [(call["method"], call["path"]) for call in funded.calls()]
    assert paths == [("GET", "/v1/balance")] * 3 + [("POST", "/v1/transfers")]


# The provider that the sender talks to.


@pytest.fixture
def provider(funded) -> StripeProvider:
    return StripeProvider(gateway(), "net-1", run_of=lambda payout: "run_1", opened_at=lambda run: datetime.now(UTC))


CALL = TransferCall("pay_1", "po-pay_1-1", 500, "EUR", "acct_ana")


def test_the_provider_makes_and_finds_a_runs_transfers(funded, provider):
    funded.api(
        "POST",
        "/v1/transfers",
        {"amount": 1, "currency": "eur", "destination": "acct_ana", "metadata[run]": "run_1"},
    )
    answer = provider.create_transfer(CALL)

    assert isinstance(answer, Accepted)
    assert answer.transfer == Transfer(answer.transfer.id, "pay_1", 500, "EUR", "acct_ana", 0)
    assert provider.create_transfer(CALL) == answer
    assert provider.list_transfers("pay_1") == [answer.transfer]
    assert provider.list_run_transfers("run_1") == [answer.transfer]
    assert provider.list_run_transfers("run_2") == []
    assert provider.retrieve_transfer(answer.transfer.id) == answer.transfer
    assert provider.retrieve_transfer("tr_none") is None
    assert funded.calls()[1]["params"]["metadata"] == {
        "run": "run_1",
        "payout": "pay_1",
        "instance": "net-1",
    }


def test_another_installations_transfer_is_none_of_ours(funded, provider):
    theirs = send(instance="net-2", run="run_1")

    assert provider.retrieve_transfer(theirs.id) is None
    assert provider.list_run_transfers("run_1") == []


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"fault": "429"}, Busy()),
        ({"fault": "429", "code": "lock_timeout"}, Busy()),
        ({"fault": "409"}, Busy()),
        ({"fault": "drop"}, Unsure(key_is_spent=False)),
        ({"fault": "truncate"}, Unsure(key_is_spent=False)),
        ({"fault": "stored_500"}, Unsure(key_is_spent=True)),
        ({"fault": "error", "status": 401}, Unsure(key_is_spent=False)),
        ({"fault": "error", "status": 403}, Unsure(key_is_spent=False)),
        ({"fault": "error", "code": "never_heard_of"}, Refused("never_heard_of")),
        ({"fault": "error", "code": "balance_insufficient"}, Refused("balance_insufficient")),
    ],
)
def test_the_provider_answers_whatever_happens(provider, funded, rule, answer):
    funded.fault(**rule, match={"path": "/v1/transfers"})

    assert provider.create_transfer(CALL) == answer


def test_the_provider_says_when_a_key_was_used_for_something_else(provider, funded):
    provider.create_transfer(CALL)

    assert provider.create_transfer(TransferCall("pay_1", CALL.key, 501, "EUR", "acct_ana")) == Refused(
        "idempotency_error"
    )


# Payees.


def open_payee(**change):
    return gateway().create_payee(email="ana@example.com", country="DE", key="payee-1", **change)


def test_a_payee_from_the_first_link_to_the_first_payment(either):
    ana = open_payee(name="Ana", metadata={"affiliate": "aff_1"})
    new = gateway().payee_status(ana)
    link = gateway().onboarding_link(ana, refresh_url="https://n.example/again", return_url="https://n.example/back")
    either.control("POST", f"accounts/{ana}", {"transfers": "pending", "submitted": True})
    reviewed = gateway().payee_status(ana)
    either.control("POST", f"accounts/{ana}", {"transfers": "active"})
    verified = gateway().payee_status(ana)

    assert link.startswith(f"{either.base}/onboarding/")
    assert (new.status, new.fingerprint) == ("pending", "")
    assert (reviewed.status, reviewed.fingerprint) == ("pending", verified.fingerprint)
    assert (verified.status, verified.reasons, verified.reason) == ("verified", (), "")
    assert len(verified.fingerprint) == 64
    assert new.reasons


def test_opening_a_payee_twice_opens_one(either):
    either.fault(fault="fail_after", match={"method": "POST"})

    assert open_payee() == open_payee()
    assert len(either.api("GET", "/v1/accounts")[2]["data"]) == 1


@pytest.mark.parametrize("change", [{"bank": "4321"}, {"email": "mallory@example.com"}])
def test_the_fingerprint_follows_the_money(either, change):
    ana = open_payee()
    either.control("POST", f"accounts/{ana}", {"transfers": "active"})
    before = gateway().payee_status(ana).fingerprint
    either.control("POST", f"accounts/{ana}", {"transfers": "restricted"})
    restricted = gateway().payee_status(ana)

    either.control("POST", f"accounts/{ana}", change)

    assert (restricted.status, restricted.fingerprint) == ("restricted", before)
    assert gateway().payee_status(ana).fingerprint != before


@pytest.mark.parametrize("status", ["rejected", "unsupported"])
def test_a_payee_who_may_not_receive_is_restricted(either, status):
    ana = open_payee()
    either.control("POST", f"accounts/{ana}", {"transfers": "active"})
    either.control("POST", f"accounts/{ana}", {"transfers": status})

    assert gateway().payee_status(ana).status == "restricted"


def test_a_closed_account_is_restricted(talk):
    ana = open_payee()
    talk.control("POST", f"accounts/{ana}", {"transfers": "active"})
    talk.control("POST", f"accounts/{ana}", {"closed": True})

    standing = gateway().payee_status(ana)
    assert (standing.status, standing.reason) == ("restricted", "account_closed")


def test_a_payee_abroad_comes_under_the_recipient_agreement(talk, settings):
    settings.STRIPE_ACCOUNTS_API = "v1"
    ana = open_payee(is_abroad=True)

    assert talk.api("GET", f"/v1/accounts/{ana}")[2]["tos_acceptance"]["service_agreement"] == "recipient"


def test_an_unknown_account_is_a_definitive_no(either):
    with pytest.raises(Rejected):
        gateway().payee_status("acct_none")


def test_every_request_we_send_and_answer_we_get_fits_the_clients_types(either):
    either.fund()
    ana = open_payee(name="Ana", metadata={"affiliate": "aff_1"})
    gateway().onboarding_link(ana, refresh_url="https://n.example/again", return_url="https://n.example/back")
    either.control("POST", f"accounts/{ana}", {"transfers": "active"})
    gateway().payee_status(ana)
    made = send(destination=ana, run="run_1")
    gateway().reverse_transfer(made.id, Money(1, "EUR"), key="back")
    gateway().retrieve_transfer(made.id)
    gateway().list_transfers("pay_1")
    gateway().list_transfers_since(LONG_AGO)
    gateway().balance()
    gateway().list_events_since(LONG_AGO)

    calls = either.calls()
    assert len(calls) >= 10
    assert [bad for call in calls for bad in call_misfits(call)] == []


# Events.


def test_a_webhook_is_read(talk):
    talk.fund()
    payload = event_payload(talk, "topup.succeeded")

    event = gateway().parse_webhook(payload, sign(payload.decode(), SECRET, at=int(time.time())))

    assert (event.type, event.is_thin, event.is_livemode, event.account) == (
        "topup.succeeded",
        False,
        False,
        "",
    )
    assert event.object_id.startswith("tu_")
    assert event.payload["data"]["object"]["amount"] == 1_000_000


def test_a_thin_webhook_is_read(talk):
    ana = talk.payee()
    row = talk.server.standin.store.one("SELECT body FROM objects WHERE kind = 'thin_event' ORDER BY seq LIMIT 1")
    payload = row[0].encode()

    event = gateway().parse_webhook(payload, sign(payload.decode(), SECRET, at=int(time.time())))

    assert (event.type, event.is_thin, event.object_id) == ("v2.core.account.created", True, ana)
    assert event.created_at.tzinfo is not None


def event_payload(talk, name):
    event = talk.api("GET", f"/v1/events?type={name}")[2]["data"][0]
    return json.dumps(event).encode()


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (0, ""), (295, ""), (-295, ""), (306, "webhook_not_of_now"), (86_400, "webhook_not_of_now"),
        (-306, "webhook_not_of_now"), (-100_000, "webhook_not_of_now"),
    ],
)  # fmt: skip
def test_a_webhook_is_of_now(talk, age, code):
    talk.fund()
    payload = event_payload(talk, "topup.succeeded")
    header = sign(payload.decode(), SECRET, at=int(time.time()) - age)

    if not code:
        gateway().parse_webhook(payload, header)
        return
    with pytest.raises(WebhookRefused) as no:
        gateway().parse_webhook(payload, header)
    assert no.value.code == code


@pytest.mark.parametrize(
    ("payload", "header", "code"),
    [
        (b"{}", "", "webhook_signature_wrong"),
        (b"{}", "t=1,v1=00", "webhook_signature_wrong"),
        (b"{}", "nonsense", "webhook_signature_wrong"),
        (b"{}", "t=x,v1=00", "webhook_signature_wrong"),
        (b"{}", None, "webhook_unreadable"),
        (b"[]", None, "webhook_unreadable"),
        (b"no json", None, "webhook_unreadable"),
        (b'{"object":"event","id":"evt_1","type":"x","created":"soon","livemode":false,"data":{"object":{}}}', None, "webhook_unreadable"),
        (b'{"object":"event","id":"evt_1","type":"x","created":1,"livemode":true,"data":{"object":{}}}', None, "webhook_livemode_mismatch"),
        (b"\xff\xfe", "t=1,v1=00", "webhook_signature_wrong"),
    ],
)  # fmt: skip
def test_a_webhook_that_is_not_stripes_or_not_ours_is_refused(talk, payload, header, code):
    header = sign(payload.decode(), SECRET, at=int(time.time())) if header is None else header

    with pytest.raises(WebhookRefused) as no:
        gateway().parse_webhook(payload, header)

    assert no.value.code == code


def test_another_endpoints_secret_does_not_open_it(talk):
    talk.fund()
    payload = event_payload(talk, "topup.succeeded")
    header = sign(payload.decode(), "whsec_other", at=int(time.time()))

    with pytest.raises(WebhookRefused):
        gateway().parse_webhook(payload, header)
    assert gateway().parse_webhook(payload, header, "whsec_other").type == "topup.succeeded"


def test_a_rolled_secret_signs_twice_and_either_is_enough(talk):
    talk.fund()
    payload = event_payload(talk, "topup.succeeded")
    now = int(time.time())
    old, new = (sign(payload.decode(), secret, at=now).partition(",")[2] for secret in ("whsec_old", SECRET))

    assert gateway().parse_webhook(payload, f"t={now},{old},{new}").type == "topup.succeeded"


def test_events_missed_are_read_oldest_first(either):
    either.control("POST", "clock", {"now": "2036-03-01T00:00:00Z"})
    either.fund()
    ana = either.payee()
    either.control("POST", "clock", {"advance": 60})
    send(destination=ana)

    types = [event.type for event in gateway().list_events_since(datetime(2036, 3, 1, tzinfo=UTC))]
    late = [event.type for event in gateway().list_events_since(datetime(2036, 3, 1, 0, 0, 30, tzinfo=UTC))]

    assert types[:3] == ["topup.created", "topup.succeeded", "balance.available"]
    assert types[-1] == "transfer.created"
    assert late == ["transfer.created"]
    is_v2 = gateway().accounts_api == "v2"
    assert ("v2.core.account.created" in types) == is_v2


# What stays inside.


def test_neither_keys_nor_links_are_logged(talk, caplog):
    with caplog.at_level(logging.DEBUG):
        link = gateway().onboarding_link(
            open_payee(), refresh_url="https://n.example/a", return_url="https://n.example/b"
        )
        with pytest.raises(Unavailable) as doubt:
            Gateway("sk_live_canary", talk.base).balance()

    assert "/onboarding/" in link
    assert "/onboarding/" not in caplog.text
    assert "sk_" not in caplog.text + str(doubt.value)
    assert stripe.enable_telemetry is False


def test_without_a_key_there_must_be_a_stand_in(settings):
    settings.STRIPE_SECRET_KEY = ""
    settings.STRIPE_API_BASE = ""

    with pytest.raises(ImproperlyConfigured):
        gateway()
    settings.STRIPE_SECRET_KEY = "sk_test_real"
    assert gateway().base == ""

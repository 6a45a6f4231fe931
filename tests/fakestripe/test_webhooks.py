"""Deliveries: signed as the official client checks them, repeated, doubled, turned round."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stripe

from fakestripe.server import Server
from tests.fakestripe.talk import SECRET


class Receiver:
    """An endpoint that remembers what it was sent, and fails when told to."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.failures = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                is_failing, outer.failures = outer.failures > 0, max(outer.failures - 1, 0)
                if not is_failing:
                    outer.got.append((payload, self.headers["Stripe-Signature"]))
                self.send_response(500 if is_failing else 200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/stripe/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def events(self) -> list[stripe.Event]:
        return [stripe.Webhook.construct_event(*one, SECRET) for one in self.got if b'"v2.core.event"' not in one[0]]

    def wait_for(self, number: int) -> None:
        deadline = time.monotonic() + 5
        while len(self.got) < number:
            assert time.monotonic() < deadline, f"{len(self.got)} of {number}"
            time.sleep(0.01)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def told(talk, receiver):
    """A stand-in that holds its webhooks back until they are flushed."""
    talk.payee(id="acct_ana")
    talk.control("POST", "webhooks", {"paused": True})
    talk.control(
        "POST",
        "endpoints",
        {"url": receiver.url, "secret": SECRET, "events": ["t*", "v2.*", "payout.*"]},
    )
    return talk


def types(receiver):
    return [event.type for event in receiver.events()]


def test_events_arrive_signed(told, receiver):
    told.fund()
    told.api(
        "POST",
        "/v1/transfers",
        {"amount": 5, "currency": "eur", "destination": "acct_ana"},
        key="k7",
    )
    told.control("POST", "flush-webhooks")

    assert types(receiver) == ["topup.created", "topup.succeeded", "transfer.created"]
    event = receiver.events()[-1]
    assert (event.data.object["amount"], event.request.idempotency_key, event.livemode) == (
        5,
        "k7",
        False,
    )
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(receiver.got[0][0], receiver.got[1][1], SECRET)


def test_thin_events_arrive_without_their_data_and_can_be_fetched(told, receiver):
    told.control("POST", "accounts/acct_ana", {"transfers": "restricted"})
    told.control("POST", "flush-webhooks")

    notes = [told.client().parse_event_notification(*one, SECRET) for one in receiver.got]
    note = next(one for one in notes if "capability_status_updated" in one.type)
    assert b'"data"' not in receiver.got[0][0]
    assert note.fetch_event().data.updated_capability == "stripe_balance.stripe_transfers"
    assert note.fetch_related_object().id == "acct_ana"


def test_a_failed_delivery_is_repeated_until_it_is_taken(told, receiver):
    receiver.failures = 3
    told.control("POST", "webhooks", {"retry_base": 0.01, "paused": False})
    told.fund()

    receiver.wait_for(2)

    assert sorted(types(receiver)) == ["topup.created", "topup.succeeded"]
    deadline = time.monotonic() + 3
    while told.control("GET", "webhooks")["deliveries"] != {"delivered": 2}:
        assert time.monotonic() < deadline


def test_an_absent_receiver_is_not_called_for_every_event(talk):
    talk.control("POST", "endpoints", {"url": "http://127.0.0.1:9/", "secret": SECRET})
    talk.control("POST", "webhooks", {"paused": True, "retry_base": 60})
    for _ in range(20):
        talk.fund()
    talk.control("POST", "webhooks", {"paused": False})
    time.sleep(0.5)

    tried = talk.server.standin.store.one("SELECT count(*) FROM deliveries WHERE tries > 0")[0]
    assert 1 <= tried <= 5
    assert talk.control("GET", "webhooks")["deliveries"] == {"pending": 60}


def test_giving_up_and_discarding(told, receiver):
    receiver.failures = 99
    told.control("POST", "webhooks", {"retry_base": 0, "give_up_after": 2})
    told.fund()
    told.control("POST", "flush-webhooks")
    told.control("POST", "flush-webhooks")
    told.fund()

    assert told.control("POST", "discard-webhooks") == {"discarded": 2}
    assert told.control("GET", "webhooks")["deliveries"] == {"failed": 2, "discarded": 2}


def test_events_come_twice_and_backwards_on_request(told, receiver):
    told.control("POST", "webhooks", {"order": "reversed", "copies": 2})
    told.fund()
    told.control("POST", "flush-webhooks")

    assert types(receiver) == [
        "topup.succeeded",
        "topup.succeeded",
        "topup.created",
        "topup.created",
    ]
    assert len({event.id for event in receiver.events()}) == 2


def test_an_old_event_can_be_delivered_again_in_any_order(told, receiver):
    told.fund()
    told.control("POST", "flush-webhooks")
    first, second = (event.id for event in receiver.events())

    told.control("POST", "redeliver-webhooks", {"events": [second, first, second]})

    assert [event.id for event in receiver.events()[2:]] == [second, first, second]


def test_signatures_carry_real_time_whatever_the_clock_says(told, receiver):
    told.control("POST", "clock", {"now": "2031-01-01T00:00:00Z"})
    told.fund()
    told.control("POST", "flush-webhooks")
    told.control("POST", "webhooks", {"skew": -400})
    told.control("POST", "redeliver-webhooks", {"events": [receiver.events()[0].id]})

    assert stripe.Webhook.construct_event(*receiver.got[0], SECRET).created > 1_900_000_000
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        stripe.Webhook.construct_event(*receiver.got[2], SECRET)


def test_nothing_is_delivered_while_paused_and_all_of_it_afterwards(told, receiver):
    told.fund()
    time.sleep(0.1)
    assert receiver.got == []
    assert told.client().v1.events.list({"type": "topup.*", "delivery_success": False}).data[0].pending_webhooks == 1

    told.control("POST", "webhooks", {"paused": False})

    receiver.wait_for(2)


def test_the_banks_refusal_is_told_with_its_account(told, receiver):
    told.fund()
    told.api("POST", "/v1/transfers", {"amount": 500, "currency": "eur", "destination": "acct_ana"})
    told.control(
        "POST",
        "payouts",
        {"account": "acct_ana", "amount": 500, "currency": "eur", "outcome": "failed"},
    )
    told.control("POST", "flush-webhooks")

    event = receiver.events()[-1]
    assert (event.type, event.account, event.data.object["failure_code"]) == (
        "payout.failed",
        "acct_ana",
        "account_closed",
    )


def test_endpoints_hear_what_they_asked_for(talk, receiver):
    client = talk.client()
    talk.control("POST", "webhooks", {"paused": True})
    ours = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["topup.created"]})
    theirs = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"], "connect": True})
    talk.fund()
    client.v1.webhook_endpoints.update(ours.id, {"disabled": True})
    talk.fund()
    talk.payee()

    events = {row[0]: row[1] for row in talk.server.standin.store.rows("SELECT event, endpoint FROM deliveries")}
    heard = {(endpoint, client.v1.events.retrieve(event).type) for event, endpoint in events.items()}
    assert ours.secret.startswith("whsec_")
    assert heard == {
        (ours.id, "topup.created"),
        (theirs.id, "account.updated"),
        (theirs.id, "capability.updated"),
    }


def test_the_command_lines_endpoint_is_registered_once(tmp_path):
    state = str(tmp_path / "state.sqlite3")
    for secret in ("whsec_1", "whsec_2"):
        with Server(state=state, webhook_url="http://127.0.0.1:9/x", webhook_secret=secret) as server:
            kept = server.standin.store.setting("secrets")
            rows = server.standin.store.rows("SELECT id FROM objects WHERE kind = 'webhook_endpoint'")

    assert list(kept.values()) == ["whsec_2"]
    assert len(rows) == 1

"""POST /hooks/stripe/: what is Stripe's is stored once, everything else is refused and told (faults 11, 17)."""

import json
import time

import pytest
import stripe
from django.core.cache import cache
from django.utils import timezone

from ledger.journal import events_about
from payouts import stripe_events, tasks
from payouts.models import Payout, StripeEvent
from tests.factories.standin import make_desk, make_payee, only_payout, send, start

pytestmark = pytest.mark.django_db

SECRET = "whsec_of_the_test"
URL = "/hooks/stripe/"


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.STRIPE_WEBHOOK_SECRET = SECRET
    cache.clear()


def event(**more):
    body = {
        "id": "evt_1", "object": "event", "type": "transfer.created", "created": int(time.time()), "livemode": False,
        "data": {"object": {"id": "tr_1", "object": "transfer", "transfer_group": "x"}},
    }  # fmt: skip
    return json.dumps(body | more)


def signed(body, *, age=0, secret=SECRET):
    return stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=int(time.time()) - age)


def post(client, body, header):
    return client.post(
        URL, body, content_type="application/json", headers={"Stripe-Signature": header} if header else {}
    )


def test_an_event_is_stored_once_however_often_it_comes(client, django_capture_on_commit_callbacks, monkeypatch):
    hints = []
    monkeypatch.setattr(tasks.handle_waiting_stripe_events, "delay", lambda: hints.append("handle"))
    body = event()

    with django_capture_on_commit_callbacks(execute=True):
        answers = [post(client, body, signed(body)).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    stored = StripeEvent.objects.get()
    assert (stored.stripe_id, stored.type, stored.object_id) == ("evt_1", "transfer.created", "tr_1")
    assert stored.handled_at is None
    assert hints == ["handle"]


def test_a_broker_that_is_down_loses_nothing(client, django_capture_on_commit_callbacks, monkeypatch):
    """Fault 6."""

    def down():
        raise OSError("broker")

    monkeypatch.setattr(tasks.handle_waiting_stripe_events, "delay", down)
    body = event()

    with django_capture_on_commit_callbacks(execute=True):
        answer = post(client, body, signed(body))

    assert answer.status_code == 200
    assert StripeEvent.objects.count() == 1


REFUSED = {
    "no signature": (lambda body: "", "webhook_signature_wrong"),
    "another secret": (lambda body: signed(body, secret="whsec_other"), "webhook_signature_wrong"),
    "another body": (lambda body: signed(body + " "), "webhook_signature_wrong"),
    "nonsense": (lambda body: "t=x,v1=,,=", "webhook_signature_wrong"),
    "too old": (lambda body: signed(body, age=310), None),
    "of the future": (lambda body: signed(body, age=-310), "webhook_not_of_now"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_stripes_or_not_of_now_is_refused_and_told(client, case):
    header, code = REFUSED[case]
    body = event()

    answer = post(client, body, header(body))

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    said = answer.json()["code"]
    assert said == code or (code is None and said in {"webhook_not_of_now", "webhook_signature_wrong"})
    assert StripeEvent.objects.count() == 0
    [told] = events_about("stripe").filter(name="hook.refused")
    assert told.data["code"] == said


def test_a_flood_of_forgeries_does_not_fill_the_journal(client):
    for _ in range(20):
        post(client, event(), "t=1,v1=00")

    assert events_about("stripe").filter(name="hook.refused").count() == 1


@pytest.mark.parametrize("body", ["[]", "{}", "not json", '{"id": 1}', '"text"', "null"])
def test_a_signed_body_that_is_no_event_is_refused(client, body):
    answer = post(client, body, signed(body))

    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_unreadable")


def test_an_event_of_another_mode_is_refused(client):
    body = event(livemode=True)

    assert post(client, body, signed(body)).json()["code"] == "webhook_livemode_mismatch"


def test_a_body_larger_than_a_megabyte_is_refused_unread(client):
    body = event(padding="x" * 1_100_000)

    answer = post(client, body, signed(body))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_posts_are_taken(client, method):
    assert getattr(client, method)(URL).status_code == 405


def test_the_news_of_a_transfer_settles_its_payout(bank, live_server):
    """The stand-in delivers to our address over HTTP, signed, as Stripe would."""
    at = timezone.now()
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.control(
        "POST", "endpoints", {"url": f"{live_server.url}{URL}", "secret": SECRET, "events": ["*"], "scope": "all"}
    )
    run = start(*make_desk(at), at=at)
    send(run)

    delivered = bank.control("POST", "flush-webhooks")["delivered"]
    tasks.handle_waiting_stripe_events()

    assert {one["answer"] for one in delivered} == {"200"}
    assert only_payout(run).state == Payout.State.PAID
    assert stripe_events.catch_up(at=timezone.now()) >= 0
    assert run.refreshed().status == "closed"

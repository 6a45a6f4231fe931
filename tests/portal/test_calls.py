"""Partner postbacks and merchant webhooks: every delivery visible, tried again, replayable, never switched off (X11, M2, M3)."""

import json
import threading
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from affiliates import calls, endpoints
from affiliates.errors import EndpointRefused
from affiliates.models import Call, Endpoint
from ledger.journal import deliver_waiting_events, events_about, replay_events
from payouts import sales
from payouts.queries.calls import MACROS
from portal.calling.postbacks import fill, read_template
from tests.factories.receivers import receiving
from tests.factories.world import facts, make_click, make_sale, make_user, make_world

NOW = timezone.now().replace(microsecond=0)


@pytest.fixture
def world(db):
    return make_world(NOW)


def hook(world, url: str, *events: str, **more) -> Endpoint:
    return endpoints.add_endpoint(
        kind="webhook",
        name="warehouse",
        url=url,
        events=events or ("commission.accrued",),
        by=world.owner,
        at=NOW,
        merchant=world.merchant,
        **more,
    )


def postback(world, url: str, *events: str) -> Endpoint:
    return endpoints.add_endpoint(
        kind="postback",
        name="tracker",
        url=read_template(url),
        events=events or ("commission.accrued",),
        method="GET",
        by=world.partner,
        at=NOW,
        affiliate=world.affiliate,
    )


def tell(at: datetime | None = None) -> int:
    """Let the journal deliver, and make the calls that are due."""
    at = at or timezone.now()
    deliver_waiting_events(at=at + timedelta(seconds=1))
    return calls.make_waiting_calls(at=at + timedelta(seconds=2))


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_merchants_webhook_is_signed_and_says_what_happened(world):
    with receiving() as receiver:
        endpoint = hook(world, receiver.url, "commission.accrued", "conversion.recorded")
        sale = make_sale(world, "62.00", at=NOW, order_ref="1042")
        arrived = tell()

    assert arrived == 2
    said = {}
    for _method, _path, headers, body in receiver.came:
        heard = Webhook(endpoint.secret).verify(body, headers)
        said[heard["type"]] = heard
    assert said["conversion.recorded"]["data"]["conversion"]["order_id"] == "1042"
    commission = said["commission.accrued"]["data"]["commission"]
    assert (commission["id"], commission["amount"], commission["currency"]) == (
        sale.commissions[0].public_id, "12.40", "USD",
    )  # fmt: skip


def test_a_partners_postback_is_filled_in_with_its_own_click_id_and_sub_ids(world):
    with receiving() as receiver:
        postback(
            world, f"{receiver.url}?cid={{affiliate_click_id}}&s1={{s1}}&p={{payout}}&cur={{currency}}&st={{status}}"
        )
        click = make_click(world.link, at=NOW - timedelta(minutes=5))
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tracking_click SET params = %s WHERE id = %s",
                [json.dumps({"sub1": "a&b=c", "affiliate_click_id": "vol-1"}), click.pk],
            )
        sales.record_sale(world.merchant, facts("1", "62.00", at=NOW, click=click), at=NOW)
        assert tell() == 1

    ((method, path, headers, body),) = receiver.came
    assert (method, body) == ("GET", b"")
    assert dict(parse_qsl(urlsplit(path).query)) == {
        "cid": "vol-1", "s1": "a&b=c", "p": "12.40", "cur": "USD", "st": "pending",
    }  # fmt: skip
    assert headers["webhook-id"].startswith("call_")


def test_an_event_heard_of_twice_is_told_once(world):
    with receiving() as receiver:
        hook(world, receiver.url)
        make_sale(world, at=NOW)
        tell()
        replay_events("outbound.calls", since=NOW - timedelta(days=1), at=timezone.now())
        tell()

    assert len(receiver.came) == 1
    assert Call.objects.count() == 1


def test_a_call_that_fails_is_tried_again_later_and_later_and_every_try_is_kept(world):
    with receiving(500, 404, 302, 200) as receiver:
        hook(world, receiver.url)
        make_sale(world, at=NOW)
        tell()
        call = Call.objects.get()
        waits = []
        while call.state == "waiting":
            waits.append(call.next_try_at)
            calls.make_call(call.pk, at=call.next_try_at)
            call.refresh_from_db()

    assert call.state == "delivered"
    assert [(one.number, one.status, one.error) for one in call.tries.order_by("number")] == [
        (1, 500, "answered_no"), (2, 404, "answered_no"), (3, 302, "redirected"), (4, 200, ""),
    ]  # fmt: skip
    assert waits[1] - waits[0] == calls.WAITS[1]
    ids = {headers["webhook-id"] for _m, _p, headers, _b in receiver.came}
    assert ids == {call.public_id}


def test_after_the_last_try_a_call_is_given_up_the_owner_told_once_and_the_endpoint_stays_on(world):
    with receiving(500) as receiver:
        endpoint = hook(world, receiver.url)
        make_sale(world, at=NOW)
        tell()
        call = Call.objects.get()
        while call.state == "waiting":
            calls.make_call(call.pk, at=call.next_try_at)
            call.refresh_from_db()
        endpoint.refresh_from_db()

        assert (call.state, call.attempts) == ("dead", calls.MOST_TRIES)
        assert endpoint.status == "active"
        assert endpoint.failing_since is not None
        assert events_about(endpoint.public_id).filter(name="endpoint.failing").count() == 1

        receiver.statuses[:] = [200]
        assert calls.replay_dead(endpoint, by="", at=timezone.now()) == 1
        assert calls.make_waiting_calls(at=timezone.now() + timedelta(seconds=1)) == 1

    assert call.refreshed().state == "delivered"
    assert endpoint.refreshed().failing_since is None


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_call_between_them():
    world = make_world(NOW)
    with receiving() as receiver:
        hook(world, receiver.url)
        make_sale(world, at=NOW)
        deliver_waiting_events(at=timezone.now() + timedelta(seconds=1))
        key, at = Call.objects.get().pk, timezone.now() + timedelta(seconds=2)

        def work() -> None:
            calls.make_call(key, at=at)
            connection.close()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert len(receiver.came) == 1


def test_a_worker_that_dies_leaves_a_lease_that_runs_out(world):
    with receiving() as receiver:
        hook(world, receiver.url)
        make_sale(world, at=NOW)
        deliver_waiting_events(at=timezone.now() + timedelta(seconds=1))
        at = timezone.now() + timedelta(seconds=2)
        Call.objects.update(lease_until=at + timedelta(minutes=2))

        assert calls.make_waiting_calls(at=at) == 0
        assert calls.make_waiting_calls(at=at + timedelta(minutes=3)) == 1
    assert len(receiver.came) == 1


def test_while_an_endpoint_is_paused_events_wait_and_arrive_afterwards(world):
    with receiving() as receiver:
        endpoint = hook(world, receiver.url)
        endpoints.set_status(endpoint, "paused", by=world.owner, at=NOW)
        make_sale(world, at=NOW)
        assert tell() == 0
        endpoints.set_status(endpoint, "active", by=world.owner, at=NOW)
        assert calls.make_waiting_calls(at=timezone.now() + timedelta(minutes=1)) == 1


def test_after_a_rotation_both_secrets_are_good_for_a_day(world):
    with receiving() as receiver:
        endpoint = hook(world, receiver.url)
        old = endpoint.secret
        new = endpoints.rotate_secret(endpoint, by=world.owner, at=timezone.now()).secret
        make_sale(world, at=NOW)
        tell()

    ((_m, _p, headers, body),) = receiver.came
    assert Webhook(old).verify(body, headers)["type"] == "commission.accrued"
    assert Webhook(new).verify(body, headers)["type"] == "commission.accrued"


def test_an_endpoint_of_one_program_hears_of_no_other_and_partners_hear_of_no_test_orders(world):
    other = make_world(NOW)
    with receiving() as receiver:
        hook(world, receiver.url, program=other.program)
        postback(world, receiver.url)
        make_sale(world, at=NOW, is_test=True)
        tell()

    assert receiver.came == []


def test_nobody_hears_of_another_owners_events(world):
    stranger = make_world(NOW)
    with receiving() as receiver:
        hook(stranger, receiver.url)
        postback(stranger, receiver.url)
        make_sale(world, at=NOW)
        tell()

    assert receiver.came == []


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("https://t.example/?c=#s1#", "macro_foreign"),
        ("https://t.example/?c=!!!clickref!!!", "macro_foreign"),
        ("https://t.example/?c={affiliate_clickid}", "macro_unknown"),
        ("https://{sub1}/?c=1", "macro_in_host"),
    ],
)
def test_a_macro_nobody_fills_in_is_refused_when_it_is_saved(template, code):
    with pytest.raises(EndpointRefused) as refusal:
        read_template(template)

    assert (refusal.value.code, refusal.value.field) == (code, "url")


def test_a_misspelt_macro_is_answered_with_the_right_one():
    with pytest.raises(EndpointRefused, match=r"Did you mean .affiliate_click_id"):
        read_template("https://t.example/?c={affiliate_clik_id}")


@given(st.dictionaries(st.sampled_from(MACROS), st.text(max_size=20)))
def test_whatever_a_value_holds_the_address_stays_the_address(values):
    template = "https://t.example/p?" + "&".join(f"{name}={{{name}}}" for name in MACROS)

    filled = urlsplit(fill(template, values))

    assert (filled.scheme, filled.netloc, filled.path, filled.fragment) == ("https", "t.example", "/p", "")
    assert dict(parse_qsl(filled.query, keep_blank_values=True)) == {name: values.get(name, "") for name in MACROS}


def test_the_partner_makes_tests_and_replays_a_postback_on_screen(world):
    client = signed_in(world.partner)
    with receiving(500, 200) as receiver:
        made = client.post(
            "/partner/postbacks/new/",
            {"kind": "postback", "name": "Voluum", "url": f"{receiver.url}?cid={{affiliate_click_id}}", "method": "GET",
             "events": ["commission.accrued"]},
        )  # fmt: skip
        page = client.get(made["Location"]).content.decode()
        tested = client.post(f"{made['Location']}act/", {"action": "test"})
        failed = client.get(tested["Location"]).content.decode()
        again = client.post(f"{tested['Location']}replay/")
        arrived = client.get(again["Location"]).content.decode()

    assert "Voluum" in page
    assert "your-click-id" in page
    assert "status 500" in failed
    assert "Delivered" in arrived
    assert len(receiver.came) == 2


def test_a_bad_address_is_refused_at_its_field_with_the_remedy(world, settings):
    settings.ALLOW_LOCAL_DESTINATIONS = False
    client = signed_in(world.owner)

    answer = client.post(
        f"/merchant/{world.merchant.slug}/webhooks/new/",
        {"name": "x", "url": "https://169.254.169.254/latest", "events": ["commission.accrued"]},
    )

    assert answer.status_code == 422
    assert "private networks are not called" in answer.content.decode()
    assert not Endpoint.objects.exists()


def test_the_secret_is_shown_when_asked_for_and_never_cached(world):
    endpoint = hook(world, "https://shop.example/hook")
    client = signed_in(world.owner)
    address = f"/merchant/{world.merchant.slug}/webhooks/{endpoint.public_id}/"

    page, shown = client.get(address), client.post(f"{address}act/", {"action": "show-secret"})

    assert endpoint.secret not in page.content.decode()
    assert endpoint.secret in shown.content.decode()
    assert shown["Cache-Control"] == "no-store"
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM affiliates_endpoint")
        assert endpoint.secret not in cursor.fetchone()[0]


def test_another_owners_endpoint_and_calls_are_not_there(world):
    with receiving() as receiver:
        endpoint = hook(world, receiver.url)
        make_sale(world, at=NOW)
        tell()
    call = Call.objects.get()
    other = make_world(NOW)
    owner, partner = signed_in(other.owner), signed_in(other.partner)

    for client, base in ((owner, f"/merchant/{other.merchant.slug}/webhooks"), (partner, "/partner/postbacks")):
        assert client.get(f"{base}/{endpoint.public_id}/").status_code == 404
        assert client.get(f"{base}/{endpoint.public_id}/calls/{call.public_id}/").status_code == 404
        assert client.post(f"{base}/{endpoint.public_id}/calls/{call.public_id}/replay/").status_code == 404
    analyst = make_user("stranger")
    assert signed_in(analyst).get(f"/merchant/{world.merchant.slug}/webhooks/").status_code == 404

"""C3 and the inbox: every request has a row and one verdict; what was set aside or refused is handled again, once."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from affiliates import keys
from affiliates.errors import NotVisible
from ledger.models import Event
from portal.doors import DOORS
from portal.intake import bulk
from portal.intake.replay import LEFT_BEHIND_AFTER, ReplayRefused, doors, replay, sweep
from portal.reasons import REASONS
from tests.portal.shop import CONVERSIONS, last_request, open_shop, order
from tracking import inbox, replay_jobs
from tracking.inbox_audit import verify_inbox
from tracking.models import Conversion, InboxReplay, InboxRequest, ReplayJob
from tracking.queries.inbox import InboxFilter, count_by_verdict

LATER = LEFT_BEHIND_AFTER + timedelta(minutes=1)


@pytest.fixture
def shop(db):
    return open_shop()


def _left_behind(shop, body=None, *, merchant=None, key="", is_test=False, door="api", ago=LATER):
    """A row as a process leaves it that dies before it reads."""
    return inbox.receive(
        door, method="POST", path=CONVERSIONS, content_type="application/json",
        body=json.dumps(body or order("left-1")).encode(), ip="192.0.2.7", at=timezone.now() - ago, merchant=merchant,
        key_digest=keys.digest_of(key), is_test=is_test,
    )  # fmt: skip


def test_a_process_that_serves_pages_knows_every_door():
    """Nothing but the apps' start may be needed: a page must not depend on a worker's imports."""
    code = "import django; django.setup(); from portal.intake.replay import doors; print(*doors())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(doors()) <= set(told.stdout.split())


def test_every_door_says_how_its_requests_are_handled_again():
    assert DOORS
    assert {"api", "api.batch", "api.item", "api.refund", "postback", "upload.row"} <= set(doors())


def test_a_request_that_was_set_aside_is_handled_again_and_keeps_its_history(shop, monkeypatch):
    def broken(*_args, **_more):
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as fault:
        fault.setattr("payouts.settling.decide_conversions", broken)
        assert shop.post(order("set-aside")).status_code == 500
    row = last_request()
    assert (row.verdict, row.reason, Conversion.objects.count()) == ("quarantined", "internal_error", 0)

    at = timezone.now()
    told = replay(row, by=shop.world.owner, at=at)

    row = row.refreshed()
    assert (row.verdict, row.conversion.order_ref) == ("accepted", "set-aside")
    assert (told.verdict_before, told.reason_before, told.verdict_after) == (
        "quarantined",
        "internal_error",
        "accepted",
    )
    assert (told.by, told.at) == (shop.world.owner, at)
    event = Event.objects.get(name="inbox.replayed")
    assert (event.actor, event.subject) == (shop.world.owner.public_id, row.public_id)
    assert shop.world.merchant.public_id in event.about


def test_an_order_without_a_time_happened_when_it_came_first(shop):
    row = _left_behind(shop, key=shop.live)

    replay(row, by=None, at=timezone.now())

    assert row.refreshed().conversion.occurred_at == row.received_at


def test_handling_again_twice_is_once(shop):
    row = _left_behind(shop, key=shop.live)
    replay(row, by=None, at=timezone.now())

    with pytest.raises(ReplayRefused) as refused:
        replay(row, by=None, at=timezone.now())

    assert refused.value.code == "replay_settled"
    assert (Conversion.objects.count(), InboxReplay.objects.count()) == (1, 1)


def test_a_refused_order_stays_refused_until_what_was_wrong_is_mended(shop):
    shop.post(order("early", occurred_at=(timezone.now() + timedelta(minutes=30)).isoformat()))
    row = last_request()
    assert (row.verdict, row.reason) == ("rejected", "instant_in_future")

    assert replay(row, by=None, at=timezone.now()).verdict_after == "rejected"
    assert replay(row, by=None, at=timezone.now() + timedelta(hours=1)).verdict_after == "accepted"
    assert row.replays.count() == 2


def test_a_request_of_a_test_key_stays_a_test(shop):
    row = _left_behind(shop, key=shop.test)

    replay(row, by=None, at=timezone.now())

    assert (row.refreshed().verdict, row.refreshed().is_test) == ("test", True)
    assert Conversion.objects.get().is_test


def test_a_request_with_a_foreign_or_no_key_is_nobodys_and_says_so(shop):
    prefix = shop.live.rpartition("_")[0]
    rows = [_left_behind(shop), _left_behind(shop, key=f"{prefix}_{'x' * 43}"), _left_behind(shop, key=shop.partner)]

    swept = list(sweep(at=timezone.now()))

    assert {row.pk for row in swept} == {row.pk for row in rows}
    assert {(row.verdict, row.reason) for row in swept} == {("quarantined", "interrupted")}
    assert not Conversion.objects.exists()


def test_a_key_that_was_revoked_before_proves_nothing(shop):
    key = keys.owner_of_key(shop.live, at=timezone.now())
    keys.revoke_key(key, by=shop.world.owner, at=timezone.now() - timedelta(days=1))
    row = _left_behind(shop, key=shop.live)

    with pytest.raises(ReplayRefused) as refused:
        replay(row, by=None, at=timezone.now())

    assert refused.value.code == "replay_without_owner"


def test_the_sweep_leaves_what_is_being_read_now(shop):
    row = _left_behind(shop, key=shop.live, ago=timedelta(seconds=30))

    assert list(sweep(at=timezone.now())) == []
    assert row.refreshed().reason == "being_read"
    with pytest.raises(ReplayRefused):
        replay(row, by=None, at=timezone.now())


def test_a_batch_that_died_halfway_is_finished_by_the_sweep(shop):
    whole = _left_behind(
        shop, {"conversions": [order("b-1"), order("b-2"), order("b-3", amount="no")]}, door="api.batch", key=shop.live
    )
    bodies = [json.dumps(one).encode() for one in (order("b-1"), order("b-2"), order("b-3", amount="no"))]
    inbox.receive_parts("api.item", whole, bodies, merchant=shop.world.merchant)

    list(sweep(at=timezone.now()))

    assert sorted(whole.parts.values_list("verdict", flat=True)) == ["accepted", "accepted", "rejected"]
    assert (whole.refreshed().verdict, whole.refreshed().detail) == ("accepted", "2 accepted, 1 rejected")
    assert sorted(Conversion.objects.values_list("order_ref", flat=True)) == ["b-1", "b-2"]


def test_a_batch_that_died_before_its_parts_is_finished_too(shop):
    whole = _left_behind(shop, {"conversions": [order("b-1"), order("b-2")]}, door="api.batch", key=shop.live)

    list(sweep(at=timezone.now()))

    assert whole.parts.filter(verdict="accepted").count() == 2
    assert whole.refreshed().verdict == "accepted"


def test_a_refund_is_handled_again(shop):
    shop.post(order("r-1"))
    conversion = Conversion.objects.get()
    row = inbox.receive(
        "api.refund", method="POST", path=f"/api/v1/conversions/{conversion.public_id}/refund",
        content_type="application/json", body=b'{"amount": "10.00", "currency": "USD", "reference": "rf-1"}', ip=None,
        at=timezone.now() - LATER, key_digest=keys.digest_of(shop.live),
    )  # fmt: skip

    list(sweep(at=timezone.now()))

    assert (row.refreshed().verdict, conversion.refreshed().refunded_minor) == ("accepted", 1000)


def test_keys_are_not_kept_and_still_prove_the_owner(shop):
    shop.post(order("k-1"), **{"idempotency-key": "once-1"})
    row = last_request()

    assert row.headers["Authorization"] == f"Bearer {shop.live.rpartition('_')[0]}_***"
    assert row.headers["Idempotency-Key"] == "once-1"
    assert shop.live not in json.dumps(row.headers) + row.key_digest


def test_a_foreign_secret_in_the_header_is_hidden(shop):
    Client().post(CONVERSIONS, b"{}", content_type="application/json", headers={"authorization": "Basic c2VjcmV0"})

    assert last_request().headers["Authorization"] == "Basic ***"


def test_the_inbox_refuses_to_lose_a_row(shop):
    shop.post(order())

    with pytest.raises(DatabaseError, match="keeps every request"), transaction.atomic():
        InboxRequest.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        InboxRequest.objects.update(verdict="lost")


def test_ten_megabytes_of_json_have_a_named_verdict_and_a_row(shop):
    answer = shop.post(b'{"order_id": "' + b"x" * 10_000_000 + b'"}')

    row = last_request()
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert (row.verdict, row.reason, row.headers["Content-Length"]) == ("rejected", "body_too_large", "10000016")
    with pytest.raises(ReplayRefused):
        replay(row, by=None, at=timezone.now())


def test_a_merchant_opens_its_own_requests_only(shop):
    other = open_shop()
    other.post(order("theirs"))

    with pytest.raises(NotVisible):
        replay_jobs.open_job(shop.world.merchant, last_request().public_id)


def test_a_filter_is_handled_again_as_one_job_that_can_be_resumed(shop):
    for number in range(3):
        shop.post(order(f"f-{number}", occurred_at=(timezone.now() + timedelta(minutes=20)).isoformat()))
    shop.post(order("bad", amount="much"))
    asked = InboxFilter(verdict="rejected")
    at = timezone.now()
    job = replay_jobs.start_job(shop.world.merchant, asked, by=shop.world.owner, at=at)
    assert replay_jobs.start_job(shop.world.merchant, asked, by=shop.world.owner, at=at).pk == job.pk

    assert bulk.work_on(str(job.pk), now=timezone.now, until=0) is False
    assert bulk.work_on(str(job.pk), now=lambda: timezone.now() + timedelta(hours=1)) is True

    job = job.refreshed()
    assert (job.status, job.total, job.done, job.failed) == (ReplayJob.Status.DONE, 4, 4, 1)
    assert Conversion.objects.count() == 3


def test_a_job_for_nothing_is_refused(shop):
    with pytest.raises(replay_jobs.ReplayTooMuch) as refused:
        replay_jobs.start_job(shop.world.merchant, InboxFilter(), by=shop.world.owner, at=timezone.now())

    assert refused.value.code == "replay_nothing"


_BODIES = st.one_of(
    st.binary(max_size=60),
    st.fixed_dictionaries(
        {"order_id": st.sampled_from(["a", "b", "c", ""]), "amount": st.sampled_from(["1.00", "2.00", "x", "-1"])},
        optional={"currency": st.sampled_from(["USD", "EUR", "XXX"]), "test": st.booleans()},
    ).map(lambda value: json.dumps(value).encode()),
)
_STEPS = st.lists(
    st.tuples(st.sampled_from(["live", "test", "none", "dead", "replay"]), _BODIES), min_size=1, max_size=8
)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=_STEPS)
def test_received_is_always_the_sum_of_the_verdicts(db, steps):
    """Any order of requests, of processes that die before they read, of replays and sweeps."""
    with transaction.atomic():
        shop = open_shop()
        before = InboxRequest.objects.count()
        sent, codes = 0, set()
        for what, body in steps:
            if what == "replay":
                for row in InboxRequest.objects.filter(verdict__in=["rejected", "quarantined"]):
                    try:
                        replay(row, by=None, at=timezone.now())
                    except ReplayRefused as refused:
                        codes.add(refused.code)
                list(sweep(at=timezone.now()))
                continue
            sent += 1
            if what == "dead":
                inbox.receive(
                    "api", method="POST", path=CONVERSIONS, content_type="application/json", body=body, ip=None,
                    at=timezone.now() - LATER, key_digest=keys.digest_of(shop.live),
                )  # fmt: skip
            else:
                shop.post(body, key={"live": shop.live, "test": shop.test, "none": ""}[what])
        counts = count_by_verdict(InboxRequest.objects.all())
        assert counts.received - before == sent
        assert counts.adds_up
        assert codes <= REASONS.keys()
        list(sweep(at=timezone.now()))
        assert [str(one) for one in verify_inbox(at=timezone.now())] == []
        connection.check_constraints()
        transaction.set_rollback(True)


def test_the_check_finds_what_does_not_add_up(shop):
    row = _left_behind(shop, ago=timedelta(hours=1))
    shop.post(order("x", amount="no"))
    replay(last_request(), by=None, at=timezone.now())
    InboxRequest.objects.filter(replays__isnull=False).update(verdict="test")

    found = {difference.check for difference in verify_inbox(at=timezone.now())}

    assert found == {"inbox sweep", "inbox history"}
    assert row.refreshed().reason == "being_read"

"""The table of idempotency, both interfaces (docs.stripe.com/api/idempotent_requests)."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

DAY = 24 * 3600


def send(talk, key, **change):
    params = {
        "amount": 100,
        "currency": "eur",
        "destination": "acct_ana",
        "transfer_group": "g",
    } | change
    return talk.api("POST", "/v1/transfers", params, key=key)


def count(talk):
    return talk.books()["transfers"]["count"]


@pytest.fixture
def payee(talk):
    talk.fund()
    return talk.payee(id="acct_ana")


def test_the_first_answer_is_replayed(talk, payee):
    first = send(talk, "k")
    second = send(talk, "k")

    assert first[0] == second[0] == 200
    assert first[2] == second[2]
    assert "idempotent-replayed" not in first[1]
    assert second[1]["idempotent-replayed"] == "true"
    assert count(talk) == 1


def test_another_key_is_another_transfer(talk, payee):
    send(talk, "k1")
    send(talk, "k2")
    send(talk, "")
    send(talk, "")

    assert count(talk) == 4


@pytest.mark.parametrize("change", [{"amount": 101}, {"destination": "acct_bo"}, {"metadata[run]": "r"}])
def test_a_key_belongs_to_its_parameters(talk, payee, change):
    send(talk, "k")

    status, _, body = send(talk, "k", **change)

    assert (status, body["error"]["type"]) == (400, "idempotency_error")
    assert "code" not in body["error"]
    assert count(talk) == 1


def test_a_key_belongs_to_its_endpoint(talk, payee):
    transfer = send(talk, "k")[2]

    status, _, body = talk.api("POST", f"/v1/transfers/{transfer['id']}/reversals", {"amount": 100}, key="k")

    assert (status, body["error"]["type"]) == (400, "idempotency_error")


def test_a_refusal_is_stored_even_when_its_reason_has_gone(talk):
    payee = talk.payee(id="acct_ana")
    assert send(talk, "k", destination=payee)[2]["error"]["code"] == "balance_insufficient"

    talk.fund()

    assert send(talk, "k", destination=payee)[2]["error"]["code"] == "balance_insufficient"
    assert send(talk, "k2", destination=payee)[0] == 200


def test_a_stored_500_never_clears_under_its_key(talk, payee):
    talk.fault(fault="stored_500", match={"path": "/v1/transfers"})

    assert [send(talk, "k")[0] for _ in range(3)] == [500, 500, 500]
    assert count(talk) == 0
    assert send(talk, "k2")[0] == 200


def test_a_stored_500_may_have_been_carried_out(talk, payee):
    talk.fault(fault="stored_500", executed=True)

    assert [send(talk, "k")[0] for _ in range(2)] == [500, 500]
    assert count(talk) == 1


@pytest.mark.parametrize(
    "bad",
    [{"amount": "x"}, {"amount": 0}, {"currency": "zzz"}, {"unknown": "1"}, {"destination": ""}],
)
def test_what_fails_validation_stores_nothing(talk, payee, bad):
    assert send(talk, "k", **bad)[0] == 400

    assert send(talk, "k")[0] == 200


def test_a_missing_key_stores_nothing(talk, payee):
    params = {"amount": 100, "currency": "eur", "destination": payee, "transfer_group": "g"}
    status, _, _ = talk.api("POST", "/v1/transfers", params, key="k", headers={"Authorization": "Bearer sk_live_1"})

    assert status == 401
    assert send(talk, "k")[0] == 200


def test_too_many_requests_store_nothing(talk, payee):
    talk.control("POST", "rate-limit", {"endpoint": 2})
    statuses = [send(talk, f"k{n}")[0] for n in range(3)]
    talk.control("POST", "rate-limit", {})

    assert statuses == [200, 200, 429]
    assert send(talk, "k2")[0] == 200
    assert count(talk) == 3


def test_readings_take_no_key(talk, payee):
    before = talk.api("GET", "/v1/balance", key="k")[2]
    send(talk, "x")

    assert talk.api("GET", "/v1/balance", key="k")[2] != before


def test_a_key_is_forgotten_after_a_day(talk, payee):
    talk.control("POST", "clock", {"now": "2036-03-01T00:00:00Z"})
    first = send(talk, "k")[2]
    talk.control("POST", "clock", {"advance": DAY - 1})
    assert send(talk, "k")[2] == first

    talk.control("POST", "clock", {"advance": 1})

    assert send(talk, "k")[2] != first
    assert count(talk) == 2


def test_a_key_has_at_most_255_characters(talk, payee):
    assert send(talk, "k" * 256)[0] == 400
    assert send(talk, "k" * 255)[0] == 200


def test_the_second_of_two_at_once_meets_a_conflict(talk, payee):
    talk.fault(fault="slow", seconds=0.4)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(send, talk, "k")
        threading.Event().wait(0.15)
        status, _, body = send(talk, "k")

        assert (status, body["error"]["code"]) == (409, "idempotency_key_in_use")
        assert slow.result()[0] == 200
    assert send(talk, "k")[2] == slow.result()[2]
    assert count(talk) == 1


def test_sixteen_threads_with_one_key_make_one_transfer(talk, payee):
    client = talk.client(retries=0)
    gate = threading.Barrier(16)

    def race(_):
        gate.wait()
        params = {"amount": 100, "currency": "eur", "destination": payee}
        try:
            return client.v1.transfers.create(params, {"idempotency_key": "one"}).id
        except Exception as error:
            return error.json_body["error"]["code"]

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(race, range(16)))

    ids = {one for one in said if one.startswith("tr_")}
    assert len(ids) == 1
    assert set(said) <= ids | {"idempotency_key_in_use"}
    assert count(talk) == 1


def open_account(talk, key, email="ana@example.com"):
    body = {
        "contact_email": email,
        "identity": {"country": "de"},
        "configuration": {"recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}},
    }
    return talk.api("POST", "/v2/core/accounts", body, key=key)


def test_v2_replays_success_and_carries_failure_out_again(talk):
    talk.fault(fault="stored_500", match={"path": "/v2/core/accounts"})
    statuses = [open_account(talk, "k")[0]]
    first = open_account(talk, "k")
    second = open_account(talk, "k")

    assert [*statuses, first[0], second[0]] == [500, 200, 200]
    assert first[2]["id"] == second[2]["id"]
    assert len(talk.api("GET", "/v2/core/accounts")[2]["data"]) == 1


def test_v2_keys_belong_to_their_parameters_and_live_thirty_days(talk):
    talk.control("POST", "clock", {"now": "2026-03-01T00:00:00Z"})
    first = open_account(talk, "k")[2]["id"]

    assert open_account(talk, "k", "bo@example.com")[2]["error"]["type"] == "idempotency_error"
    talk.control("POST", "clock", {"advance": 30 * DAY - 1})
    assert open_account(talk, "k")[2]["id"] == first
    talk.control("POST", "clock", {"advance": 1})
    assert open_account(talk, "k")[2]["id"] != first


def test_accounts_have_keys_of_their_own(talk, payee):
    send(talk, "k", amount=500)
    as_ana = {"Stripe-Account": payee}

    status, _, body = talk.api("POST", "/v1/payouts", {"amount": 200, "currency": "eur"}, key="k", headers=as_ana)

    assert (status, body["object"]) == (200, "payout")

"""Each fault does to the world and to the answer what it says."""

import json
import time

import pytest
import stripe

from fakestripe.faults import KINDS


@pytest.fixture
def ready(talk):
    talk.fund()
    talk.payee(id="acct_ana")
    return talk


def create(talk, key="k", retries=0):
    """What the official client makes of it: an id, or the kind of error and its status."""
    params = {"amount": 100, "currency": "eur", "destination": "acct_ana"}
    try:
        return talk.client(retries=retries).v1.transfers.create(params, {"idempotency_key": key}).id[:3]
    except stripe.StripeError as error:
        return type(error).__name__, error.http_status


@pytest.mark.parametrize(
    ("rule", "said", "made", "then", "made_then"),
    [
        ({"fault": "fail_before"}, ("APIError", 500), 0, "tr_", 1),
        ({"fault": "fail_before", "status": 503}, ("APIError", 503), 0, "tr_", 1),
        ({"fault": "fail_after"}, ("APIConnectionError", None), 1, "tr_", 1),
        ({"fault": "fail_after", "answer": "500"}, ("APIError", 500), 1, "tr_", 1),
        ({"fault": "fail_after", "answer": "stored_500"}, ("APIError", 500), 1, ("APIError", 500), 1),
        ({"fault": "stored_500"}, ("APIError", 500), 0, ("APIError", 500), 0),
        ({"fault": "stored_500", "executed": True}, ("APIError", 500), 1, ("APIError", 500), 1),
        ({"fault": "409"}, ("APIError", 409), 0, "tr_", 1),
        ({"fault": "429"}, ("RateLimitError", 429), 0, "tr_", 1),
        ({"fault": "429", "code": "lock_timeout"}, ("RateLimitError", 429), 0, "tr_", 1),
        ({"fault": "error", "code": "approval_required"}, ("InvalidRequestError", 400), 0, ("InvalidRequestError", 400), 0),
        ({"fault": "error", "status": 401}, ("AuthenticationError", 401), 0, "tr_", 1),
        ({"fault": "slow", "seconds": 0.1}, "tr_", 1, "tr_", 1),
        ({"fault": "slow", "seconds": 0.1, "when": "after"}, "tr_", 1, "tr_", 1),
        ({"fault": "truncated"}, ("APIConnectionError", None), 1, "tr_", 1),
        ({"fault": "drop"}, ("APIConnectionError", None), 0, "tr_", 1),
        ({"fault": "drop", "when": "after"}, ("APIConnectionError", None), 1, "tr_", 1),
    ],
)  # fmt: skip
def test_a_fault_and_what_the_same_key_gets_afterwards(ready, rule, said, made, then, made_then):
    ready.control("POST", "faults", {"rules": [rule | {"match": {"method": "POST", "path": "/v1/transfers"}}]})

    assert create(ready) == said
    assert ready.books()["transfers"]["count"] == made
    assert create(ready) == then
    assert ready.books()["transfers"]["count"] == made_then


def test_every_kind_of_fault_is_tried():
    tried = {
        "fail_before",
        "fail_after",
        "stored_500",
        "conflict",
        "rate_limit",
        "error",
        "slow",
        "truncate",
        "drop",
    }

    assert tried == set(KINDS)


@pytest.mark.parametrize("fault", ["fail_after", "truncated", "drop", "409"])
def test_the_clients_own_repetition_gets_through(ready, fault):
    ready.fault(fault=fault, match={"path": "/v1/transfers"})

    said = create(ready, retries=0 if fault == "truncated" else 2)

    assert said == ("tr_" if fault != "truncated" else ("APIConnectionError", None))
    assert ready.books()["transfers"]["count"] == 1


def test_slow_is_slow_and_a_timeout_may_hide_a_success(ready):
    ready.fault(fault="slow", seconds=0.3, when="after")
    impatient = stripe.StripeClient(
        "sk_test_1",
        base_addresses={"api": ready.base},
        http_client=stripe.RequestsClient(timeout=0.1),
    )

    with pytest.raises(stripe.APIConnectionError):
        impatient.v1.transfers.create(
            {"amount": 100, "currency": "eur", "destination": "acct_ana"}, {"idempotency_key": "k"}
        )

    deadline = time.monotonic() + 3
    while ready.books()["transfers"]["count"] == 0:
        assert time.monotonic() < deadline
    time.sleep(0.3)
    assert create(ready) == "tr_"
    assert ready.books()["transfers"]["count"] == 1


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [
        ({}, [500, 200, 200, 200, 200, 200]),
        ({"nth": 3}, [200, 200, 500, 200, 200, 200]),
        ({"nth": 2, "times": 2}, [200, 500, 500, 200, 200, 200]),
        ({"nth": 5, "times": 0}, [200, 200, 200, 200, 500, 500]),
        ({"every": 2, "times": 0}, [200, 500, 200, 500, 200, 500]),
        ({"every": 2, "times": 1}, [200, 500, 200, 200, 200, 200]),
    ],
)
def test_rules_count_the_calls_they_match(talk, rule, statuses):
    talk.fault(fault="fail_before", match={"method": "GET", "path": "/v1/bal*"}, **rule)

    said = []
    for _ in range(6):
        talk.api("GET", "/v1/events")
        said.append(talk.api("GET", "/v1/balance")[0])

    assert said == statuses


def test_rules_match_keys_and_the_first_that_strikes_decides(ready):
    ready.control("POST", "faults", [
        {"fault": "429", "match": {"key": "po-*-2"}},
        {"fault": "409", "match": {"path": "/v1/transfers"}, "nth": 2},
    ])  # fmt: skip

    assert [create(ready, key) for key in ("po-1-1", "po-1-2", "po-1-3")] == [
        "tr_",
        ("RateLimitError", 429),
        "tr_",
    ]
    assert [(one["matched"], one["struck"]) for one in ready.control("GET", "faults")["rules"]] == [
        (1, 1),
        (3, 1),
    ]


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": "explode"},
        {"fault": "drop", "match": {"pth": "/"}},
        {"fault": "drop", "nth": "1"},
        {},
        "drop",
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_and_changes_nothing(talk, rule):
    talk.fault(fault="drop", match={"path": "/nowhere"})
    status, _, _ = talk.http("POST", "/_control/faults", json.dumps({"rules": [rule]}),
                             {"Content-Type": "application/json"})  # fmt: skip

    assert status == 400
    assert [one["fault"] for one in talk.control("GET", "faults")["rules"]] == ["drop"]

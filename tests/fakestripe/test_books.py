"""The stand-in's books add up whatever is done to it, and money is never made or lost."""

import http.client
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

AMOUNTS = st.integers(1, 400)
PAYEES = st.sampled_from(["acct_a", "acct_b"])
CURRENCIES = st.sampled_from(["eur", "jpy"])
STEPS = st.one_of(
    st.tuples(st.just("topup"), AMOUNTS, CURRENCIES),
    st.tuples(st.just("transfer"), AMOUNTS, CURRENCIES, PAYEES, st.sampled_from(["", "k1", "k2"])),
    st.tuples(st.just("reverse"), st.integers(0, 5), AMOUNTS),
    st.tuples(st.just("pay_out"), PAYEES, AMOUNTS, CURRENCIES, st.sampled_from(["paid", "failed"])),
    st.tuples(
        st.just("fault"),
        st.sampled_from(["fail_before", "stored_500", "drop", "fail_after", "truncate"]),
    ),
    st.tuples(st.just("advance"), st.sampled_from([60, 90_000])),
)


def play(talk, step, transfers, expected):
    """Do one step; keep `expected`, our own idea of who holds what, in time with the answers."""
    kind, *rest = step
    if kind == "topup":
        talk.api("POST", "/v1/topups", {"amount": rest[0], "currency": rest[1]})
    elif kind == "transfer":
        params = {"amount": rest[0], "currency": rest[1], "destination": rest[2]}
        try:
            status, headers, body = talk.api("POST", "/v1/transfers", params, key=rest[3])
        except (OSError, ValueError, http.client.HTTPException):
            return
        if status == 200 and "idempotent-replayed" not in headers:
            transfers.append(body)
    elif kind == "reverse" and transfers:
        transfer = transfers[rest[0] % len(transfers)]
        status, _, body = talk.api("POST", f"/v1/transfers/{transfer['id']}/reversals", {"amount": rest[1]})
        if status == 200:
            expected[transfer["id"]] = expected.get(transfer["id"], 0) + body["amount"]
    elif kind == "pay_out":
        body = {"account": rest[0], "amount": rest[1], "currency": rest[2], "outcome": rest[3]}
        talk.http("POST", "/_control/payouts", json.dumps(body), {"Content-Type": "application/json"})
    elif kind == "fault":
        talk.fault(fault=rest[0], match={"method": "POST", "path": "/v1/transfers"})
    elif kind == "advance":
        talk.control("POST", "clock", {"advance": rest[0]})


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STEPS, min_size=3, max_size=14))
def test_the_books_add_up_after_any_sequence(running, steps):
    running.control("POST", "reset", {"endpoints": True})
    for account in ("acct_a", "acct_b"):
        running.payee(id=account, agreement="recipient")
    transfers, reversed_by_us = [], {}

    for step in steps:
        play(running, step, transfers, reversed_by_us)

    books = running.books()
    listed = {one["id"]: one for one in running.api("GET", "/v1/transfers?limit=100")[2]["data"]}
    assert {one["id"] for one in transfers} <= set(listed)
    assert {name: one["amount_reversed"] for name, one in listed.items() if one["amount_reversed"]} == reversed_by_us
    assert books["transfers"]["count"] == len(listed)
    for holder, held in books["balances"].items():
        assert holder == "outside" or min(held.values(), default=0) >= 0


def test_the_dump_notices_a_balance_that_was_tampered_with(talk):
    talk.fund(500)
    talk.server.standin.store.run("UPDATE balances SET minor = minor + 1 WHERE holder = 'platform'")

    books = talk.control("GET", "books")

    assert books["adds_up"] is False
    assert books["differences"] == [
        "eur: all holders together hold 1, not 0",
        "platform eur: balance 501, postings say 500",
        "platform eur: balance 501, balance transactions say 500",
    ]


def test_recipients_wait_a_day_for_what_they_were_sent(talk):
    talk.fund()
    ana = talk.payee(agreement="recipient")
    talk.api("POST", "/v1/transfers", {"amount": 700, "currency": "eur", "destination": ana})
    as_ana = {"Stripe-Account": ana}

    before = talk.api("GET", "/v1/balance", headers=as_ana)[2]
    talk.control("POST", "clock", {"advance": 24 * 3600})
    after = talk.api("GET", "/v1/balance", headers=as_ana)[2]

    assert [(one["available"][0]["amount"], one["pending"][0]["amount"]) for one in (before, after)] == [
        (0, 700),
        (700, 0),
    ]


def test_a_reversal_takes_no_more_than_is_left(talk):
    talk.fund()
    ana = talk.payee()
    transfer = talk.api("POST", "/v1/transfers", {"amount": 700, "currency": "eur", "destination": ana})[2]
    path = f"/v1/transfers/{transfer['id']}/reversals"

    statuses = [talk.api("POST", path, {"amount": amount})[0] for amount in (300, 500, 400, 1)]

    now = talk.api("GET", f"/v1/transfers/{transfer['id']}")[2]
    assert statuses == [200, 400, 200, 400]
    assert (now["amount_reversed"], now["reversed"], len(now["reversals"]["data"])) == (
        700,
        True,
        2,
    )
    assert talk.books()["balances"]["platform"] == {"eur": 1_000_000}


def test_money_that_reached_the_bank_cannot_be_reversed(talk):
    talk.fund()
    ana = talk.payee()
    transfer = talk.api("POST", "/v1/transfers", {"amount": 700, "currency": "eur", "destination": ana})[2]
    talk.control("POST", "payouts", {"account": ana, "amount": 600, "currency": "eur", "outcome": "paid"})

    status, _, body = talk.api("POST", f"/v1/transfers/{transfer['id']}/reversals", {})

    assert (status, body["error"]["code"]) == (400, "balance_insufficient")
    assert talk.api("GET", f"/v1/transfers/{transfer['id']}")[2]["amount_reversed"] == 0


def test_lists_are_filtered_and_paged_without_gaps(talk):
    talk.fund()
    ana, bo = talk.payee(), talk.payee()
    for n in range(7):
        params = {
            "amount": n + 1,
            "currency": "eur",
            "destination": ana if n % 2 else bo,
            "transfer_group": f"g{n % 3}",
        }
        talk.api("POST", "/v1/transfers", params)

    every = [one.amount for one in talk.client().v1.transfers.list({"limit": 2}).auto_paging_iter()]
    first = talk.client().v1.transfers.list({"limit": 3})
    back = talk.client().v1.transfers.list({"limit": 2, "ending_before": first.data[2].id})

    assert every == [7, 6, 5, 4, 3, 2, 1]
    assert [one.amount for one in back.data] == [7, 6]
    assert [one.amount for one in talk.client().v1.transfers.list({"destination": bo}).data] == [
        7,
        5,
        3,
        1,
    ]
    assert [one.amount for one in talk.client().v1.transfers.list({"transfer_group": "g0"}).data] == [7, 4, 1]
    assert talk.client().v1.transfers.list({"created": {"lt": 5}}).data == []

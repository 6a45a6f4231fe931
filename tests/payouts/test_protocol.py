"""The decisions of exactly-once payouts, one at a time. Fault numbers are those of the fault matrix."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from payouts.protocol import (
    DESTINATION_CHANGED,
    NO_FUNDS,
    PAYEE_NOT_PAYABLE,
    RULES,
    RUN_CANCELLED,
    BookEntry,
    Decision,
    Facts,
    PayoutState,
    Plan,
    State,
    key_of,
)
from payouts.provider import Accepted, Busy, Refused, Transfer, TransferCall, Unsure
from payouts.reconciliation import compare_run
from payouts.sender import RunBooks, Sender

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

READY = PayoutState("pay_1", 8_000, "EUR", "acct_1", "fp_1")
TRANSFER = Transfer("tr_1", "pay_1", 8_000, "EUR", "acct_1")


def facts(at: datetime = NOON, **changes) -> Facts:
    return replace(Facts(at, "fp_1"), **changes)


def claimed(at: datetime = NOON) -> PayoutState:
    return RULES.claim(READY, facts(at)).state


def answered(answer, *, payout: PayoutState | None = None, at: datetime = NOON) -> Decision:
    payout = payout or claimed()
    return RULES.after_answer(payout, facts(at), answer=answer, fence=payout.fence)


def listed(payout: PayoutState, *found: Transfer, at: datetime, **changes) -> Decision:
    """Claim for a listing, list, decide."""
    claim = RULES.claim(payout, facts(at, **changes))
    assert claim.plan is Plan.LIST_FIRST, claim.reason
    return RULES.after_listing(claim.state, facts(at, **changes), found=found, fence=claim.state.fence)


# Claiming


def test_a_claim_writes_the_intent_down_before_anything_is_called():
    decision = RULES.claim(READY, facts())

    assert decision.plan is Plan.CALL
    assert decision.call == TransferCall("pay_1", "po-pay_1-1", 8_000, "EUR", "acct_1")
    assert (decision.state.state, decision.state.fence, decision.state.attempt) == (
        State.SENDING,
        1,
        1,
    )
    assert decision.state.first_sent_at == NOON
    assert decision.state.lease_until == NOON + RULES.LEASE
    assert decision.entry is BookEntry.NOTHING


def test_a_second_worker_finds_the_payout_leased():
    decision = RULES.claim(claimed(), facts(NOON + 4 * MINUTE))

    assert (decision.plan, decision.reason) == (Plan.STOP, "leased")
    assert decision.state == claimed()


def test_after_a_crash_the_successor_repeats_the_same_key():
    """Fault 2."""
    decision = RULES.claim(claimed(), facts(NOON + 6 * MINUTE))

    assert decision.call is not None
    assert decision.call.key == key_of("pay_1", 1)
    assert decision.state.fence == 2
    assert decision.state.first_sent_at == NOON


def test_a_key_older_than_twenty_hours_is_looked_up_before_anything_is_called():
    decision = RULES.claim(claimed(), facts(NOON + 21 * HOUR))

    assert (decision.plan, decision.call) == (Plan.LIST_FIRST, None)
    assert decision.state.state == State.UNSURE


@pytest.mark.parametrize("state", [State.SENT, State.PAID, State.BLOCKED, State.CANCELLED])
def test_what_has_ended_is_not_claimed(state):
    payout = replace(READY, state=state)

    assert RULES.claim(payout, facts()) == Decision(payout, reason=f"already_{state}")


def test_nothing_leaves_a_run_that_is_not_sending():
    assert RULES.claim(READY, facts(run_is_sending=False)) == Decision(READY, reason="run_not_sending")


def test_nothing_leaves_before_a_reconcile_after_a_restore():
    """Fault 8."""
    assert RULES.claim(READY, facts(is_reconciled=False)) == Decision(READY, reason="not_reconciled")


@pytest.mark.parametrize(
    ("change", "reason", "state"),
    [
        ({"payee_may_be_paid": False}, PAYEE_NOT_PAYABLE, State.BLOCKED),
        ({"fingerprint": "fp_2"}, DESTINATION_CHANGED, State.BLOCKED),
        ({"run_is_sending": False, "run_is_cancelled": True}, RUN_CANCELLED, State.CANCELLED),
    ],
)
def test_a_barred_payout_that_never_left_gives_its_money_back(change, reason, state):
    """Faults 23 and 24."""
    decision = RULES.claim(READY, facts(**change))

    assert (decision.plan, decision.entry, decision.reason) == (
        Plan.STOP,
        BookEntry.RELEASE,
        reason,
    )
    assert (decision.state.state, decision.state.block_reason) == (state, reason)


def test_a_barred_payout_that_may_have_left_keeps_its_money_until_silence_has_faded():
    early = RULES.claim(claimed(), facts(NOON + 6 * MINUTE, payee_may_be_paid=False))
    late = listed(claimed(), at=NOON + 13 * HOUR, payee_may_be_paid=False)

    assert (early.plan, early.reason, early.entry) == (Plan.STOP, "settling", BookEntry.NOTHING)
    assert (late.state.state, late.entry) == (State.BLOCKED, BookEntry.RELEASE)


def test_a_worker_calls_only_with_enough_of_its_lease_left():
    assert RULES.may_call(RULES.CALL_LIMIT + timedelta(seconds=1))
    assert not RULES.may_call(RULES.CALL_LIMIT)


# Answers


def test_an_accepted_transfer_is_recorded():
    decision = answered(Accepted(TRANSFER))

    assert (decision.state.state, decision.state.transfer_id) == (State.SENT, "tr_1")
    assert (decision.state.lease_until, decision.entry) == (None, BookEntry.NOTHING)


def test_silence_makes_a_payout_unsure_and_keeps_its_key():
    """Fault 14."""
    decision = answered(Unsure())

    assert (decision.state.state, decision.state.key_spent, decision.entry) == (
        State.UNSURE,
        False,
        BookEntry.NOTHING,
    )


def test_an_unsure_payout_is_listed_first_and_then_repeats_its_young_key():
    decision = listed(answered(Unsure()).state, at=NOON + 2 * MINUTE)

    assert decision.plan is Plan.CALL
    assert decision.call is not None
    assert decision.call.key == "po-pay_1-1"


def test_an_unsure_payout_whose_transfer_is_found_is_never_called_for_again():
    decision = listed(answered(Unsure()).state, TRANSFER, at=NOON + 2 * MINUTE)

    assert (decision.plan, decision.state.state, decision.state.transfer_id) == (
        Plan.STOP,
        State.SENT,
        "tr_1",
    )


def test_a_kept_failure_brings_a_new_key_only_after_ten_minutes_and_an_empty_listing():
    """Fault 15."""
    failed = answered(Unsure(key_is_spent=True)).state

    early = RULES.claim(failed, facts(NOON + 9 * MINUTE))
    late = listed(failed, at=NOON + 10 * MINUTE)

    assert (early.plan, early.reason) == (Plan.STOP, "settling")
    assert late.call is not None
    assert late.call.key == "po-pay_1-2"
    assert (late.state.first_sent_at, late.state.key_spent) == (NOON + 10 * MINUTE, False)


def test_an_old_key_without_an_answer_waits_for_silence_to_fade_before_a_new_one_is_born():
    retried = replace(RULES.claim(claimed(), facts(NOON + 19 * HOUR)).state)

    early = RULES.claim(retried, facts(NOON + 22 * HOUR))
    late = listed(retried, at=NOON + 32 * HOUR)

    assert early.reason == "settling"
    assert late.call is not None
    assert late.call.key == "po-pay_1-2"


def test_a_busy_provider_has_not_heard_the_only_call():
    decision = answered(Busy())

    assert (decision.state.state, decision.state.first_sent_at) == (State.READY, None)
    assert RULES.cancel(decision.state, facts()).entry is BookEntry.RELEASE


def test_a_busy_provider_says_nothing_about_an_earlier_call():
    retried = RULES.claim(claimed(), facts(NOON + 6 * MINUTE)).state

    decision = answered(Busy(), payout=retried, at=NOON + 6 * MINUTE)

    assert decision.state.state == State.SENDING
    assert RULES.cancel(decision.state, facts()).reason == "already_sending"


def test_a_refusal_of_the_only_call_is_looked_up_once_and_frees_the_money():
    """Fault 19."""
    refused = answered(Refused("account_closed"))

    decision = RULES.after_listing(refused.state, facts(), found=(), fence=1)

    assert (refused.plan, refused.entry) == (Plan.LIST_FIRST, BookEntry.NOTHING)
    assert (decision.state.state, decision.state.block_reason) == (State.BLOCKED, "account_closed")
    assert decision.entry is BookEntry.RELEASE
    assert not decision.state.is_reserved


def test_a_refusal_after_an_earlier_call_waits_before_it_frees_anything():
    retried = RULES.claim(claimed(), facts(NOON + 6 * MINUTE)).state
    refused = answered(Refused("account_closed"), payout=retried, at=NOON + 6 * MINUTE)

    early = RULES.claim(refused.state, facts(NOON + 8 * MINUTE))
    late = listed(refused.state, at=NOON + 16 * MINUTE)

    assert (refused.plan, early.reason) == (Plan.STOP, "settling")
    assert late.entry is BookEntry.RELEASE


def test_a_refusal_that_turns_out_to_have_been_paid_is_recorded():
    refused = answered(Refused("account_closed"))

    decision = RULES.after_listing(refused.state, facts(), found=(TRANSFER,), fence=1)

    assert (decision.state.state, decision.state.block_reason, decision.entry) == (
        State.SENT,
        "",
        BookEntry.NOTHING,
    )


def test_want_of_funds_keeps_the_payouts_place_and_a_new_key_follows_the_top_up():
    """Fault 18."""
    refused = answered(Refused(NO_FUNDS))
    blocked = RULES.after_listing(refused.state, facts(), found=(), fence=1)

    resumed = RULES.resume(blocked.state, facts(NOON + HOUR))
    decision = listed(resumed.state, at=NOON + HOUR)

    assert (blocked.state.state, blocked.entry, blocked.state.is_reserved) == (
        State.BLOCKED,
        BookEntry.NOTHING,
        True,
    )
    assert decision.call is not None
    assert decision.call.key == "po-pay_1-2"


def test_an_unknown_code_holds_the_money_until_a_person_has_looked():
    refused = answered(Refused("anomalous_money_movement_request"))
    blocked = RULES.after_listing(refused.state, facts(), found=(), fence=1)

    assert (blocked.state.state, blocked.entry, blocked.state.is_reserved) == (
        State.BLOCKED,
        BookEntry.NOTHING,
        True,
    )
    assert RULES.cancel(blocked.state, facts()).reason == "already_blocked"
    assert RULES.resume(blocked.state, facts(NOON + HOUR)).state.quiet_at == NOON + HOUR + RULES.QUIET


def test_changed_parameters_under_a_key_raise_an_alarm():
    """Fault 16."""
    assert answered(Refused("idempotency_error")).alarm == "idempotency_error"


# Late workers


@pytest.mark.parametrize("answer", [Unsure(), Unsure(key_is_spent=True), Refused("account_closed"), Busy()])
def test_a_late_workers_bad_news_changes_nothing(answer):
    newer = RULES.claim(claimed(), facts(NOON + 6 * MINUTE)).state

    decision = RULES.after_answer(newer, facts(), answer=answer, fence=1)

    assert decision == Decision(newer, reason="late")


def test_a_late_workers_transfer_is_always_recorded():
    newer = RULES.claim(claimed(), facts(NOON + 6 * MINUTE)).state

    decision = RULES.after_answer(newer, facts(), answer=Accepted(TRANSFER), fence=1)

    assert (decision.state.state, decision.state.transfer_id) == (State.SENT, "tr_1")


def test_a_late_workers_empty_listing_changes_nothing():
    first = RULES.claim(claimed(), facts(NOON + 21 * HOUR)).state
    newer = RULES.claim(first, facts(NOON + 22 * HOUR)).state

    decision = RULES.after_listing(newer, facts(NOON + 22 * HOUR), found=(), fence=first.fence)

    assert decision == Decision(newer, reason="late")


def test_a_transfer_after_the_money_went_back_is_an_alarm_and_not_recorded():
    back = RULES.cancel(READY, facts()).state

    decision = RULES.record(back, facts(), transfer=TRANSFER)

    assert (decision.state, decision.alarm) == (back, "paid_after_release")


def test_a_second_transfer_is_an_alarm():
    sent = answered(Accepted(TRANSFER)).state

    decision = RULES.record(sent, facts(), transfer=replace(TRANSFER, id="tr_2"))

    assert (decision.state, decision.alarm) == (sent, "paid_twice")


# Settling


def test_settling_reads_the_transfer_and_posts_once():
    sent = answered(Accepted(TRANSFER)).state

    first = RULES.settle(sent, facts(), transfer=TRANSFER)
    second = RULES.settle(first.state, facts(), transfer=TRANSFER)

    assert (first.state.state, first.entry) == (State.PAID, BookEntry.SETTLEMENT)
    assert (second.state, second.entry) == (first.state, BookEntry.NOTHING)


def test_news_of_an_unrecorded_transfer_records_and_settles_in_one_go():
    decision = RULES.settle(claimed(), facts(), transfer=TRANSFER)

    assert (decision.state.state, decision.state.transfer_id, decision.entry) == (
        State.PAID,
        "tr_1",
        BookEntry.SETTLEMENT,
    )


@pytest.mark.parametrize("difference", [{"amount_minor": 8_001}, {"currency": "USD"}, {"destination": "acct_2"}])
def test_a_transfer_that_differs_is_not_settled(difference):
    sent = answered(Accepted(TRANSFER)).state

    decision = RULES.settle(sent, facts(), transfer=replace(TRANSFER, **difference))

    assert (decision.state.state, decision.entry, decision.alarm) == (
        State.SENT,
        BookEntry.NOTHING,
        "transfer_differs",
    )


@pytest.mark.parametrize(("is_settled", "entry"), [(False, BookEntry.RELEASE), (True, BookEntry.RETURN)])
def test_a_transfer_that_came_back_frees_the_money_once(is_settled, entry):
    """Fault 19."""
    payout = answered(Accepted(TRANSFER)).state
    if is_settled:
        payout = RULES.settle(payout, facts(), transfer=TRANSFER).state
    back = replace(TRANSFER, reversed_minor=8_000)

    first = RULES.settle(payout, facts(), transfer=back)
    second = RULES.settle(first.state, facts(), transfer=back)
    late_news = RULES.settle(first.state, facts(), transfer=TRANSFER)

    assert (first.state.state, first.entry) == (State.BLOCKED, entry)
    assert (second.entry, late_news.entry) == (BookEntry.NOTHING, BookEntry.NOTHING)


def test_a_transfer_that_came_back_in_part_is_an_alarm():
    sent = answered(Accepted(TRANSFER)).state

    decision = RULES.settle(sent, facts(), transfer=replace(TRANSFER, reversed_minor=1))

    assert (decision.state.state, decision.entry, decision.alarm) == (
        State.SENT,
        BookEntry.NOTHING,
        "partly_reversed",
    )


# Cancelling


def test_a_payout_that_never_left_can_be_cancelled_once():
    """Fault 20."""
    first = RULES.cancel(READY, facts())
    second = RULES.cancel(first.state, facts())

    assert (first.state.state, first.entry) == (State.CANCELLED, BookEntry.RELEASE)
    assert second == Decision(first.state, reason="already_cancelled")


def test_a_payout_under_way_cannot_be_cancelled():
    for payout in (claimed(), answered(Unsure()).state, answered(Accepted(TRANSFER)).state):
        assert RULES.cancel(payout, facts()) == Decision(payout, reason=f"already_{payout.state}")


def test_nothing_is_cancelled_before_a_reconcile_after_a_restore():
    """Fault 8."""
    assert RULES.cancel(READY, facts(is_reconciled=False)) == Decision(READY, reason="not_reconciled")


def test_a_payout_whose_money_went_back_cannot_be_resumed():
    blocked = RULES.claim(READY, facts(payee_may_be_paid=False)).state

    assert RULES.resume(blocked, facts()) == Decision(blocked, reason="already_blocked")


def test_a_screen_can_say_when_another_look_is_worth_while():
    assert RULES.wakes_at(READY) is None
    assert RULES.wakes_at(claimed()) == NOON + RULES.LEASE
    assert RULES.wakes_at(answered(Unsure()).state) == NOON + RULES.RETRY
    assert RULES.wakes_at(answered(Unsure(key_is_spent=True)).state) == NOON + RULES.QUIET


# Reconciling


def test_a_run_that_agrees_raises_no_alarm():
    paid = RULES.settle(claimed(), facts(), transfer=TRANSFER).state

    comparison = compare_run({"pay_1": paid}, [TRANSFER], at=NOON + HOUR)

    assert (comparison.matched, comparison.alarms) == (["pay_1"], [])


def test_a_transfer_we_do_not_know_of_yet_is_something_to_settle():
    comparison = compare_run({"pay_1": claimed()}, [TRANSFER], at=NOON + HOUR)

    assert (comparison.to_settle, comparison.alarms) == ([TRANSFER], [])


def test_every_disagreement_is_an_alarm():
    paid = RULES.settle(claimed(), facts(), transfer=TRANSFER).state
    cancelled = replace(RULES.cancel(READY, facts()).state, payout_id="pay_2")
    gone = replace(paid, payout_id="pay_3", transfer_id="tr_3")
    differs = replace(claimed(), payout_id="pay_4")

    comparison = compare_run(
        {"pay_1": paid, "pay_2": cancelled, "pay_3": gone, "pay_4": differs},
        [
            TRANSFER,
            replace(TRANSFER, id="tr_1b"),
            replace(TRANSFER, id="tr_2", payout_id="pay_2"),
            replace(TRANSFER, id="tr_4", payout_id="pay_4", amount_minor=9_000),
            replace(TRANSFER, id="tr_9", payout_id="pay_9"),
        ],
        at=NOON + HOUR,
    )

    assert set(comparison.alarms) == {
        "doubled tr_1b",
        "unexpected tr_1b",
        "unexpected tr_2",
        "missing pay_3",
        "differing tr_4",
        "foreign tr_9",
    }


def test_a_fresh_transfer_may_be_missing_from_a_listing_for_ten_minutes():
    sent = answered(Accepted(TRANSFER)).state

    assert compare_run({"pay_1": sent}, [], at=NOON + 9 * MINUTE).alarms == []
    assert compare_run({"pay_1": sent}, [], at=NOON + 10 * MINUTE).alarms == ["missing pay_1"]


# The order of events, carried out for real


class Shelf:
    """A store that keeps its one payout in a variable, and writes down what it did."""

    def __init__(self, payout: PayoutState) -> None:
        self.payout = payout
        self.entries: list[BookEntry] = []
        self.reconciles: list[list[str]] = []
        self.now = NOON

    def decide(self, payout_id, rule):
        decision = rule(self.payout, facts(self.now))
        self.payout = decision.state
        if decision.entry is not BookEntry.NOTHING:
            self.entries.append(decision.entry)
        return decision

    def read_run(self, run_id):
        return RunBooks(self.now, {"pay_1": self.payout})

    def close_reconcile(self, run_id, *, began_at, alarms):
        self.reconciles.append(list(alarms))


class Counter:
    """A provider with one counter clerk: answers from a list, keeps what was asked."""

    def __init__(self, *answers, transfers=()) -> None:
        self.answers = list(answers)
        self.transfers = list(transfers)
        self.calls: list[TransferCall] = []
        self.listings = 0

    def create_transfer(self, call):
        self.calls.append(call)
        return self.answers.pop(0)

    def list_transfers(self, payout_id):
        self.listings += 1
        return self.transfers

    def list_run_transfers(self, run_id):
        return self.transfers

    def retrieve_transfer(self, transfer_id):
        return next((transfer for transfer in self.transfers if transfer.id == transfer_id), None)


class Watch:
    """A worker's clock that stands where it is put."""

    seconds = 0.0

    def monotonic(self):
        self.seconds += self.each
        return self.seconds

    def __init__(self, each: float = 0.0) -> None:
        self.each = each


def test_a_payout_is_sent_then_settled_from_the_transfer_as_read_again():
    store, provider = Shelf(READY), Counter(Accepted(TRANSFER), transfers=[TRANSFER])
    sender = Sender(store, provider, Watch())

    sender.send_one("pay_1")
    sender.settle_one(replace(TRANSFER, amount_minor=1))

    assert [call.key for call in provider.calls] == ["po-pay_1-1"]
    assert (store.payout.state, store.entries) == (State.PAID, [BookEntry.SETTLEMENT])


def test_a_refused_payout_is_listed_once_and_blocked_in_one_go():
    store, provider = Shelf(READY), Counter(Refused("account_closed"))

    Sender(store, provider, Watch()).send_one("pay_1")

    assert (store.payout.state, store.entries, provider.listings) == (
        State.BLOCKED,
        [BookEntry.RELEASE],
        1,
    )


def test_a_worker_that_slept_through_its_lease_does_not_call():
    store, provider = Shelf(READY), Counter()

    Sender(store, provider, Watch(each=250.0)).send_one("pay_1")

    assert (provider.calls, store.payout.state) == ([], State.SENDING)


def test_news_of_a_transfer_the_provider_does_not_know_changes_nothing():
    """Fault 17."""
    store = Shelf(READY)

    assert Sender(store, Counter(), Watch()).settle_one(TRANSFER) is None
    assert (store.payout, store.entries) == (READY, [])


def test_a_reconcile_catches_up_and_reports():
    store, provider = Shelf(claimed()), Counter(transfers=[TRANSFER])

    comparison = Sender(store, provider, Watch()).reconcile_run("run_1")

    assert (store.payout.state, store.entries, store.reconciles) == (
        State.PAID,
        [BookEntry.SETTLEMENT],
        [[]],
    )
    assert comparison.to_settle == [TRANSFER]

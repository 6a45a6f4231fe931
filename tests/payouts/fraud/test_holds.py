"""Commissions under suspicion: held, appealed, released, confirmed, and let go when the promise is over (F1-F17)."""

from datetime import timedelta

import pytest

from affiliates.models import RoleGrant
from affiliates.teams import grant_role
from ledger.accounts import balance_of
from ledger.journal import events_about
from ledger.money import Money
from payouts import chart, runs
from payouts.adjustments import Cause, adjust_commissions
from payouts.commissions import approve_commission, approve_due_commissions
from payouts.errors import FraudAnswerRefused, FraudFindingNotInState, NotYetDue, RunHasSuspicion
from payouts.fraud import answering, lines
from payouts.models import Commission, FraudHold
from payouts.queries.states import in_state, state_of
from payouts.sales import refund_sale
from tests.factories.fraud import find, find_or_none
from tests.factories.world import make_sale, make_user, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

DAY = timedelta(days=1)


@pytest.fixture
def world(at):
    return make_world(at)


@pytest.fixture
def sale(world, at):
    return make_sale(world, at=at)


@pytest.fixture
def staff(at):
    user = make_user("staff")
    grant_role(user, RoleGrant.Role.NETWORK_STAFF, at=at)
    return user


def only() -> Commission:
    return Commission.objects.get()


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


# ── Held ─────────────────────────────────────────────────────────────────────────────────


def test_a_held_commission_is_not_approved_however_old_it_is(world, sale, at):
    finding = find(world, sale.conversion, at=at)

    approve_due_commissions(at=at + 400 * DAY)

    assert only().status == "pending"
    with pytest.raises(NotYetDue):
        approve_commission(only(), at=at + 400 * DAY)
    assert finding.state == "held"
    assert finding.answer_due_at == at + 14 * DAY
    assert [event.name for event in events_about(finding.public_id)] == ["fraud.found"]
    assert [step.step for step in finding.steps.all()] == ["found"]


def test_the_other_commissions_of_a_partner_are_approved_in_time(world, sale, at):
    find(world, sale.conversion, at=at)
    other = make_sale(world, at=at).conversion

    approve_due_commissions(at=at + 31 * DAY)

    assert {row.conversion_id for row in Commission.objects.filter(status="approved")} == {other.pk}


def test_a_held_commission_stands_as_held_with_the_date_of_its_answer(world, sale, at):
    finding = find(world, sale.conversion, at=at)
    state = state_of(only(), at=at)

    assert (state.name, state.reason, state.until) == ("held", "fraud_suspected", finding.answer_due_at)
    assert list(in_state(Commission.objects.all(), "held")) == [only()]
    assert list(in_state(Commission.objects.all(), "pending")) == []


@pytest.mark.parametrize(("action", "state"), [("review", "open"), ("notice", "noted")])
def test_a_rule_that_only_reviews_or_notes_keeps_nothing_back(world, sale, at, action, state):
    finding = find(world, sale.conversion, at=at, action=action)

    approve_due_commissions(at=at + 31 * DAY)

    assert finding.state == state
    assert only().status == "approved"


def test_a_person_may_hold_what_was_only_to_be_reviewed(world, sale, at):
    finding = find(world, sale.conversion, at=at, action="review")

    held = answering.hold_finding(finding, "Looks wrong.", side="merchant", by=world.owner, at=at + DAY)

    approve_due_commissions(at=at + 31 * DAY)
    assert (held.state, held.answer_due_at) == ("held", at + 15 * DAY)
    assert only().status == "pending"


def test_a_held_order_is_still_refunded_and_amended(world, sale, at):
    finding = find(world, sale.conversion, at=at)
    refund_sale(sale.conversion, amount=usd("40.00"), reference="re_1", at=at + DAY)

    answering.release_finding(finding, side="merchant", by=world.owner, at=at + 2 * DAY)
    approve_due_commissions(at=at + 31 * DAY)

    assert (only().status, only().remaining) == ("approved", usd("12.00"))


# ── Released ─────────────────────────────────────────────────────────────────────────────


def test_a_released_hold_pays_what_it_would_have_paid(world, sale, at):
    finding = find(world, sale.conversion, at=at)

    answering.release_finding(finding, "A newsletter.", side="merchant", by=world.owner, at=at + DAY)
    approve_due_commissions(at=at + 31 * DAY)

    assert (only().status, only().remaining) == ("approved", usd("20.00"))
    assert balance_of(chart.payable(world.affiliate), "USD") == usd("20.00")
    assert [step.step for step in finding.steps.order_by("at", "pk")] == ["found", "released"]


def test_a_hold_that_nobody_answers_ends_by_itself_and_says_so(world, sale, at):
    finding = find(world, sale.conversion, at=at)

    early = answering.release_overdue_findings(at=at + 14 * DAY - timedelta(seconds=1))
    late = answering.release_overdue_findings(at=at + 14 * DAY)
    again = answering.release_overdue_findings(at=at + 15 * DAY)
    approve_due_commissions(at=at + 31 * DAY)

    fresh = finding.refreshed()
    assert (early, late, again) == (0, 1, 0)
    assert (fresh.state, fresh.is_automatic) == ("released", True)
    assert events_about(finding.public_id)[0].data["automatic"] is True
    assert finding.steps.get(step="released").side == "house"
    assert only().status == "approved"


def test_an_appeal_that_the_network_does_not_answer_ends_by_itself_too(world, sale, at):
    finding = find(world, sale.conversion, at=at)
    answering.appeal_finding(finding, "It was my newsletter.", by=world.partner, at=at + DAY)

    assert finding.refreshed().answer_due_at == at + 14 * DAY
    assert answering.release_overdue_findings(at=at + 14 * DAY) == 1
    assert finding.refreshed().state == "released"


def test_two_findings_about_one_commission_are_released_one_by_one(world, sale, at):
    first, second = find(world, sale.conversion, at=at), find(world, sale.conversion, at=at, rule="F11")

    answering.release_finding(first, side="merchant", by=world.owner, at=at + DAY)
    approve_due_commissions(at=at + 31 * DAY)
    was = only().status
    answering.release_finding(second, side="merchant", by=world.owner, at=at + 32 * DAY)
    approve_due_commissions(at=at + 33 * DAY)

    assert (was, only().status) == ("pending", "approved")


# ── Confirmed ────────────────────────────────────────────────────────────────────────────


def test_what_the_network_confirms_is_reversed_by_entries_with_its_reason(world, sale, staff, at):
    finding = find(world, sale.conversion, at=at)

    answering.confirm_finding(finding, "Own orders.", by=staff, at=at + DAY)

    assert (only().status, only().remaining) == ("reversed", usd("0.00"))
    assert balance_of(chart.pending(world.affiliate), "USD") == usd("0.00")
    assert events_about(only().public_id)[0].data["reason"] == "fraud_confirmed"
    state = state_of(only())
    assert (state.name, state.reason, state.until) == ("reversed", "fraud_confirmed", at + DAY)


def test_confirmed_stays_worth_nothing_when_the_order_grows_or_shrinks_later(world, sale, staff, at):
    finding = find(world, sale.conversion, at=at)
    answering.confirm_finding(finding, "Own orders.", by=staff, at=at + DAY)

    refund_sale(sale.conversion, amount=usd("40.00"), reference="re_1", at=at + 2 * DAY)
    adjust_commissions(sale.conversion.refreshed(), Cause("crev_1", "amended", at + 3 * DAY))
    approve_due_commissions(at=at + 60 * DAY)

    assert (only().status, only().remaining) == ("reversed", usd("0.00"))


def test_what_was_approved_before_it_was_found_is_taken_back_when_confirmed(world, sale, staff, at):
    approve_due_commissions(at=at + 31 * DAY)
    finding = find(world, sale.conversion, at=at + 32 * DAY)
    watched = FraudHold.objects.get()

    answering.confirm_finding(finding, "Own orders.", by=staff, at=at + 33 * DAY)

    assert watched.state == "watched"
    assert balance_of(chart.payable(world.affiliate), "USD") == usd("0.00")
    assert only().status == "reversed"


def test_only_what_is_held_can_be_confirmed_and_only_with_words(world, sale, staff, at):
    open_one = find(world, sale.conversion, at=at, action="review")
    with pytest.raises(FraudFindingNotInState):
        answering.confirm_finding(open_one, "Own orders.", by=staff, at=at)

    answering.hold_finding(open_one, side="network", by=staff, at=at)
    with pytest.raises(FraudAnswerRefused):
        answering.confirm_finding(open_one, "  ", by=staff, at=at)

    assert open_one.refreshed().state == "held"
    assert only().status == "pending"


def test_a_partner_confirmed_before_it_could_appeal_appeals_and_gets_it_back(world, sale, staff, at):
    finding = find(world, sale.conversion, at=at)
    answering.confirm_finding(finding, "Own orders.", by=staff, at=at + DAY)

    answering.appeal_finding(finding, "They were my readers.", by=world.partner, at=at + 10 * DAY)
    with pytest.raises(FraudFindingNotInState):
        answering.release_finding(finding, side="merchant", by=world.owner, at=at + 11 * DAY)
    answering.release_finding(finding, "You are right.", side="network", by=staff, at=at + 11 * DAY)
    approve_due_commissions(at=at + 31 * DAY)

    assert (only().status, only().remaining) == ("approved", usd("20.00"))
    with pytest.raises(FraudFindingNotInState):
        answering.appeal_finding(finding, "Again.", by=world.partner, at=at + 12 * DAY)


def test_nobody_appeals_thirty_days_after_a_confirmation_or_twice(world, sale, staff, at):
    finding = find(world, sale.conversion, at=at)
    answering.confirm_finding(finding, "Own orders.", by=staff, at=at)

    with pytest.raises(FraudFindingNotInState):
        answering.appeal_finding(finding, "Late.", by=world.partner, at=at + 31 * DAY)


def test_the_merchant_asks_and_does_not_confirm(world, sale, at):
    finding = find(world, sale.conversion, at=at)

    answering.ask_network(finding, "The same card forty times.", by=world.owner, at=at + DAY)

    assert finding.refreshed().state == "held"
    assert finding.refreshed().answer_due_at == at + 14 * DAY
    with pytest.raises(FraudFindingNotInState):
        answering.ask_network(finding, "Again.", by=world.owner, at=at + DAY)


# ── Found again ──────────────────────────────────────────────────────────────────────────


def test_the_same_look_twice_is_once_and_new_orders_join_what_stands(world, sale, at):
    finding = find(world, sale.conversion, at=at)
    other = make_sale(world, at=at + DAY).conversion

    assert find_or_none(world, sale.conversion, at=at) is None
    assert find_or_none(world, sale.conversion, other, at=at + DAY) is None

    fresh = finding.refreshed()
    assert fresh.subjects == [str(sale.conversion.pk), str(other.pk)]
    assert fresh.answer_due_at == at + 14 * DAY
    assert {hold.commission.conversion_id for hold in fresh.holds.all()} == {sale.conversion.pk, other.pk}


def test_what_was_released_is_not_found_again_by_its_old_orders(world, sale, at):
    finding = find(world, sale.conversion, at=at)
    answering.release_finding(finding, side="merchant", by=world.owner, at=at + DAY)

    assert find_or_none(world, sale.conversion, at=at + 2 * DAY) is None

    others = [make_sale(world, at=at + 2 * DAY).conversion for _ in range(2)]
    again = find(world, sale.conversion, *others, at=at + 3 * DAY)
    assert again.subjects == [str(one.pk) for one in others]


# ── Payouts ──────────────────────────────────────────────────────────────────────────────


def test_a_run_with_a_suspected_line_waits_until_finance_accepts_or_excludes_it(world, sale, at):
    maker, checker = make_user("maker"), make_user("checker")
    approve_due_commissions(at=at + 31 * DAY)
    run = runs.prepare_run("2026-04", starts_at=at, ends_at=at + 40 * DAY, by=maker, at=at + 40 * DAY)
    find(world, sale.conversion, at=at + 41 * DAY)
    payout = run.payouts.get()

    with pytest.raises(RunHasSuspicion):
        runs.submit_run(run, by=maker, at=at + 41 * DAY)
    done = lines.accept_suspicion(payout, note="Known to us.", by=maker, at=at + 41 * DAY)
    runs.submit_run(run, by=maker, at=at + 41 * DAY)
    approved = runs.approve_run(run, by=checker, at=at + 41 * DAY)

    assert done == 1
    assert approved.status == "approved"


def test_a_finding_that_comes_after_submission_stops_the_approval(world, sale, at):
    maker, checker = make_user("maker"), make_user("checker")
    approve_due_commissions(at=at + 31 * DAY)
    run = runs.prepare_run("2026-04", starts_at=at, ends_at=at + 40 * DAY, by=maker, at=at + 40 * DAY)
    runs.submit_run(run, by=maker, at=at + 40 * DAY)
    find(world, sale.conversion, at=at + 41 * DAY)

    with pytest.raises(RunHasSuspicion):
        runs.approve_run(run, by=checker, at=at + 41 * DAY)
    runs.return_run(run, note="A finding came.", by=checker, at=at + 41 * DAY)
    runs.exclude_payout(run.payouts.get(), note="Suspected.", by=maker, at=at + 41 * DAY)
    runs.submit_run(run, by=maker, at=at + 41 * DAY)

    assert runs.approve_run(run, by=checker, at=at + 41 * DAY).status == "approved"


def test_confirmed_in_a_payout_is_recovered_from_what_is_paid_next(world, sale, staff, at):
    maker = make_user("maker")
    approve_due_commissions(at=at + 31 * DAY)
    runs.prepare_run("2026-04", starts_at=at, ends_at=at + 40 * DAY, by=maker, at=at + 40 * DAY)
    finding = find(world, sale.conversion, at=at + 41 * DAY)

    answering.confirm_finding(finding, "Own orders.", by=staff, at=at + 42 * DAY)

    assert state_of(only()).reason == "fraud_confirmed"
    assert state_of(only()).name == "clawed_back"
    assert balance_of(chart.recoverable(world.affiliate), "USD") == usd("20.00")

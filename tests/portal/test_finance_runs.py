"""The run's pages: who sees and does what, from preparing to the last settlement."""

from datetime import UTC, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from affiliates.models import RoleGrant
from affiliates.teams import grant_role
from ledger.money import Money
from payouts import methods, runs, tasks, transfers
from payouts.models import Payout, PayoutRun
from tests.factories.standin import (
    change_account,
    earn,
    make_desk,
    make_payee,
    onboard,
    only_payout,
    prepare,
    send,
    sender,
    start,
)
from tests.factories.world import make_user, make_world
from tests.portal.finance import address, sign_in, text_of
from tests.portal.partner import text_of as read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture
def desk(at, bank):
    cache.clear()
    return make_desk(at)


@pytest.fixture
def maker(desk):
    return sign_in(desk[0])


@pytest.fixture
def checker(desk):
    return sign_in(desk[1])


def test_a_run_goes_from_the_form_to_paid_through_the_pages(at, bank, desk, maker, checker):
    """As two people live it: five presses and one look at what would be in it."""
    world = make_payee(bank, at - timedelta(days=1))
    bank.fund(1_000_000, "usd")
    today = at.astimezone(UTC).date()
    days = {"first_day": today - timedelta(days=30), "last_day": today}

    shown = maker.get(address("run-prepare"), days)
    assert "$100.00" in text_of(shown)
    assert PayoutRun.objects.count() == 0
    maker.post(address("run-prepare"), {**days, "label": "2026-10"})
    run = PayoutRun.objects.get()
    page = text_of(maker.get(address("run", run)))
    assert "First payout" in page
    assert "Submit for approval" in page
    maker.post(address("run-submit", run))
    assert "You prepared this run, so another person must approve it. Ask Checker." in text_of(
        maker.get(address("run", run))
    )
    assert "It waits for your approval." in text_of(checker.get(address("run", run)))
    checker.post(address("run-approve", run))
    assert "Send 1 payout?" in text_of(checker.get(address("run-start", run)))
    checker.post(address("run-start", run))
    assert run.refreshed().status == "sending"

    tasks.continue_runs()
    page = text_of(checker.get(address("run", run)))
    assert "1 sent, not settled yet" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    checker.post(address("run-reconcile", run))

    assert run.refreshed().status == "closed"
    assert Payout.objects.get().state == "paid"
    assert "1 settled" in text_of(checker.get(address("run", run)))
    assert text_of(checker.get(address("payout", only_payout(run)))).count("Settled") >= 1
    assert world.affiliate.name in text_of(checker.get(address("run-lines", run)))


def test_the_person_who_prepared_cannot_approve_even_by_hand(at, desk, maker):
    """Fault 21."""
    grant_role(desk[0], RoleGrant.Role.FINANCE_CHECKER, at=at)
    run = prepare(desk[0], at=at)
    runs.submit_run(run, by=desk[0], at=at)

    page = text_of(maker.get(address("run", run)))
    answer = maker.post(address("run-approve", run))

    assert "run-approve" not in page
    assert ">Approve</button>" not in page
    assert answer.status_code == 403
    assert "another person" in text_of(answer) or "second person" in text_of(answer)
    assert run.refreshed().status == "submitted"


STEPS = ["run-submit", "run-return", "run-approve", "run-start", "run-cancel", "run-reconcile", "run-clear-alarm"]


@pytest.mark.parametrize("step", STEPS)
def test_nobody_without_a_finance_role_takes_a_step(at, desk, step):
    """Fault 38: the answer is as if there were no such page."""
    run = prepare(desk[0], at=at)
    stranger, partner = sign_in(make_user()), sign_in(make_world(at).partner)

    for client in (stranger, partner):
        assert client.post(address(step, run)).status_code == 404

    assert run.refreshed().status == "prepared"


@pytest.mark.parametrize(
    ("step", "who"),
    [
        ("run-submit", "checker"),
        ("run-cancel", "checker"),
        ("run-approve", "maker"),
        ("run-return", "maker"),
        ("run-clear-alarm", "maker"),
    ],
)
def test_a_step_of_the_other_role_is_refused(at, desk, step, who):
    run = prepare(desk[0], at=at)
    client = sign_in(desk[0] if who == "maker" else desk[1])

    assert client.post(address(step, run), {"note": "x"}).status_code == 403
    assert run.refreshed().status == "prepared"


@pytest.mark.parametrize("step", ["run-submit", "run-approve", "run-return", "run-reconcile", "run-clear-alarm"])
def test_steps_are_posts(at, desk, checker, maker, step):
    run = prepare(desk[0], at=at)

    assert {checker.get(address(step, run)).status_code, maker.get(address(step, run)).status_code} <= {403, 405}


@pytest.mark.parametrize("name", ["run", "run-lines", "run-export", "payout", "commission", "entry", "account"])
def test_what_is_not_there_is_a_404(checker, name):
    for public_id in ("run_x", "nonsense", "pay_01m83mfg57ea69yyecabheqtvb"):
        assert checker.get(address(name, public_id)).status_code == 404


def test_a_second_press_says_that_the_run_has_moved_on(at, desk, maker):
    """Fault 20."""
    run = prepare(desk[0], at=at)
    maker.post(address("run-submit", run))

    answer = maker.post(address("run-submit", run), follow=True)

    assert "Somebody was quicker" in text_of(answer)
    assert run.refreshed().status == "submitted"


def test_returning_needs_a_note_and_shows_it_in_the_log(at, desk, checker):
    run = prepare(desk[0], at=at)
    runs.submit_run(run, by=desk[0], at=at)

    assert "Write a note" in text_of(checker.post(address("run-return", run), {"note": " "}, follow=True))
    assert run.refreshed().status == "submitted"
    page = text_of(checker.post(address("run-return", run), {"note": "Look at Maya's bank"}, follow=True))

    assert run.refreshed().status == "prepared"
    assert "Look at Maya&#x27;s bank" in page


def test_excluding_a_line_needs_a_note_and_keeps_the_money_payable(at, desk, maker):
    earn(make_world(at), at=at)
    run = prepare(desk[0], at=at)
    payout = only_payout(run)

    assert "Write a note" in text_of(maker.post(address("payout-exclude", payout), follow=True))
    page = text_of(maker.post(address("payout-exclude", payout), {"note": "name differs"}, follow=True))

    assert only_payout(run).is_excluded
    assert "is not in this run any more" in page
    assert "name differs" in text_of(maker.get(address("payout", payout)))


def test_findings_are_first_payout_far_above_usual_changed_account_and_large(at, bank, desk, maker, checker):
    world = make_world(at)
    onboard(world, bank, at=at - timedelta(days=90))
    small = [make_world(at) for _ in range(4)]
    bank.fund(10_000_000, "usd")
    for one in (world, *small):
        if one is not world:
            onboard(one, bank, at=at - timedelta(days=90))
        earn(one, "100.00", at=at - timedelta(days=35))
    first = start(*desk, at=at - timedelta(days=35), label="before")
    send(first)
    transfers.reconcile(first, sender())
    method = methods.method_of(world.affiliate)
    change_account(bank, method, bank="7777")
    methods.refresh_method(method, at=at - timedelta(days=20))
    newcomer = make_payee(bank, at, "60.00")
    earn(world, "900.00", at=at)
    for one in small:
        earn(one, "80.00", at=at)

    run = prepare(desk[0], at=at)

    lines = text_of(checker.get(address("run-lines", run) + "?view=any"))
    assert world.affiliate.name in lines
    assert newcomer.affiliate.name in lines
    assert small[0].affiliate.name not in lines
    for view, found in (
        ("first_payout", newcomer), ("above_median", world), ("method_changed", world), ("large", world), ("clean", small[0]),
    ):  # fmt: skip
        page = text_of(checker.get(address("run-lines", run) + f"?view={view}"))
        assert found.affiliate.name in page, view
    page = read(checker.get(address("run", run)))
    assert "More than 3 times the usual $20.00." in page
    assert "The bank account is another one than at the last payout." in page
    assert "2 lines to check" in page
    assert "4 lines without findings" in page
    assert "compared with before" in page


def test_a_run_says_who_was_left_out_and_why(at, desk, checker):
    earn(make_world(at), "40.00", at=at)
    run = prepare(desk[0], at=at)

    page = text_of(checker.get(address("run", run)))

    assert "Below the minimum" in page
    assert "$8.00" in page
    assert "Nothing to pay" in page


def test_missing_funds_are_named_before_anybody_sends(at, bank, desk, checker):
    make_payee(bank, at)
    bank.fund(2_500, "usd")
    run = prepare(desk[0], at=at)
    runs.submit_run(run, by=desk[0], at=at)

    for page in (address("run", run), address("desk")):
        shown = read(checker.get(page))
        assert "Top up $75.00 USD" in shown
        assert "Open runs need $100.00, Stripe holds $25.00" in shown


def test_a_payout_without_an_answer_is_locked_and_says_why(at, bank, desk, checker):
    """Fault 14: retrying could pay twice."""
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match={"method": "POST", "path": "/v1/transfers"}, fault="fail_after", answer="lost")
    run = start(*desk, at=at)
    send(run)
    payout = only_payout(run)

    page = text_of(checker.get(address("payout", payout)))
    assert "Sending it again could pay twice" in page
    assert "disabled" in page
    answer = checker.post(address("payout-resume", payout), follow=True)

    assert "cannot be changed any more" in text_of(answer)
    assert only_payout(run).state == "unsure"
    assert "Outcome unknown" in text_of(checker.get(address("failures")))


def test_a_held_payout_is_resumed_by_a_person_and_never_sent_twice(at, bank, desk, checker):
    make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    bank.fault(match={"method": "POST", "path": "/v1/transfers"}, fault="error", status=400, code="approval_required")
    run = start(*desk, at=at)
    send(run)
    payout = only_payout(run)
    assert "Refused by Stripe" in text_of(checker.get(address("failures")))

    page = text_of(checker.post(address("payout-resume", payout), follow=True))

    assert "looked up at Stripe before anything is sent again" in page
    assert only_payout(run).state == "unsure"
    send(run, later=timedelta(minutes=30))
    assert only_payout(run).state == "sent"
    log = text_of(checker.get(address("payout", payout)))
    assert "Resumed" in log


def test_what_stripe_refused_is_listed_by_cause_with_the_next_step(at, bank, desk, checker):
    """Fault 19."""
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    change_account(bank, methods.method_of(world.affiliate), transfers="restricted")
    send(run)

    page = text_of(checker.get(address("failures")))

    assert "Account restricted" in page
    assert "payable again" in page
    assert "The partner has been told" in page
    one = text_of(checker.get(address("failures") + "?cause=insufficient_capabilities_for_transfer"))
    assert world.affiliate.name in one
    assert "is ignored" in text_of(checker.get(address("failures") + "?cause=nonsense&odd=1"))


def test_an_alarm_shows_its_lines_and_is_cleared_with_a_note(at, bank, desk, checker):
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*desk, at=at)
    foreign = bank.client().v1.transfers.create({
        "amount": 777, "currency": "usd", "destination": methods.method_of(world.affiliate).account,
        "transfer_group": "by-hand", "metadata": {"run": run.public_id, "instance": "demo"},
    })  # fmt: skip
    page = text_of(checker.post(address("run-reconcile", run), follow=True))
    assert f"foreign {foreign.id}" in page
    assert "Look at the alarm of run" in text_of(checker.get(address("desk")))

    page = text_of(checker.post(address("run-clear-alarm", run), {"note": "paid by hand"}, follow=True))

    assert run.refreshed().alarm == ""
    assert "paid by hand" in page


def test_reconciling_while_stripe_is_away_changes_nothing_and_says_so(at, bank, desk, checker):
    run = start(*desk, at=at)
    bank.fault(match={"path": "/v1/transfers"}, fault="drop", times=0)

    page = text_of(checker.post(address("run-reconcile", run), follow=True))

    assert "Stripe does not answer" in page
    assert run.refreshed().status == "sending"


def test_pages_answer_while_stripe_is_away(at, bank, desk, checker):
    run = prepare(desk[0], at=at)
    bank.fault(match={"path": "/v1/balance"}, fault="drop", times=0)

    for name, args in (("desk", ()), ("funding", ()), ("run", (run,))):
        answer = checker.get(address(name, *args))
        assert answer.status_code == 200
    assert "Stripe does not answer" in text_of(checker.get(address("desk")))


def test_the_export_has_the_rows_of_the_screen_and_no_formulas(at, desk, checker):
    """Fault 35."""
    world, other = make_world(at), make_world(at, currency="EUR")
    type(world.affiliate).objects.filter(pk=world.affiliate.pk).update(name='=HYPERLINK("http://evil")')
    earn(world, at=at)
    earn(other, at=at)
    run = prepare(desk[0], at=at)

    answer = checker.get(address("run-export", run) + "?currency=USD")

    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert answer["Content-Type"].startswith("text/csv")
    assert len(lines) == 2
    assert "'=HYPERLINK" in lines[1]
    assert ",100.00," in lines[1]


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"label": "", "first_day": "2026-01-01", "last_day": "2026-01-31"}, "Name of the run"),
        ({"label": "x", "first_day": "2026-02-01", "last_day": "2026-01-31"}, "choose a day after the first one"),
        ({"label": "x", "first_day": "2026-01-01", "last_day": "2999-01-31"}, "choose today or a day before"),
        ({"label": "x", "first_day": "no day", "last_day": "2026-01-31"}, "First day"),
        ({"label": "x" * 41, "first_day": "2026-01-01", "last_day": "2026-01-31"}, "shorten"),
    ],
)
def test_a_period_that_makes_no_sense_is_explained(maker, form, problem):
    answer = maker.post(address("run-prepare"), form)

    assert answer.status_code == 400
    assert problem in text_of(answer)
    assert PayoutRun.objects.count() == 0


def test_a_name_that_is_taken_leads_to_its_run(at, desk, maker):
    run = prepare(desk[0], at=at, label="2026-10")

    page = text_of(maker.post(
        address("run-prepare"), {"label": "2026-10", "first_day": "2026-10-01", "last_day": "2026-10-31"}, follow=True
    ))  # fmt: skip

    assert "There is a run of this name already" in page
    assert PayoutRun.objects.get() == run
    shown = text_of(maker.get(address("run-prepare"), {"first_day": "2026-10-01", "last_day": "2026-10-31"}))
    assert 'value="2026-10-2"' in shown or "Nothing to pay" in shown


def test_the_desk_says_when_no_real_money_moves(checker, settings):
    assert "Stripe stand-in: no real money" in text_of(checker.get(address("desk")))
    settings.STRIPE_IS_STANDIN = False
    assert "stand-in" not in text_of(checker.get(address("runs")))


@pytest.mark.parametrize("page", ["desk", "runs", "run", "run-lines", "failures", "payout"])
def test_a_page_asks_the_database_as_often_for_three_lines_as_for_one(at, desk, checker, page):
    counts = []
    earn(make_world(at), at=at)
    for label in ("one", "two"):
        run = prepare(desk[0], at=at, label=label)
        Payout.objects.filter(run=run).update(state="blocked", block_reason="approval_required")
        target = address(
            page, *([run] if page in {"run", "run-lines"} else [run.payouts.first()] if page == "payout" else [])
        )
        checker.get(target)
        with CaptureQueriesContext(connection) as captured:
            assert checker.get(target).status_code == 200
        counts.append(len(captured))
        Payout.objects.filter(run=run).update(state="ready", block_reason="")
        for _ in range(3):
            earn(make_world(at), at=at)

    assert counts[1] <= counts[0] + 1
    assert max(counts) <= 25


def test_amounts_lead_to_their_explanation(at, desk, checker):
    world = make_world(at)
    earn(world, at=at)
    run = prepare(desk[0], at=at)
    payout = only_payout(run)
    item = payout.items.get()

    page = text_of(checker.get(address("payout", payout)))
    assert address("commission", item.commission) in page
    explained = text_of(checker.get(address("commission", item.commission)))

    assert "$100.00" in explained
    assert world.affiliate.name in explained
    assert Money(item.amount_minor, "USD") == payout.amount

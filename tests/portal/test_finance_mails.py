"""Mails: one a person and event, in the reader's language, with text and HTML (faults 6, 24)."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from affiliates import enrolments, mails, members
from affiliates.models import Enrolment, OutgoingMail
from ledger import journal
from payouts import methods, runs, stripe_events, transfers
from portal.outbound import letters, tasks
from tests.factories.standin import change_account, earn, make_desk, make_payee, onboard, prepare, send, sender, start
from tests.factories.world import make_sale, make_user, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return timezone.now()


def deliver():
    """The worker's two polls: events to subscribers, mails to the mail server."""
    journal.deliver_waiting_events(at=timezone.now() + timedelta(seconds=1))
    tasks.send_mails()


def sent_to(address):
    return [one for one in mail.outbox if one.to == [address]]


def html_of(message):
    [(content, mimetype)] = message.alternatives
    assert mimetype == "text/html"
    return content


def test_an_affiliate_reads_that_it_was_paid_and_where_the_statement_is(at, bank):
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*make_desk(at), at=at)
    send(run)
    transfers.reconcile(run, sender())

    deliver()

    [message] = [one for one in sent_to(world.partner.email) if "paid" in one.subject]
    assert message.subject == "You were paid $100.00"
    statement = run.payouts.get().statement
    assert f"/partner/statements/{statement.public_id}/" in message.body
    assert statement.number in html_of(message)
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_an_event_delivered_twice_makes_one_mail(at):
    """Fault 6: at least once, and read once."""
    world = make_world(at)
    make_sale(world, at=at)
    deliver()
    journal.replay_events("mail.first_commission", since=at - timedelta(days=400), at=timezone.now())

    deliver()

    assert [one.subject for one in sent_to(world.partner.email)] == ["Your first commission: $20.00"]
    assert OutgoingMail.objects.count() == 1


def test_only_the_first_commission_of_a_life_is_told(at):
    world = make_world(at)
    for _ in range(3):
        make_sale(world, at=at)

    deliver()

    assert len(sent_to(world.partner.email)) == 1


def test_a_mail_comes_in_the_readers_language(at):
    world = make_world(at)
    type(world.partner).objects.filter(pk=world.partner.pk).update(language="zh-hans")
    make_sale(world, at=at)

    deliver()

    [message] = sent_to(world.partner.email)
    assert 'lang="zh-Hans"' in html_of(message)


def test_applicants_read_the_decision_and_the_reason(at):
    owner, partner = make_user("owner"), make_user("applicant")
    world = make_world(at, approval="manual")
    affiliate = members.sign_up_affiliate(partner, name="New", at=at)
    place = enrolments.join_program(affiliate, world.program, at=at)
    enrolments.decline_enrolment(place, reason="audience", by=owner, at=at)

    deliver()

    [message] = sent_to(partner.email)
    assert message.subject == f"Your application for {world.program.name}"
    assert str(Enrolment.DeclineReason("audience").label) in message.body

    enrolments.approve_enrolment(place, by=owner, at=at)
    deliver()
    assert [one.subject for one in sent_to(partner.email)][1:] == [f"You are in: {world.program.name}"]


def test_a_payout_that_stripe_refused_is_explained_with_the_next_step(at, bank):
    world = make_payee(bank, at)
    bank.fund(1_000_000, "usd")
    run = start(*make_desk(at), at=at)
    change_account(bank, methods.method_of(world.affiliate), transfers="restricted")
    send(run)

    deliver()

    [message] = [one for one in sent_to(world.partner.email) if "could not" in one.subject]
    assert message.subject == "We could not pay you $100.00"
    assert "Stripe does not let your payout account receive money" in message.body
    assert "/partner/settings/payout/" in message.body


def test_what_finance_can_still_solve_is_not_told(at, bank):
    world = make_payee(bank, at)
    run = start(*make_desk(at), at=at)
    send(run)
    assert run.payouts.get().block_reason == "balance_insufficient"

    deliver()

    assert not [one for one in sent_to(world.partner.email) if "could not" in one.subject]


def test_a_changed_account_is_told_to_the_contact_address(at, bank):
    """Fault 24: not to whoever is signed in."""
    world = make_payee(bank, at)
    type(world.affiliate).objects.filter(pk=world.affiliate.pk).update(contact_email="owner@maya.example")
    method = methods.method_of(world.affiliate)
    change_account(bank, method, bank="6666")
    stripe_events.catch_up(at=timezone.now())
    stripe_events.handle_waiting_events(sender(), at=timezone.now())

    deliver()

    [message] = sent_to("owner@maya.example")
    assert message.subject == "Your payout account was changed"
    assert "If it was not you" in message.body


def test_the_first_account_alarms_nobody(at, bank):
    world = make_world(at)
    onboard(world, bank, at=at)

    deliver()

    assert methods.method_of(world.affiliate).status == "verified"
    assert sent_to(world.affiliate.contact_email) == []


def test_whoever_may_approve_is_told_of_a_submitted_run_and_the_preparer_is_not(at):
    maker, checker = make_desk(at)
    both = make_desk(at)[1]
    earn(make_world(at), at=at)
    run = prepare(maker, at=at)
    runs.submit_run(run, by=both, at=at)

    deliver()

    [message] = sent_to(checker.email)
    assert message.subject == "Run 2026-02 waits for your approval"
    assert "$100.00" in message.body
    assert f"/finance/runs/{run.public_id}/" in message.body
    assert sent_to(both.email) == sent_to(maker.email) == []


def test_a_year_that_is_played_back_sends_no_mail(at):
    world = make_world(at)
    make_sale(world, at=at - timedelta(days=200))

    deliver()

    assert mail.outbox == []


def test_a_mail_server_that_is_away_costs_time_and_no_mail(at, monkeypatch):
    world = make_world(at)
    make_sale(world, at=at)
    journal.deliver_waiting_events(at=timezone.now() + timedelta(seconds=1))

    def away(_mail):
        raise OSError("no route")

    assert mails.send_waiting_mails(away, at=timezone.now()) == 0
    waiting = OutgoingMail.objects.get()
    assert (waiting.attempts, waiting.sent_at) == (1, None)
    assert "no route" in waiting.last_error
    assert mails.send_waiting_mails(letters.send_letter, at=timezone.now()) == 0
    assert mails.send_waiting_mails(letters.send_letter, at=timezone.now() + timedelta(minutes=2)) == 1
    assert len(sent_to(world.partner.email)) == 1
    assert mails.waiting_mails() == 0


def test_names_cannot_add_headers_or_markup_to_a_mail(at):
    world = make_world(at)
    name = "Evil\r\nBcc: everybody@example.com <script>alert(1)</script>"
    type(world.program).objects.filter(pk=world.program.pk).update(name=name)
    partner = make_user("applicant")
    affiliate = members.sign_up_affiliate(partner, name="New", at=at)
    enrolments.join_program(affiliate, world.program.refreshed(), at=at)

    deliver()

    [message] = sent_to(partner.email)
    assert "\n" not in message.subject
    assert "<script>" not in html_of(message)
    assert message.recipients() == [partner.email]


@pytest.mark.parametrize("kind", sorted(letters._KINDS))
def test_every_kind_of_letter_has_words(kind):
    facts = {
        "program": "P", "slug": "p", "merchant": "M", "reason": "audience", "commission": "comm_1", "amount": ["1.00", "USD"],
        "due_at": "2026-01-01T00:00:00+00:00", "statement": "stmt_1", "number": "N", "run": "run_1", "label": "L",
        "prepared_by": "Lena", "payouts": 2, "amounts": [["1.00", "USD"]], "name": "N", "usable_from": "",
        "order": "1042", "partner": "Maya", "claim": "claim_1", "reply_due_at": "2026-01-01T00:00:00+00:00",
        "deadline_at": "2026-01-01T00:00:00+00:00", "is_automatic": True, "endpoint": "hook_1", "code": "spring",
        "link": "spring", "url": "https://shop.example/", "status": 404, "count": 1, "text": "",
            "finding": "find_1", "rule": "F1", "orders": 3, "held": ["1.00", "USD"],
            "answer_due_at": "2026-01-01T00:00:00+00:00", "host": "go.shop.example", "stops_at": "",
    }  # fmt: skip

    letter = letters.letter_of(kind, facts)

    assert letter.subject
    assert letter.action_url.startswith("http")

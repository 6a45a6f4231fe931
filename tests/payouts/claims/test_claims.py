"""Claims: made, answered, granted through the books, and accepted by silence (D11, X14)."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affiliates.models import RoleGrant
from affiliates.teams import grant_role
from ledger.accounts import balance_of
from ledger.journal import events_about
from ledger.money import Money
from payouts import chart
from payouts.claims import asking, clock, deciding, granting, opening, papers, policies
from payouts.commissions import approve_due_commissions
from payouts.errors import (
    ClaimNotGrantable,
    ClaimNotInState,
    ClaimOpenAlready,
    ClaimRefused,
    PaperRefused,
    QuestionsTooMany,
)
from payouts.models import Claim, Commission, OrderQuestion
from payouts.queries import claims as claim_queries
from payouts.rules import versions
from payouts.sales import record_sale, refund_sale
from tests.factories.world import facts, make_click, make_sale, make_user, make_world
from tracking.models import Attribution, Conversion

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def world(at):
    return make_world(at)


def draft(order_ref="1042", amount="62.00", day=date(2026, 3, 8), **more) -> opening.ClaimDraft:
    money = Money.parse(amount, "USD") if amount else None
    return opening.ClaimDraft(order_ref, day, money, **more)


def claim_missing(world, *, at, **more) -> Claim:
    return opening.claim_order(world.enrolment, draft(**more), by=world.partner, at=at)


def pending(world) -> Money:
    return balance_of(chart.pending(world.affiliate), "USD")


# ── The clock ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("since", "due"),
    [
        ("2026-03-10T12:00", "2026-03-10T12:10"),  # Tuesday, within hours
        ("2026-03-10T16:55", "2026-03-11T09:05"),  # five minutes today, five tomorrow
        ("2026-03-10T20:00", "2026-03-11T09:10"),
        ("2026-03-13T17:00", "2026-03-16T09:10"),  # Friday evening: Monday
        ("2026-03-14T03:00", "2026-03-16T09:10"),
    ],
)
def test_ten_working_minutes_count_office_hours_only(since, due):
    berlin = ZoneInfo("Europe/Berlin")
    found = clock.after_working_minutes(
        10,
        since=datetime.fromisoformat(since).replace(tzinfo=berlin),
        opens_at=time(9),
        closes_at=time(17),
        works_weekends=False,
        zone=berlin,
    )

    assert found == datetime.fromisoformat(due).replace(tzinfo=berlin)


@given(
    st.integers(1, 2_880),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.booleans(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
)
def test_a_promise_falls_due_in_office_hours_and_never_before_it_was_given(minutes, since, works_weekends, zone):
    due = clock.after_working_minutes(
        minutes, since=since, opens_at=time(9), closes_at=time(17), works_weekends=works_weekends, zone=ZoneInfo(zone)
    )

    local = due.astimezone(ZoneInfo(zone))
    assert due >= since + timedelta(minutes=minutes)
    assert time(9) <= local.time() <= time(17)
    assert works_weekends or local.weekday() < 5


# ── Making a claim ───────────────────────────────────────────────────────────────────────


def test_a_missing_sale_becomes_a_claim_with_its_clocks_and_its_evidence(world, at):
    claim = claim_missing(world, at=at, text="See the mail of the shop.", papers=[papers.Paper("order.png", PNG)])

    assert (claim.kind, claim.status, claim.order_ref) == ("untracked", "open", "1042")
    assert claim.reply_due_at == at + timedelta(minutes=10)
    assert claim.deadline_at == at + timedelta(days=14)
    assert claim.evidence["situation"] == "not_reported"
    assert [file.content_type for file in claim.files.all()] == ["image/png"]
    assert [note.step for note in claim.notes.all()] == ["opened"]
    assert [event.name for event in events_about(claim.public_id)] == ["claim.opened"]


def test_one_open_claim_an_order_and_partner(world, at):
    first = claim_missing(world, at=at)

    with pytest.raises(ClaimOpenAlready) as refused:
        claim_missing(world, at=at)
    assert refused.value.claim == first
    assert Claim.objects.count() == 1

    opening.withdraw(first, by=world.partner, at=at)
    assert claim_missing(world, at=at).status == "open"


def test_what_is_ones_own_already_is_questioned_and_not_claimed(world, at):
    make_sale(world, at=at - timedelta(days=2), order_ref="1042")

    with pytest.raises(ClaimRefused):
        claim_missing(world, at=at)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"order_ref": " "}, "order_ref"), ({"amount": None}, "amount"), ({"day": date(2027, 1, 1)}, "ordered_on")],
)
def test_a_claim_that_cannot_be_read_is_refused_by_field(world, at, change, field):
    with pytest.raises(ClaimRefused) as refused:
        claim_missing(world, at=at, **change)

    assert refused.value.field == field
    assert not Claim.objects.exists()


# ── Proof ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a..", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
    ],
)
def test_proof_is_told_by_its_first_bytes(content, kind):
    assert papers.kind_of(content) == kind


@pytest.mark.parametrize("content", [b"", b"<html><script>", b"MZ\x90", b"PK\x03\x04", b"RIFF\x00\x00\x00\x00WAVE"])
def test_anything_else_is_refused_whatever_it_is_called(world, at, content):
    with pytest.raises(PaperRefused):
        claim_missing(world, at=at, papers=[papers.Paper("proof.png", content)])

    assert not Claim.objects.exists()


def test_proof_larger_than_five_megabytes_is_refused(world, at):
    with pytest.raises(PaperRefused) as refused:
        claim_missing(world, at=at, papers=[papers.Paper("a.png", PNG + b"0" * papers.LARGEST)])

    assert refused.value.code == "paper_too_large"


def test_proof_lies_in_the_private_folder_under_a_name_that_says_nothing(world, at, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    claim = claim_missing(world, at=at, papers=[papers.Paper("../../etc/my order.exe", PNG)])

    file = claim.files.get()
    assert papers.content_of(file) == PNG
    assert file.name == "my order.png"
    assert [path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*") if path.is_file()] == [
        ("private", "claims")
    ]
    assert "order" not in file.path


# ── Answering ────────────────────────────────────────────────────────────────────────────


def test_the_first_word_of_the_merchant_keeps_the_promise(world, at):
    claim = claim_missing(world, at=at)

    deciding.comment_as_merchant(claim, "We look.", by=world.owner, at=at + timedelta(minutes=4))
    deciding.comment_as_merchant(claim, "Still looking.", by=world.owner, at=at + timedelta(minutes=40))

    assert claim.refreshed().first_reply_at == at + timedelta(minutes=4)
    figures = claim_queries.figures_of(world.merchant, at=at + timedelta(hours=1))
    assert (figures.replies_due, figures.in_time, figures.median_minutes) == (1, 1, 4)


def test_asking_back_stops_the_clock_until_the_partner_answers(world, at):
    claim = claim_missing(world, at=at)

    deciding.ask_back(claim, "Which card?", by=world.owner, at=at + timedelta(days=1))
    assert deciding.decide_overdue_claims(at=at + timedelta(days=30)) == 0
    opening.comment_as_partner(claim, "Visa.", by=world.partner, at=at + timedelta(days=31))

    fresh = claim.refreshed()
    assert (fresh.status, fresh.paused_at) == ("open", None)
    assert fresh.deadline_at == at + timedelta(days=44)


# ── Granting ─────────────────────────────────────────────────────────────────────────────


def test_an_accepted_missing_sale_is_recorded_given_and_booked_once(world, at):
    claim = claim_missing(world, at=at)

    done = deciding.accept_claim(claim, by=world.owner, at=at)

    order = Conversion.objects.get()
    assert (order.order_ref, order.source, order.verdict, order.reason) == (
        "1042",
        "manual",
        "accepted",
        "claim_accepted",
    )
    assert order.metadata == {"claim": claim.public_id}
    assert done.granted.amount == Money.parse("12.40", "USD")
    assert done.granted.trace["claim"] == claim.public_id
    assert pending(world) == Money.parse("12.40", "USD")
    assert done.conversion == order
    with pytest.raises(ClaimNotInState):
        deciding.accept_claim(claim, by=world.owner, at=at)
    assert Commission.objects.count() == 1


def test_the_merchant_may_grant_another_amount(world, at):
    claim = claim_missing(world, at=at)

    done = deciding.accept_claim(claim, by=world.owner, at=at, amount=Money.parse("50.00", "USD"))

    assert done.granted.amount == Money.parse("10.00", "USD")


def test_an_order_of_nobodys_becomes_the_partners(world, at):
    order = record_sale(world.merchant, facts("1042", "62.00", at=at - timedelta(days=2)), at=at).conversion
    assert order.verdict == "unattributed"
    claim = claim_missing(world, at=at, amount=None)
    assert (claim.kind, claim.evidence["situation"]) == ("declined", "no_click")

    done = deciding.accept_claim(claim, by=world.owner, at=at)

    fresh = order.refreshed()
    assert (fresh.verdict, fresh.program) == ("accepted", world.program)
    attribution = Attribution.objects.get(conversion=order)
    assert (attribution.enrolment, attribution.model, attribution.reason) == (
        world.enrolment,
        "claim",
        "claim_accepted",
    )
    assert done.granted.amount == Money.parse("12.40", "USD")
    refund_sale(order, amount=Money.parse("31.00", "USD"), reference="r", at=at)
    assert done.granted.refreshed().remaining == Money.parse("6.20", "USD")


def test_an_order_of_somebody_elses_stays_theirs_and_is_granted_beside(world, at):
    rival = make_world(at)
    place = _second_partner(world, at)
    sale = make_sale(world, "62.00", at=at - timedelta(days=2), order_ref="1042")
    claim = opening.claim_order(place, draft(amount=None), by=rival.partner, at=at)

    done = deciding.accept_claim(claim, by=world.owner, at=at)

    assert done.granted.amount == Money.parse("12.40", "USD")
    assert sale.commissions[0].refreshed().remaining == Money.parse("12.40", "USD")
    assert Attribution.objects.get(conversion=sale.conversion).enrolment == world.enrolment
    assert balance_of(chart.receivable(world.merchant), "USD") == Money.parse("24.80", "USD")


def _second_partner(world, at):
    from affiliates import enrolments, members  # noqa: PLC0415 - a second partner is a rare need

    user = make_user("rival")
    affiliate = members.sign_up_affiliate(user, name="Rival Reviews", country="US", at=at - timedelta(days=300))
    return enrolments.join_program(affiliate, world.program, at=at - timedelta(days=300))


def test_a_wrong_order_amount_is_amended_and_the_commission_follows(world, at):
    sale = make_sale(world, "62.00", at=at - timedelta(days=2), order_ref="1042")
    claim = opening.question_amount(sale.commissions[0], "incorrect", draft(amount="100.00"), by=world.partner, at=at)

    deciding.accept_claim(claim, by=world.owner, at=at)

    assert sale.conversion.refreshed().amount == Money.parse("100.00", "USD")
    assert sale.commissions[0].refreshed().remaining == Money.parse("20.00", "USD")
    assert pending(world) == Money.parse("20.00", "USD")


def test_a_wrong_commission_is_made_up_by_a_difference_that_refunds_leave_alone(world, at):
    sale = make_sale(world, "62.00", at=at - timedelta(days=2), order_ref="1042")
    expected = Money.parse("20.00", "USD")
    claim = opening.question_amount(
        sale.commissions[0], "amount", draft(amount=None, expected=expected), by=world.partner, at=at
    )

    done = deciding.accept_claim(claim, by=world.owner, at=at)

    assert done.granted.amount == Money.parse("7.60", "USD")
    assert done.granted.conversion.amount == Money.zero("USD")
    assert pending(world) == expected
    refund_sale(sale.conversion, reference="r", at=at)
    assert pending(world) == Money.parse("7.60", "USD")


def test_an_order_that_was_reported_meanwhile_is_granted_no_second_time(world, at):
    claim = claim_missing(world, at=at)
    make_sale(world, "62.00", at=at - timedelta(days=2), order_ref="1042")

    done = deciding.accept_claim(claim, by=world.owner, at=at)

    assert done.status == "accepted"
    assert pending(world) == Money.parse("12.40", "USD")


def test_the_shops_late_report_of_a_granted_order_counts_it_once(world, at):
    claim = claim_missing(world, at=at)
    deciding.accept_claim(claim, by=world.owner, at=at)

    sale = record_sale(
        world.merchant, facts("1042", "62.00", at=at - timedelta(days=2), source="api"), at=at + timedelta(days=1)
    )

    assert not sale.is_new
    assert pending(world) == Money.parse("12.40", "USD")


def test_nothing_is_granted_where_no_rule_pays(world, at):
    versions.publish_rules(
        world.program, [versions.LineDraft("Leads", "percent", "lead", Decimal("0.1"))], starts_at=at, at=at
    )
    claim = claim_missing(world, at=at + timedelta(days=2), day=at.date() + timedelta(days=1))

    with pytest.raises(ClaimNotGrantable):
        deciding.accept_claim(claim, by=world.owner, at=at + timedelta(days=2))
    assert claim.refreshed().status == "open"
    assert not Conversion.objects.exists()

    done = deciding.accept_claim(claim, by=world.owner, at=at + timedelta(days=2), extra=Money.parse("5.00", "USD"))
    assert done.granted.amount == Money.parse("5.00", "USD")


# ── Silence ──────────────────────────────────────────────────────────────────────────────


def test_silence_grants_a_claim_once_and_holds_it_the_whole_hold_from_then(world, at):
    claim = claim_missing(world, at=at)
    late = claim.deadline_at

    assert deciding.decide_overdue_claims(at=late - timedelta(seconds=1)) == 0
    assert deciding.decide_overdue_claims(at=late) == 1
    assert deciding.decide_overdue_claims(at=late) == 0

    done = claim.refreshed()
    assert (done.status, done.is_automatic, done.decided_by) == ("accepted", True, None)
    assert done.granted.due_at == late + timedelta(days=30)
    assert pending(world) == Money.parse("12.40", "USD")
    approve_due_commissions(at=late + timedelta(days=30))
    assert balance_of(chart.payable(world.affiliate), "USD") == Money.parse("12.40", "USD")


def test_more_than_silence_may_grant_goes_to_the_network(world, at):
    policies.set_policy(world.merchant, policies.Promise(silent_limit_minor=1_000), by=world.owner, at=at)
    claim = claim_missing(world, at=at)

    deciding.decide_overdue_claims(at=claim.deadline_at)

    done = claim.refreshed()
    assert (done.status, done.escalated_at) == ("appealed", claim.deadline_at)
    assert not Conversion.objects.exists()


def test_a_question_without_a_figure_is_never_granted_by_silence(world, at):
    sale = make_sale(world, "62.00", at=at - timedelta(days=2), order_ref="1042")
    claim = opening.question_amount(
        sale.commissions[0], "amount", draft(amount=None, text="Why so little?"), by=world.partner, at=at
    )

    deciding.decide_overdue_claims(at=claim.deadline_at)

    assert claim.refreshed().status == "appealed"
    assert pending(world) == Money.parse("12.40", "USD")


# ── Declining, and the network ───────────────────────────────────────────────────────────


def test_a_declined_claim_may_go_to_the_network_once_and_in_time(world, at):
    staff = make_user("staff")
    grant_role(staff, RoleGrant.Role.NETWORK_STAFF, at=at)
    claim = claim_missing(world, at=at)
    deciding.decline_claim(claim, "order_unknown", by=world.owner, at=at, text="No such order.")

    opening.appeal(claim, "Here is the invoice.", by=world.partner, at=at + timedelta(days=29))
    with pytest.raises(ClaimNotInState):
        deciding.accept_claim(claim, by=world.owner, at=at + timedelta(days=29))
    deciding.confirm_decline(claim, "order_unknown", by=staff, at=at + timedelta(days=30))

    assert claim.refreshed().status == "declined"
    with pytest.raises(ClaimNotInState):
        opening.appeal(claim, "Again.", by=world.partner, at=at + timedelta(days=31))


def test_the_network_may_grant_what_the_merchant_declined(world, at):
    staff = make_user("staff")
    claim = claim_missing(world, at=at)
    deciding.decline_claim(claim, "order_unknown", by=world.owner, at=at)
    opening.appeal(claim, "Look at the invoice.", by=world.partner, at=at)

    done = deciding.accept_claim(claim, by=staff, at=at, side="network")

    assert (done.status, done.granted.amount) == ("accepted", Money.parse("12.40", "USD"))


def test_an_appeal_after_thirty_days_is_refused(world, at):
    claim = claim_missing(world, at=at)
    deciding.decline_claim(claim, "order_unpaid", by=world.owner, at=at)

    with pytest.raises(ClaimNotInState):
        opening.appeal(claim, "Late.", by=world.partner, at=at + timedelta(days=31))


def test_there_are_nine_reasons_and_no_other(world, at):
    assert len(Claim.DeclineReason.values) == 9
    claim = claim_missing(world, at=at)

    with pytest.raises(ClaimRefused):
        deciding.decline_claim(claim, "because", by=world.owner, at=at)


def test_the_figures_of_a_merchant_are_public_and_right(world, at):
    late = claim_missing(world, at=at, order_ref="1")
    for number, ref in enumerate(["2", "3"]):
        claim = claim_missing(world, at=at, order_ref=ref)
        deciding.comment_as_merchant(claim, "Yes.", by=world.owner, at=at + timedelta(minutes=5 * (number + 1)))
        if ref == "2":
            deciding.accept_claim(claim, by=world.owner, at=at + timedelta(hours=1))
        else:
            deciding.decline_claim(claim, "order_unknown", by=world.owner, at=at + timedelta(hours=1))
    deciding.decide_overdue_claims(at=late.deadline_at)

    found = claim_queries.figures_of(world.merchant, at=late.deadline_at)
    assert (found.claims, found.replies_due, found.in_time, found.decided, found.accepted, found.by_silence) == (
        3, 3, 2, 3, 2, 1,
    )  # fmt: skip


# ── Asking ───────────────────────────────────────────────────────────────────────────────


def test_questions_are_kept_and_limited_by_the_hour(world, at, settings):
    settings.ORDER_QUESTIONS_PER_HOUR = 2
    day = at.date()

    for number in "12":
        asking.ask_about_order(world.enrolment, number, ordered_on=day, by=world.partner, at=at)
    with pytest.raises(QuestionsTooMany):
        asking.ask_about_order(world.enrolment, "3", ordered_on=day, by=world.partner, at=at)
    asking.ask_about_order(world.enrolment, "3", ordered_on=day, by=world.partner, at=at + timedelta(minutes=61))

    assert list(OrderQuestion.objects.order_by("asked_at").values_list("order_ref", "situation")) == [
        ("1", "not_reported"), ("2", "not_reported"), ("3", "not_reported"),
    ]  # fmt: skip


def test_granting_twice_under_one_claim_books_once(world, at):
    claim = claim_missing(world, at=at)
    granting.grant(claim, at=at)

    again = granting.grant(claim, at=at)

    assert again.amount == Money.zero("USD")
    assert pending(world) == Money.parse("12.40", "USD")
    assert make_click is not None

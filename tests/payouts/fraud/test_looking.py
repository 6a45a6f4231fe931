"""The look of a night, on the real database: found, kept, held; tried before it is saved (F8, F1-F17)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from ledger.money import Money
from payouts import tasks
from payouts.commissions import approve_due_commissions
from payouts.fraud import answering, looking, policies
from payouts.models import Commission, FraudHold
from tests.factories.world import make_sale, make_world
from tracking.fraud.policies import RULES, FraudPolicyRefused
from tracking.models import FraudFinding, FraudPolicy
from tracking.pseudonyms import customer_of_address, signs_of_address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

DAY = timedelta(days=1)


@pytest.fixture
def world(at):
    return make_world(at)


def own_sale(world, *, at):
    """An order by the partner's own address."""
    address = world.partner.email
    return make_sale(
        world,
        at=at,
        customer_ref="c-1",
        customer_email_key=customer_of_address(address),
        customer_signs=str(signs_of_address(address)),
    )


def test_a_partners_own_order_is_found_by_the_look_and_held(world, at):
    own = own_sale(world, at=at - DAY).conversion
    make_sale(world, at=at - DAY)

    found = looking.look_at_program(world.program, at=at)

    assert [(one.rule, one.state, one.subjects) for one in found] == [("F8", "held", [str(own.pk)])]
    assert found[0].p_value is None
    assert found[0].at_risk == Money.parse("20.00", "USD")
    assert {one["rule"] for one in found[0].tested} == set(RULES)
    assert FraudHold.objects.get().commission.conversion_id == own.pk
    assert FraudPolicy.objects.get().looked_at == at


def test_looking_twice_finds_nothing_more_and_clicks_and_orders_stay_as_they_are(world, at):
    own_sale(world, at=at - DAY)
    looking.look_at_program(world.program, at=at)

    again = looking.look_at_program(world.program, at=at)
    next_night = looking.look_at_program(world.program, at=at + DAY)

    assert (again, next_night) == ([], [])
    assert FraudFinding.objects.get().steps.count() == 1


def test_an_order_that_comes_later_joins_the_finding_and_is_held_too(world, at):
    own_sale(world, at=at - DAY)
    looking.look_at_program(world.program, at=at)
    own_sale(world, at=at + DAY)

    looking.look_at_program(world.program, at=at + 2 * DAY)
    approve_due_commissions(at=at + 60 * DAY)

    assert [step.step for step in FraudFinding.objects.get().steps.order_by("at", "pk")] == ["found", "grew"]
    assert {row.status for row in Commission.objects.all()} == {"pending"}


def test_a_rule_that_is_off_finds_nothing_and_one_that_reviews_holds_nothing(world, at):
    own_sale(world, at=at - DAY)
    policies.set_policy(world.program, {"F8": {"on": False}}, answer_days=14, by=world.owner, at=at)
    off = looking.look_at_program(world.program, at=at)
    policies.set_policy(world.program, {"F8": {"action": "review"}}, answer_days=3, by=world.owner, at=at)
    reviewed = looking.look_at_program(world.program, at=at)

    assert off == []
    assert [(one.state, one.answer_due_at) for one in reviewed] == [("open", None)]
    held = answering.hold_finding(reviewed[0], side="merchant", by=world.owner, at=at)
    assert held.answer_due_at == at + 3 * DAY


def test_a_trial_says_what_would_have_been_hit_in_ninety_days_and_keeps_nothing(world, at):
    own_sale(world, at=at - 70 * DAY)
    own_sale(world, at=at - 40 * DAY)
    own_sale(world, at=at - DAY)
    approve_due_commissions(at=at - 2 * DAY)

    trial = policies.try_policy(world.program, {}, at=at)

    hit = trial.hits["F8"]
    assert (trial.days, trial.is_whole) == (90, True)
    assert (hit.partners, hit.orders, hit.honest_orders) == (1, 3, 2)
    assert hit.honest_commission == Money.parse("40.00", "USD")
    assert hit.commission == Money.parse("60.00", "USD")
    assert not FraudFinding.objects.exists()


def test_a_trial_without_time_says_over_how_many_days_it_is(world, at):
    own_sale(world, at=at - DAY)

    trial = policies.try_policy(world.program, {}, at=at, seconds=0.0)

    assert (trial.days, trial.is_whole) == (30, False)
    assert len(trial.hits) < len(RULES)


@pytest.mark.parametrize(
    ("rules", "days", "field"),
    [
        ({"F1": {"threshold": 10_000}}, 14, "F1_threshold"),
        ({"F1": {"action": "shoot"}}, 14, "F1_action"),
        ({"F99": {}}, 14, "F99"),
        ({}, 0, "answer_days"),
        ({}, 61, "answer_days"),
    ],
)
def test_a_policy_that_cannot_be_names_its_field(world, at, rules, days, field):
    with pytest.raises(FraudPolicyRefused) as refused:
        policies.set_policy(world.program, rules, answer_days=days, by=world.owner, at=at)

    assert refused.value.field == field
    assert not FraudPolicy.objects.exists()


def test_the_command_says_what_it_found_and_the_task_does_the_same(world, at):
    own_sale(world, at=at - DAY)
    out = StringIO()

    call_command("look_for_fraud", program=world.program.slug, at=at.isoformat(), stdout=out)
    tasks.look_for_fraud()
    tasks.release_overdue_findings()

    assert " F8 " in out.getvalue()
    assert "1 new findings in 1 programs" in out.getvalue()
    assert FraudFinding.objects.get().state == "released"
    assert FraudFinding.objects.get().is_automatic

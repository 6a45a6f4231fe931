"""Joining, approving, declining; terms as versions (J, A; fault 20)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from affiliates import enrolments, lifecycle, members, programs
from affiliates.errors import NotInState, ProgramNotOpen, TermsInThePast
from affiliates.models import Affiliate, Enrolment, Terms
from ledger.journal import events_about
from tests.factories.world import make_user, make_world

pytestmark = pytest.mark.django_db


def _newcomer(at):
    return members.sign_up_affiliate(make_user("newcomer"), at=at)


def test_where_the_program_approves_at_once_the_place_is_there_at_once(at):
    world = make_world(at, approval="auto")

    assert enrolments.join_program(_newcomer(at), world.program, at=at).status == "approved"


def test_an_application_waits_for_the_merchant_and_is_decided_once(at):
    world = make_world(at, approval="manual")
    place = enrolments.join_program(_newcomer(at), world.program, at=at)
    assert place.status == "applied"

    enrolments.decline_enrolment(place, reason="content", by=world.owner, at=at)

    with pytest.raises(NotInState):
        enrolments.decline_enrolment(place, reason="audience", by=world.owner, at=at)
    assert Enrolment.objects.get(pk=place.pk).decline_reason == "content"


def test_joining_twice_is_one_place(at):
    world = make_world(at)
    newcomer = _newcomer(at)

    assert enrolments.join_program(newcomer, world.program, at=at) == enrolments.join_program(
        newcomer, world.program, at=at
    )


def test_a_closed_program_takes_nobody(at):
    world = make_world(at)
    programs.close_program(world.program, at=at)
    world.program.refresh_from_db()

    with pytest.raises(ProgramNotOpen):
        enrolments.join_program(_newcomer(at), world.program, at=at)


def test_signing_up_twice_is_one_member(at):
    person = make_user("twice")

    assert members.sign_up_affiliate(person, at=at) == members.sign_up_affiliate(person, at=at)
    assert Affiliate.objects.count() == 1


def test_terms_are_versions_and_start_no_earlier_than_now(at):
    world = make_world(at)

    with pytest.raises(TermsInThePast):
        programs.revise_terms(world.program, starts_at=at - timedelta(seconds=1), at=at)
    second = programs.revise_terms(world.program, starts_at=at + timedelta(days=14), at=at, hold_days=14)

    assert second.version == 2
    assert world.program.terms_at(at).version == 1
    assert world.program.terms_at(at + timedelta(days=14)).version == 2


def test_published_terms_cannot_be_edited_even_in_sql(at):
    world = make_world(at)

    with pytest.raises(DatabaseError), transaction.atomic():
        Terms.objects.filter(program=world.program).update(hold_days=0)
    assert world.program.terms.get().hold_days == 30


def test_freezing_keeps_a_reason_and_can_be_undone(at):
    """S002: freeze and unfreeze."""
    world = make_world(at)

    lifecycle.freeze_affiliate(world.affiliate, reason="Own orders", by=world.owner, at=at)
    with pytest.raises(NotInState):
        lifecycle.freeze_affiliate(world.affiliate, reason="again", by=world.owner, at=at)
    lifecycle.unfreeze_affiliate(world.affiliate, by=world.owner, at=at)

    assert world.affiliate.refreshed().status == "active"
    names = [event.name for event in events_about(world.affiliate.public_id)]
    assert set(names[:2]) == {"affiliate.unfrozen", "affiliate.frozen"}

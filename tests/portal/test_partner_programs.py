"""Programs: joining, waiting, being declined, leaving; rates and terms in every version."""

from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine

from affiliates import enrolments, programs
from affiliates.models import Enrolment
from ledger.money import Money
from payouts.rules import versions
from tests.factories.world import make_world
from tests.portal.partner import client_of, plain_figures, text_of
from tracking.models import Link

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(at):
    with time_machine.travel(at):
        yield


def test_joining_an_open_program_gives_a_link_at_once(at):
    world, other = make_world(at), make_world(at)
    client = client_of(world.partner)

    assert f"Programs to join {other.program.name}" in text_of(client.get("/partner/programs/"))
    answer = client.post(f"/partner/programs/{other.program.slug}/join/", follow=True)

    link = Link.objects.get(affiliate=world.affiliate, program=other.program)
    assert answer.redirect_chain == [(f"/partner/links/{link.code}/", 302)]
    assert f"You are in. Your link to {other.program.name} is ready." in text_of(answer)


def test_applying_waits_for_the_merchant_with_what_was_said(at):
    world, other = make_world(at), make_world(at, approval="manual")
    client = client_of(world.partner)

    answer = client.post(f"/partner/programs/{other.program.slug}/join/", {"message": "I test tents."}, follow=True)

    place = Enrolment.objects.get(affiliate=world.affiliate, program=other.program)
    assert (place.status, place.message) == ("applied", "I test tents.")
    assert "Your application is waiting" in text_of(answer)
    assert not Link.objects.filter(enrolment=place).exists()


def test_a_program_that_takes_nobody_says_so(at):
    world, other = make_world(at), make_world(at)
    programs.pause_program(other.program, at=at)

    answer = client_of(world.partner).post(f"/partner/programs/{other.program.slug}/join/", follow=True)

    assert "This program takes no new partners now." in text_of(answer)
    assert not Enrolment.objects.filter(affiliate=world.affiliate, program=other.program).exists()


def test_a_declined_application_reads_its_reason(at):
    world, other = make_world(at), make_world(at, approval="manual")
    place = enrolments.join_program(world.affiliate, other.program, at=at)
    enrolments.decline_enrolment(place, reason="audience", by=other.owner, at=at)

    text = text_of(client_of(world.partner).get(f"/partner/programs/{other.program.slug}/"))

    assert "The channel's audience is outside the program's markets." in text
    assert "Join and get my link" not in text


def test_a_program_shows_what_it_pays_now_and_all_its_terms(at):
    world = make_world(at)
    programs.revise_terms(world.program, starts_at=at + timedelta(days=5), at=at, hold_days=45, text="Longer hold.")
    versions.publish_rules(
        world.program,
        [versions.LineDraft("Sales", "percent", rate=Decimal("0.125")), versions.LineDraft("Leads", "flat", event="lead", flat=Money(500, "USD"))],
        starts_at=at, at=at,
    )  # fmt: skip
    versions.publish_rules(
        world.program,
        [versions.LineDraft("Later", "percent", rate=Decimal("0.3"))],
        starts_at=at + timedelta(days=7),
        at=at,
    )

    with time_machine.travel(at + timedelta(minutes=1)):
        page = client_of(world.partner).get(f"/partner/programs/{world.program.slug}/")

    text = text_of(page)
    assert "Rules v2, since Mar 10, 2026 Sales 12.5% per sale Leads $5.00 per lead" in text
    assert "New rules start on Mar 17, 2026." in text
    assert "v2 · starts on Mar 15, 2026" in text
    assert "v1 · since Mar 10, 2025 · you joined under these" in text
    assert plain_figures(page) == []


def test_leaving_keeps_what_was_earned_and_counts_no_more(at):
    world = make_world(at)
    client = client_of(world.partner)

    answer = client.post(f"/partner/programs/{world.program.slug}/leave/", follow=True)

    assert "What you earned stays owed to you." in text_of(answer)
    assert Enrolment.objects.get(pk=world.enrolment.pk).status == "left"
    again = client.post(f"/partner/programs/{world.program.slug}/leave/", follow=True)
    assert "has been decided already" in text_of(again)


def test_a_program_that_is_not_public_is_not_there(at):
    world, other = make_world(at), make_world(at)
    programs.close_program(other.program, at=at)
    programs.close_program(world.program, at=at)
    client = client_of(world.partner)

    assert client.get(f"/partner/programs/{other.program.slug}/").status_code == 404
    assert client.get("/partner/programs/nowhere/").status_code == 404
    assert client.get(f"/partner/programs/{world.program.slug}/").status_code == 200
    assert client.post(f"/partner/programs/{other.program.slug}/leave/").status_code == 404


def test_the_lists_cost_the_same_with_one_program_and_with_three(
    at, django_assert_max_num_queries, django_assert_num_queries
):
    """C7"""
    world = make_world(at)
    make_world(at)
    client = client_of(world.partner)
    client.get("/partner/programs/")
    with django_assert_max_num_queries(25) as first:
        client.get("/partner/programs/")
    make_world(at)
    enrolments.join_program(world.affiliate, make_world(at).program, at=at)
    with django_assert_num_queries(len(first)):
        client.get("/partner/programs/")
    with django_assert_max_num_queries(25):
        client.get(f"/partner/programs/{world.program.slug}/")

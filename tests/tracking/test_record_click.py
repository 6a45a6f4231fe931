"""Touches recorded at once by doors inside Django, judged and counted like the click door's."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from affiliates.models import Program
from ledger.ids import new_uuid7
from tests.factories.doors import BROWSER
from tests.factories.world import make_world
from tracking.clicks import record_click
from tracking.models import Click, ClickCount, ClickHour
from tracking.tasks import forget_addresses

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """A network of this hour."""
    return make_world(timezone.now())


def test_a_click_is_stored_with_all_it_carries_and_counted(world):
    visitor = new_uuid7(world.at)

    click = record_click(
        world.link,
        at=world.at,
        url="https://shop.example/shoes",
        referrer="https://blog.example/",
        user_agent=BROWSER,
        language="de",
        ip="203.0.113.7",
        visitor=visitor,
        params={"sub1": "näws & more", "source_id": "7"},
        consent="granted",
    )

    assert (click.link_id, click.program_id, click.affiliate_id) == (
        world.link.pk,
        world.program.pk,
        world.affiliate.pk,
    )
    assert click.params == {"sub1": "näws & more", "source_id": "7"}
    assert (click.visitor_id, click.ip, click.destination) == (visitor, "203.0.113.7", "https://shop.example/shoes")
    assert (click.device, click.browser, click.os) == ("desktop", "Chrome", "Windows")
    assert (click.kind, click.consent, click.is_counted, click.is_unique) == ("click", "granted", True, True)
    hour = ClickHour.objects.get(link_id=world.link.pk)
    assert (hour.sub1, hour.device, hour.clicks, hour.counted, hour.uniques) == ("näws & more", "desktop", 1, 1, 1)


def test_the_second_click_is_a_duplicate_and_a_bots_is_invalid(world):
    visitor = uuid4()

    kinds = [
        record_click(world.link, at=world.at + timedelta(seconds=number), user_agent=agent, visitor=visitor)
        for number, agent in enumerate([BROWSER, BROWSER, "Googlebot/2.1"])
    ]

    assert [(click.is_counted, click.is_unique) for click in kinds] == [(True, True), (True, False), (False, False)]
    assert kinds[2].uncounted_reason == "bot"
    count = ClickCount.objects.get(link_id=world.link.pk)
    assert (count.clicks, count.counted, count.uniques) == (3, 2, 1)


def test_without_consent_neither_visitor_nor_whole_address_is_kept(world):
    """C15."""
    click = record_click(
        world.link, at=world.at, user_agent=BROWSER, ip="203.0.113.7", visitor=uuid4(), consent="denied"
    )

    assert (click.visitor_id, click.ip, click.is_unique) == (None, "203.0.113.0", True)


def test_a_closed_programs_click_is_kept_and_does_not_count(world):
    Program.objects.filter(pk=world.program.pk).update(status="closed")
    world.link.program.refresh_from_db()

    click = record_click(world.link, at=world.at, user_agent=BROWSER)

    assert (click.is_counted, click.uncounted_reason) == (False, "program_closed")


def test_an_impression_is_no_click(world):
    record_click(world.link, at=world.at, user_agent=BROWSER, kind="view")

    assert ClickCount.objects.values_list("clicks", "views").get(link_id=world.link.pk) == (0, 1)


def test_it_comes_and_goes_with_the_callers_transaction(world):
    with transaction.atomic():
        record_click(world.link, at=world.at)
        transaction.set_rollback(True)

    record_click(world.link, at=world.at)
    assert Click.objects.filter(link_id=world.link.pk).count() == 1
    assert ClickCount.objects.get(link_id=world.link.pk).clicks == 1


def test_addresses_are_kept_for_ever_when_the_operator_says_so(settings):
    settings.CLICK_IP_DAYS = 0

    assert forget_addresses() == 0

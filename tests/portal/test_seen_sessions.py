"""When a session was last seen is noted once a minute, not at every page."""

import pytest
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.factories.world import make_world


@pytest.fixture
def owner(db):
    client = Client()
    client.force_login(make_world(at=timezone.now()).owner)
    return client


def test_the_first_page_notes_the_session_and_the_next_writes_nothing(owner):
    owner.get("/merchant/")
    seen = UserSession.objects.get().last_seen_at

    owner.get("/merchant/")

    assert UserSession.objects.get().last_seen_at == seen


def test_another_browser_with_the_same_session_is_noted_at_once(owner):
    owner.get("/merchant/")

    owner.get("/merchant/", headers={"user-agent": "Another/1.0"})

    assert UserSession.objects.get().user_agent == "Another/1.0"


def test_a_minute_later_it_is_noted_again(owner):
    owner.get("/merchant/")
    seen = UserSession.objects.get().last_seen_at
    cache.clear()

    owner.get("/merchant/")

    assert UserSession.objects.get().last_seen_at > seen

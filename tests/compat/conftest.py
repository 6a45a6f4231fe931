"""A shop that came with Dub's client: a merchant with a program, a partner, a link and a key."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.db import connection
from django.utils import timezone

from affiliates.keys import issue_key
from affiliates.models import User
from tests.factories.world import World, make_click, make_world
from tracking.models import Click


@dataclass
class Shop:
    """What the tests hold."""

    world: World
    token: str
    base: str

    def click(self) -> Click:
        """A fresh click on the shop's link."""
        return make_click(self.world.link, at=timezone.now())


@pytest.fixture
def shop(transactional_db, live_server) -> Iterator[Shop]:
    """A shop behind a running server."""
    now = timezone.now()
    world = make_world(now)
    _key, token = issue_key("sk_live", name="dub", merchant=world.merchant, by=User.objects.first(), at=now)
    yield Shop(world, token, f"{live_server.url}/compat/dub")
    with connection.cursor() as cursor:
        # Django's flush knows nothing of tables that it does not manage.
        cursor.execute("TRUNCATE tracking_click, tracking_click_hour")

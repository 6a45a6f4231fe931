"""A database and a door for the tests of this folder, started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.factories.doors import ClickDatabase, RunningDoor, click_database, running_door


@pytest.fixture(scope="session")
def clicks() -> Iterator[ClickDatabase]:
    """A database with links and clicks, shared by the tests that do not break it."""
    with click_database(settings.DATABASE_URL) as database:
        yield database


@pytest.fixture
def own_clicks() -> Iterator[ClickDatabase]:
    """A database of the test's own, to be broken at will."""
    with click_database(settings.DATABASE_URL) as database:
        yield database


@pytest.fixture(scope="session")
def door(clicks: ClickDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """A real door over HTTP, shared by the tests that do not kill it."""
    spool_dir: Path = tmp_path_factory.mktemp("door") / "spool"
    with running_door(clicks.url, spool_dir, CLICK_FLOOD_LIMIT="500") as running:
        yield running

"""A town of its own for each story module: a database copied from the migrated template, real processes."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.db import connection

from tests.stories.town import Town

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker) -> Iterator[Town]:
    """A town that the stories of a module share."""
    with django_db_blocker.unblock():
        yield from _build(tmp_path_factory)


@pytest.fixture(scope="module")
def quiet_town(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker) -> Iterator[Town]:
    """A town that the stories of a module share, with nothing in it: clicks and orders, and nothing that works later."""
    with django_db_blocker.unblock():
        for one in _build(tmp_path_factory, is_bare=True):
            one.start("web", "click", "drain")
            yield one


@pytest.fixture(scope="module")
def town_of_a_year(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker
) -> Iterator[Town]:
    """A town to look at: a small year of the demo, and only what shows it."""
    with django_db_blocker.unblock():
        for one in _build(tmp_path_factory, is_bare=True):
            one.manage("seed_demo", "--scale", "0.02")
            one.start("web")
            yield one


@pytest.fixture
def fresh_town(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker) -> Iterator[Town]:
    """A town for one story alone."""
    with django_db_blocker.unblock():
        yield from _build(tmp_path_factory)


@pytest.fixture
def bare_town(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker) -> Iterator[Town]:
    """A town with nothing in it and nothing running but the Stripe stand-in."""
    with django_db_blocker.unblock():
        yield from _build(tmp_path_factory, is_bare=True)


def _build(tmp_path_factory: pytest.TempPathFactory, *, is_bare: bool = False) -> Iterator[Town]:
    """Everything but the year's data: merchants, programs, staff, the public site."""
    name = f"story_{os.getpid()}_{next(_numbers)}"
    template = os.environ.get("TEST_TEMPLATE") or connection.settings_dict["NAME"]
    connection.close()
    parts = urlsplit(os.environ["DATABASE_URL"])
    admin = urlunsplit(parts._replace(path="/postgres"))
    with psycopg.connect(admin, autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        # While a browser runs, Django keeps a second connection of this thread's, which nobody can close afterwards.
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [template],
        )
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    home = Path(tmp_path_factory.mktemp("town"))
    for folder in ("mail", "spool", "media", "static"):
        (home / folder).mkdir()
    one = Town(urlunsplit(parts._replace(path=f"/{name}")), home)
    try:
        one.start("stripe")
        if not is_bare:
            one.manage("seed_demo", "--stage", "empty")
            one.start("web", "click", "drain", "worker", "beat")
        yield one
    finally:
        one.stop()
        with psycopg.connect(admin, autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

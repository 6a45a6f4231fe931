from collections.abc import Iterator

import pytest

from fakestripe.server import Server
from tests.fakestripe.talk import Talk


@pytest.fixture(scope="session")
def running() -> Iterator[Talk]:
    with Server() as server:
        yield Talk(server.base_url, server)


@pytest.fixture
def talk(running: Talk) -> Talk:
    running.control("POST", "reset", {"endpoints": True})
    return running

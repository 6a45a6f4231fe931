"""Killed anywhere, no answered click is lost and none is there twice (fault 1)."""

import http.client
import random
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.factories.doors import ROOT, ClickDatabase, RunningDoor, ask, start_door
from tracking.click_ids import click_key

DRAIN = """
import sys, time
from pathlib import Path
from tracking.drain import Drainer, connect
connection = connect(sys.argv[1])
drainer = Drainer(batch_of=40, conninfo=sys.argv[1])
print("at work", flush=True)
while True:
    if not drainer.drain_directory(connection, Path(sys.argv[2])).clicks:
        time.sleep(0.01)
"""


class Crowd:
    """Visitors who click as fast as they are answered, and remember every answer."""

    def __init__(self, codes: list[str], size: int) -> None:
        self.codes = codes
        self.size = size
        self.answered: list[str] = []
        self._is_over = False
        self._threads: list[threading.Thread] = []

    def visit(self, door: RunningDoor) -> None:
        """Sends the crowd to a door."""
        self._is_over = False
        self._threads = [threading.Thread(target=self._click, args=(door.port, seed)) for seed in range(self.size)]
        for thread in self._threads:
            thread.start()

    def go_home(self) -> None:
        """Waits until everybody has left."""
        self._is_over = True
        for thread in self._threads:
            thread.join()

    def _click(self, port: int, seed: int) -> None:
        choose = random.Random(seed)
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
            try:
                while not self._is_over:
                    answer = ask(connection, f"/r/{choose.choice(self.codes)}?sub1={seed}")
                    assert answer.status == 302
                    self.answered.append(answer.click_id)
            except (OSError, http.client.HTTPException):
                return  # The door was killed under this visitor's hands.


class DrainsUnderFire:
    """Drains that are started one after another and killed in the middle of their work."""

    def __init__(self, database: ClickDatabase, spool_dir: Path, chance: random.Random) -> None:
        # Without Django a drain starts fast enough to be killed often.
        self._command = [sys.executable, "-c", DRAIN, database.url, str(spool_dir)]
        self._chance = chance
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.is_set():
            with subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE) as drain:
                assert drain.stdout is not None
                drain.stdout.readline()
                time.sleep(self._chance.uniform(0.0, 0.1))
                drain.kill()


def kill_often(database: ClickDatabase, spool_dir: Path, *, kills: int, seed: int) -> list[str]:
    """Lets a crowd click while the door and the drains are killed at random moments; the answered ids."""
    codes = [database.add_link().code for _ in range(10)]
    chance = random.Random(seed)
    crowd = Crowd(codes, size=6)
    with DrainsUnderFire(database, spool_dir, chance):
        for _ in range(kills):
            door = start_door(database.url, spool_dir)
            crowd.visit(door)
            time.sleep(chance.uniform(0.05, 0.5))
            door.kill()
            crowd.go_home()
    return crowd.answered


def check_nothing_lost_or_doubled(database: ClickDatabase, spool_dir: Path, answered: list[str]) -> None:
    """Every answered id has its row, and the counts count every row once."""
    database.drain(spool_dir)
    recorded = {key for (key,) in database.execute("SELECT id FROM tracking_click")}
    assert len(answered) > 100
    assert len(set(answered)) == len(answered)
    assert [click_id for click_id in answered if click_key(click_id) not in recorded] == []
    assert database.execute("SELECT sum(clicks) FROM tracking_click_count") == [(len(recorded),)]
    differences = database.execute("""
        SELECT * FROM (SELECT link_id, date_trunc('hour', clicked_at, 'UTC') AS hour, count(*) AS clicks
                       FROM tracking_click GROUP BY 1, 2) AS rows
        FULL JOIN tracking_click_count AS known USING (link_id, hour)
        WHERE rows.clicks IS DISTINCT FROM known.clicks""")
    assert differences == []


def test_ten_kills_lose_and_double_nothing(own_clicks, tmp_path):
    answered = kill_often(own_clicks, tmp_path / "spool", kills=10, seed=1)

    check_nothing_lost_or_doubled(own_clicks, tmp_path / "spool", answered)


@pytest.mark.slow
def test_a_hundred_kills_lose_and_double_nothing(own_clicks, tmp_path):
    answered = kill_often(own_clicks, tmp_path / "spool", kills=100, seed=2)

    check_nothing_lost_or_doubled(own_clicks, tmp_path / "spool", answered)

"""Two doors on two machines, one database: one may die, and nobody notices in the figures (docs/scaling.md)."""

import threading
import time

from tests.factories.doors import start_door
from tests.portal.click.test_kills import Crowd, check_nothing_lost_or_doubled


def test_one_of_two_doors_dies_and_no_answered_click_is_lost_or_doubled(own_clicks, tmp_path):
    """Each door has its own spool, as on its own machine; both drains write into one database at once."""
    codes = [own_clicks.add_link().code for _ in range(10)]
    spools = [tmp_path / "one" / "spool", tmp_path / "two" / "spool"]
    doors = [start_door(own_clicks.url, spool) for spool in spools]
    crowds = [Crowd(codes, size=4), Crowd(codes, size=4)]
    is_over = threading.Event()

    def drain(spool) -> None:
        while not is_over.is_set():
            own_clicks.drain(spool)
            time.sleep(0.02)

    drains = [threading.Thread(target=drain, args=(spool,)) for spool in spools]
    for thread in drains:
        thread.start()
    try:
        for crowd, door in zip(crowds, doors, strict=True):
            crowd.visit(door)
        time.sleep(1.0)
        doors[0].kill()
        answered_by_the_other = len(crowds[1].answered)
        time.sleep(1.0)
        crowds[0].go_home()
        crowds[1].go_home()
        is_other_alive = len(crowds[1].answered) > answered_by_the_other
    finally:
        is_over.set()
        for thread in drains:
            thread.join()
        doors[1].stop()

    # The dead machine's disk comes back later: what it had answered is in its spool.
    own_clicks.drain(spools[0])
    answered = crowds[0].answered + crowds[1].answered
    check_nothing_lost_or_doubled(own_clicks, spools[1], answered)
    assert is_other_alive
    assert min(len(crowd.answered) for crowd in crowds) > 50

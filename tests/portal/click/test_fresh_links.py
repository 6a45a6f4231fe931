"""The door knows what the database knows, moments later."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from portal.click.keeper import LinkKeeper
from portal.click.links import LINK_SQL, LinkTable, rows_of_snapshot
from tests.factories.doors import ClickDatabase, RunningDoor, new_key


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether the condition came true in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def where(door: RunningDoor, code: str) -> str:
    """Where a link leads, without its click id; the status when it leads nowhere."""
    answer = door.get(f"/r/{code}")
    return answer.location.partition("?")[0] if answer.status == 302 else str(answer.status)


def test_a_new_link_works_at_once(door, clicks):
    link = clicks.add_link()

    assert where(door, link.code) == "https://shop.example/landing"


def test_a_link_made_right_after_somebody_tried_its_code_works(door, clicks):
    assert where(door, "soon-to-be") == "404"

    clicks.add_link("soon-to-be")

    assert wait_for(lambda: where(door, "soon-to-be") == "https://shop.example/landing", seconds=2)


def test_a_changed_destination_is_followed(door, clicks):
    link = clicks.add_link()
    where(door, link.code)

    clicks.execute("UPDATE tracking_link SET destination = 'https://shop.example/new' WHERE id = %s", link.id)

    assert wait_for(lambda: where(door, link.code) == "https://shop.example/new", seconds=2)


def test_a_deleted_link_is_forgotten(door, clicks):
    link = clicks.add_link()
    where(door, link.code)

    clicks.execute("DELETE FROM tracking_link WHERE id = %s", link.id)

    assert wait_for(lambda: where(door, link.code) == "404", seconds=2)


def test_a_renamed_code_answers_under_both_its_names(door, clicks):
    """B2: what was shared once works for ever."""
    link = clicks.add_link("old-name")
    where(door, link.code)

    clicks.execute(
        "UPDATE tracking_link SET code = 'new-name', destination = 'https://shop.example/new' WHERE id = %s", link.id
    )

    assert wait_for(lambda: where(door, "new-name") == "https://shop.example/new", seconds=2)
    assert wait_for(lambda: where(door, "old-name") == "https://shop.example/new", seconds=2)


def test_an_alias_leads_where_its_link_leads_now(door, clicks):
    link = clicks.add_link()
    clicks.execute("INSERT INTO tracking_link_alias (code, link_id) VALUES (%s, %s)", f"{link.code}-spring", link.id)

    assert wait_for(lambda: where(door, f"{link.code}-spring") == "https://shop.example/landing", seconds=2)

    clicks.execute("UPDATE tracking_link SET destination = 'https://shop.example/summer' WHERE id = %s", link.id)
    assert wait_for(lambda: where(door, f"{link.code}-spring") == "https://shop.example/summer", seconds=2)
    assert where(door, f"{link.code}-SPRING") == "https://shop.example/summer"


def test_changed_settings_of_a_program_are_heard_of(door, clicks):
    link = clicks.add_link()
    where(door, link.code)

    clicks.set_program(link, routing=[{"when": {}, "do": "redirect", "url": "https://shop.example/ruled"}])

    assert wait_for(lambda: where(door, link.code) == "https://shop.example/ruled", seconds=2)


def test_a_closed_program_turns_its_links_to_its_home_at_once(door, clicks):
    link = clicks.add_link()
    where(door, link.code)

    clicks.execute("UPDATE affiliates_program SET status = 'closed' WHERE id = %s", link.program_id)

    assert wait_for(lambda: where(door, link.code) == "https://shop.example/", seconds=2)


def test_a_narrowed_host_list_and_a_suspended_enrolment_are_heard_of(door, clicks):
    narrowed, suspended = clicks.add_link(), clicks.add_link()
    where(door, narrowed.code), where(door, suspended.code)

    clicks.execute("UPDATE affiliates_program SET allowed_hosts = '{other.example}' WHERE id = %s", narrowed.program_id)
    clicks.execute("UPDATE affiliates_enrolment SET status = 'suspended' WHERE id = %s", suspended.enrolment_id)

    assert wait_for(lambda: where(door, narrowed.code) == "https://shop.example/", seconds=2)
    assert wait_for(lambda: where(door, suspended.code) == "https://shop.example/", seconds=2)


def test_a_thousand_links_changed_at_once_are_all_heard_of(door, clicks):
    base = clicks.add_link()
    clicks.connection.cursor().executemany(
        "INSERT INTO tracking_link SELECT %s, %s, enrolment_id, program_id, affiliate_id, destination"
        " FROM tracking_link WHERE code = %s",
        [(new_key(), f"many-{number}", base.code) for number in range(1_000)],
    )
    where(door, "many-999")

    clicks.execute("UPDATE tracking_link SET destination = 'https://shop.example/all' WHERE code LIKE 'many-%%'")

    assert wait_for(lambda: where(door, "many-0") == "https://shop.example/all")
    assert wait_for(lambda: where(door, "many-999") == "https://shop.example/all")


def test_the_sweep_finds_what_no_notice_told(own_clicks: ClickDatabase, tmp_path: Path):
    link = own_clicks.add_link()
    own_clicks.execute("ALTER TABLE tracking_link DISABLE TRIGGER ALL")
    own_clicks.execute("ALTER TABLE affiliates_program DISABLE TRIGGER ALL")
    table = LinkTable(allow_local=False)
    keeper = LinkKeeper(table, database_url=own_clicks.url, directory=tmp_path, sweep_seconds=0.2)
    keeper.load()
    keeper.start()

    own_clicks.execute(
        "UPDATE affiliates_program SET status = 'paused', updated_at = now() WHERE id = %s", link.program_id
    )

    assert wait_for(lambda: table.links[link.code].reason == "program_paused")
    own_clicks.execute(
        "UPDATE tracking_link SET destination = 'https://shop.example/x', updated_at = now() WHERE id = %s", link.id
    )
    own_clicks.execute(
        "UPDATE affiliates_program SET status = 'open', updated_at = now() WHERE id = %s", link.program_id
    )
    assert wait_for(lambda: table.links[link.code].url == "https://shop.example/x")
    keeper.stop()


def test_a_snapshot_gives_back_what_it_was_given(own_clicks: ClickDatabase, tmp_path: Path):
    odd = own_clicks.add_link("odd", destination="https://shop.example/\\a\tb\\n", hosts=("shop.example", "a.example"))
    own_clicks.add_link("plain")
    keeper = LinkKeeper(LinkTable(allow_local=False), database_url=own_clicks.url, directory=tmp_path)

    keeper.load()

    with psycopg.connect(own_clicks.url) as connection:
        rows = connection.execute(f"{LINK_SQL} ORDER BY l.code").fetchall()
    kept = sorted(rows_of_snapshot(tmp_path / "links.snapshot"))
    assert kept == [[str(value) for value in row] for row in rows]
    assert kept[0][:2] == ["odd", str(odd.id)]
    keeper.stop()

"""Stores rows of clicks with their uniqueness and their hourly counts, in one transaction. Free of Django.

A counted click is unique when the same visitor has no counted click on the same program in the
program's window before it. That depends on nothing but the clicks themselves, so the order in which
they arrive does not matter: a late click takes the mark from the one after it. Who stores holds one
lock for the length of the transaction, so that two drains judge one after the other and both are right.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from tracking.partitions import CLICKS_LOCK, ensure_partitions
from tracking.reading import COLUMNS, Load

DEFAULT_WINDOW_HOURS = 24

_NAMES = ", ".join(COLUMNS)
_STAGING = f"""
CREATE TEMPORARY TABLE IF NOT EXISTS click_staging ON COMMIT DELETE ROWS AS
SELECT {_NAMES}, 0::smallint AS judging FROM tracking_click WITH NO DATA
"""  # noqa: S608 - constants of ours
_COPY = f"COPY click_staging ({_NAMES}, judging) FROM STDIN"
# The smallest key of an instant, so that only the months of the window are looked into.
_KEY_OF = "(lpad(to_hex((extract(epoch FROM {})*1000)::bigint), 12, '0') || '00000000000000000000')::uuid"
_SPAN = f"make_interval(hours => coalesce(rules.unique_window_hours, {DEFAULT_WINDOW_HOURS}))"
# Asked for in the order of the visitors' index, so that no plan reads through a whole day instead.
_BEFORE = """
(SELECT true FROM tracking_click AS known
 WHERE known.{who} = staged.{who} AND known.clicked_at > staged.clicked_at - staged.span
   AND known.clicked_at <= staged.clicked_at AND known.id < staged.id AND known.id >= {since}
   AND known.program_id = staged.program_id AND known.is_counted AND known.kind = 'click'
 ORDER BY known.clicked_at DESC LIMIT 1)
"""
_SINCE = _KEY_OF.format("(staged.clicked_at - staged.span)")
_COUNTS = """
INSERT INTO tracking_click_hour AS known
    (hour, link_id, sub1, country, device, program_id, affiliate_id, clicks, counted, uniques, views)
SELECT date_trunc('hour', clicked_at, 'UTC'), link_id, coalesce(params ->> 'sub1', ''), country, device,
       min(program_id::text)::uuid, min(affiliate_id::text)::uuid,
       count(*) FILTER (WHERE kind = 'click'), count(*) FILTER (WHERE kind = 'click' AND is_counted),
       count(*) FILTER (WHERE is_unique), count(*) FILTER (WHERE kind = 'view' AND is_counted)
FROM inserted GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2
ON CONFLICT (hour, link_id, sub1, country, device) DO UPDATE
SET clicks = known.clicks + excluded.clicks, counted = known.counted + excluded.counted,
    uniques = known.uniques + excluded.uniques, views = known.views + excluded.views
"""
# A key that stands twice in one batch keeps its first row, which is the one that may be unique.
_MOVE = f"""
WITH among AS (
    SELECT ctid AS place, clicked_at - lag(clicked_at) OVER (
        PARTITION BY program_id, visitor_id, anonymous_key, is_counted AND kind = 'click' ORDER BY id
    ) AS after
    FROM click_staging WHERE judging = 3
), staged AS (
    SELECT click_staging.*, {_SPAN} AS span, among.after
    FROM click_staging
    LEFT JOIN tracking_program_settings AS rules USING (program_id)
    LEFT JOIN among ON among.place = click_staging.ctid
), judged AS (
    SELECT {_NAMES}, CASE
        WHEN NOT is_counted OR kind <> 'click' THEN false
        WHEN judging = 1 OR (visitor_id IS NULL AND anonymous_key IS NULL) THEN true
        WHEN after < span THEN false
        WHEN visitor_id IS NOT NULL THEN {_BEFORE.format(who="visitor_id", since=_SINCE)} IS NULL
        ELSE {_BEFORE.format(who="anonymous_key", since=_SINCE)} IS NULL
    END AS is_unique
    FROM staged
), inserted AS (
    INSERT INTO tracking_click ({_NAMES}, is_unique)
    SELECT {_NAMES}, is_unique FROM judged ORDER BY id, is_unique DESC
    ON CONFLICT DO NOTHING
    RETURNING clicked_at, link_id, program_id, affiliate_id, is_counted, is_unique, kind, params, country, device
), counted AS ({_COUNTS})
SELECT count(*) FROM inserted
"""  # noqa: S608 - constants of ours
# The latest click that could have lost its mark to one of this batch; mostly there is none. No further
# ahead than the programs' windows reach, or one click of a clock that runs fast would have every batch corrected.
_LATEST = f"""
SELECT id FROM tracking_click
WHERE id > (SELECT id FROM click_staging ORDER BY id LIMIT 1)
  AND id <= (
      SELECT {_KEY_OF.format(f"max(clicked_at + {_SPAN})")}
      FROM click_staging LEFT JOIN tracking_program_settings AS rules USING (program_id)
  )
ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - constants of ours
# The first unique click in the window after a counted one is not unique any more.
_CORRECT = f"""
WITH later AS (
    SELECT DISTINCT following.id
    FROM click_staging AS staged
    LEFT JOIN tracking_program_settings AS rules USING (program_id)
    CROSS JOIN LATERAL (
        SELECT known.id, known.is_unique FROM tracking_click AS known
        WHERE known.{{who}} = staged.{{who}} AND known.clicked_at >= staged.clicked_at
          AND known.clicked_at < staged.clicked_at + {_SPAN}
          AND known.id > staged.id AND known.id < {_KEY_OF.format(f"(staged.clicked_at + {_SPAN})")}
          AND known.program_id = staged.program_id AND known.is_counted AND known.kind = 'click'
        ORDER BY known.clicked_at, known.id LIMIT 1
    ) AS following
    WHERE staged.id < %(latest)s AND staged.is_counted AND staged.kind = 'click' AND following.is_unique
), lost AS (
    UPDATE tracking_click SET is_unique = false
    WHERE id = ANY (ARRAY(SELECT id FROM later)) AND is_unique
    RETURNING clicked_at, link_id, params, country, device
)
UPDATE tracking_click_hour AS known SET uniques = known.uniques - gone.number
FROM (
    SELECT date_trunc('hour', clicked_at, 'UTC') AS hour, link_id, coalesce(params ->> 'sub1', '') AS sub1,
           country, device, count(*) AS number
    FROM lost GROUP BY 1, 2, 3, 4, 5
) AS gone
WHERE (known.hour, known.link_id, known.sub1, known.country, known.device)
    = (gone.hour, gone.link_id, gone.sub1, gone.country, gone.device)
"""  # noqa: S608 - constants of ours


def store(connection: psycopg.Connection[Any], load: Load) -> int:
    """Puts the rows into the database, in one transaction; how many were new.

    If the database finds one of them unfit, the halves are tried apart until the unfit ones
    are found; they move to `load.refused`. Raises psycopg.Error for everything else.
    """
    if not load.rows:
        return 0
    ensure_partitions(connection, load.months, at=datetime.now(UTC))
    refused: list[tuple[str, str]] = []
    inserted, load.rows = _store_rows(connection, load.rows, load.clicks, refused)
    load.refused += refused
    return inserted


def insert_rows(connection: psycopg.Connection[Any], rows: Sequence[str]) -> int:
    """One transaction (or a savepoint in the caller's): rows, marks and counts; how many rows were new."""
    prepare_staging(connection)
    with connection.transaction():
        stage_rows(connection, rows)
        return settle_rows(connection)


def prepare_staging(connection: psycopg.Connection[Any]) -> None:
    """Makes the session's staging table, once, before the transaction that fills it."""
    connection.execute(_STAGING)


def stage_rows(connection: psycopg.Connection[Any], rows: Sequence[str]) -> None:
    """Copies rows into the staging table, where nobody else sees them. Part of a transaction of the caller's."""
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write("".join(rows))


def settle_rows(connection: psycopg.Connection[Any]) -> int:
    """Moves the staged rows to where they belong, with marks and counts, in the same transaction; how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (CLICKS_LOCK,))
        # Planned anew for each batch: a plan made while the month was empty would be slow ever after.
        latest = cursor.execute(_LATEST, prepare=False).fetchone()
        answer = cursor.execute(_MOVE, prepare=False).fetchone()
        if latest is not None:
            for who in ("visitor_id", "anonymous_key"):
                cursor.execute(_CORRECT.format(who=who), {"latest": latest[0]}, prepare=False)
        # In a transaction of the caller's the table is not emptied by itself.
        cursor.execute("DELETE FROM click_staging")
    return 0 if answer is None else int(answer[0])


def _store_rows(
    connection: psycopg.Connection[Any], rows: list[str], clicks: list[Any], refused: list[tuple[str, str]]
) -> tuple[int, list[str]]:
    """How many rows were new, and the rows that were taken."""
    try:
        return insert_rows(connection, rows), rows
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        if len(rows) == 1:
            refused.append((json.dumps(clicks[0]), str(error).partition("\n")[0]))
            return 0, []
    middle = len(rows) // 2
    first, first_kept = _store_rows(connection, rows[:middle], clicks[:middle], refused)
    second, second_kept = _store_rows(connection, rows[middle:], clicks[middle:], refused)
    return first + second, first_kept + second_kept

"""The lines that reports read of orders: how they are worked out, and how the copies are kept.

A line is one accepted order: as a whole (affiliate nil), and once for each partner that has a part of it by
commission or by decision. Working a line out touches six large tables, so copies of them stand in
payouts_orderline. Triggers note every changed order down (payouts/sql/changed_orders.sql); what is noted, reports
work out anew, all else they read from the copies, so that their figures are those of now. The copying takes the
notes away; killed anywhere, or run by two at once, it leaves either the note or the right copy.
"""

from uuid import UUID

from django.db import connection, transaction

#: The affiliate of an order's line as a whole.
WHOLE = UUID(int=0)
#: Notes that one transaction takes away.
_AT_ONCE = 2_000
#: So many noted orders are named in a statement; more are looked up by it.
MOST_NAMED = 2_000
_LOCK = 7_240_161_110

_COLUMNS = (
    *("conversion_id", "affiliate_id", "parts", "merchant_id", "program_id", "occurred_at", "currency"),
    *("amount_minor", "refunded_minor", "kept_minor", "is_reversed", "waits", "customer_ref", "customer_status"),
    *("event", "coupon", "country", "click_id", "is_own_click", "link_id", "sub1", "click_country", "device"),
)
#: The lines of orders as they are now; `{which}` is a condition on the order, c.
LINES_NOW = """
SELECT c.id AS conversion_id, part.affiliate_id, part.parts, c.merchant_id, c.program_id, c.occurred_at, c.currency,
       c.amount_minor, c.refunded_minor, part.kept_minor, part.is_reversed, part.waits, c.customer_ref,
       c.customer_status, c.event, upper(c.coupon) AS coupon, c.country, part.click_id,
       k.affiliate_id = part.affiliate_id AS is_own_click, k.link_id, k.params ->> 'sub1' AS sub1,
       k.country AS click_country, k.device
FROM tracking_conversion c
CROSS JOIN LATERAL (
    WITH sellers AS (
        SELECT affiliate_id, sum(kept)::bigint AS kept_minor, bool_and(is_reversed) AS is_reversed,
               bool_or(waits) AS waits,
               (array_agg(click_id ORDER BY click_id) FILTER (WHERE click_id IS NOT NULL))[1] AS click_id
        FROM (
            SELECT m.affiliate_id, m.amount_minor - m.reversed_minor AS kept, m.status = 'reversed' AS is_reversed,
                   m.status = 'pending' AS waits, NULL::uuid AS click_id
            FROM payouts_commission m WHERE m.conversion_id = c.id
            UNION ALL
            SELECT e.affiliate_id, NULL, NULL, NULL, a.click_id
            FROM tracking_attribution a JOIN affiliates_enrolment e ON e.id = a.enrolment_id
            WHERE a.conversion_id = c.id
            UNION ALL
            SELECT e.affiliate_id, NULL, NULL, NULL, p.click_id
            FROM tracking_attribution a JOIN tracking_attributionshare p ON p.attribution_id = a.id
            JOIN affiliates_enrolment e ON e.id = p.enrolment_id
            WHERE a.conversion_id = c.id
        ) AS parts GROUP BY affiliate_id
    )
    SELECT '00000000-0000-0000-0000-000000000000'::uuid AS affiliate_id, count(*)::integer AS parts,
           sum(kept_minor)::bigint AS kept_minor, bool_and(is_reversed) AS is_reversed, bool_or(waits) AS waits,
           (SELECT a.click_id FROM tracking_attribution a WHERE a.conversion_id = c.id AND a.enrolment_id IS NOT NULL)
               AS click_id
    FROM sellers
    UNION ALL
    SELECT affiliate_id, 1, kept_minor, is_reversed, waits, click_id FROM sellers
) AS part
LEFT JOIN tracking_click k ON k.id = part.click_id
WHERE c.verdict = 'accepted' AND NOT c.is_test AND {which}
"""


def copy_changed_orders() -> int:
    """Copy the lines of some noted orders anew and take the notes away; how many notes. 0 when somebody else is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Two who copy the same order from different moments could leave the older copy.
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        row = cursor.fetchone()
        if row is None or not row[0]:
            return 0
        # A note is visible once what it is about is: whatever changes from here on leaves a note of its own.
        cursor.execute(
            "DELETE FROM payouts_changedorder WHERE id IN (SELECT id FROM payouts_changedorder ORDER BY id LIMIT %s)"
            " RETURNING conversion_id",
            [_AT_ONCE],
        )
        notes = [conversion for (conversion,) in cursor.fetchall()]
        if notes:
            values = {"changed": list(set(notes))}
            cursor.execute("DELETE FROM payouts_orderline WHERE conversion_id = ANY(%(changed)s)", values)
            cursor.execute(
                f"INSERT INTO payouts_orderline ({', '.join(_COLUMNS)})"  # noqa: S608 - columns of ours
                f" SELECT {', '.join(_COLUMNS)} FROM ({LINES_NOW.format(which='c.id = ANY(%(changed)s)')}) AS line",
                values,
            )
    return len(notes)


def changed_orders() -> list[UUID]:
    """The noted orders, MOST_NAMED + 1 of them at most."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT conversion_id FROM payouts_changedorder LIMIT %s", [MOST_NAMED + 1])
        return [conversion for (conversion,) in cursor.fetchall()]

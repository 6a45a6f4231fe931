"""Cohorts: what becomes of the customers, or the partners, of a month (K4).

A customer's month is that of its first order here; a partner's is that of its first approved place. What is
counted is net of refunds as they are known now, so a cohort's revenue is what really stayed.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db import connection

from ledger.money import Money
from payouts.queries.statistics import lines_of
from tracking.statistics.questions import Question

#: Months that a table tells, cohorts and ages alike.
MOST_MONTHS = 12

_CUSTOMERS = """
WITH lines AS (
    SELECT l.merchant_id::text || l.customer_ref AS who, l.currency, l.amount_minor - l.refunded_minor AS kept,
           date_trunc('month', l.occurred_at AT TIME ZONE %(zone)s)::date AS month
    FROM {source} WHERE {conditions} AND l.customer_ref <> ''
), members AS (
    SELECT who, min(month) AS cohort FROM lines GROUP BY who
)
"""
_PARTNERS = """
WITH lines AS (
    SELECT l.partner_id::text AS who, l.currency, l.amount_minor - l.refunded_minor AS kept,
           date_trunc('month', l.occurred_at AT TIME ZONE %(zone)s)::date AS month
    FROM {source} WHERE {conditions} AND l.partner_id IS NOT NULL
), members AS (
    SELECT e.affiliate_id::text AS who,
           date_trunc('month', min(coalesce(e.decided_at, e.applied_at)) AT TIME ZONE %(zone)s)::date AS cohort
    FROM affiliates_enrolment e JOIN affiliates_program p ON p.id = e.program_id
    WHERE e.status NOT IN ('applied', 'declined') AND (%(merchant)s::uuid IS NULL OR p.merchant_id = %(merchant)s)
    GROUP BY e.affiliate_id
)
"""
_COUNT = """
SELECT cohort, (extract(year FROM age) * 12 + extract(month FROM age))::int, currency, active, kept FROM (
    SELECT members.cohort, age(lines.month, members.cohort) AS age, lines.currency,
           count(DISTINCT who) AS active, sum(kept)::bigint AS kept
    FROM members JOIN lines USING (who)
    WHERE members.cohort > %(first)s AND lines.month >= members.cohort
    GROUP BY GROUPING SETS ((1, 2), (1, 2, 3))
) AS ages
UNION ALL
SELECT cohort, -1, NULL, count(*), 0 FROM members WHERE cohort > %(first)s GROUP BY cohort
"""


@dataclass(frozen=True, slots=True)
class Age:
    """A cohort in one month of its life: how many were active, and what they brought."""

    active: int
    revenue: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Cohort:
    """Those whose month it was, and their months since; a month that has not come yet is left out."""

    month: date
    size: int
    ages: tuple[Age, ...]


def cohorts_of(question: Question, *, of_partners: bool, today: date) -> list[Cohort]:
    """The last twelve cohorts, oldest first; filters apply to the orders. One query."""
    asked = question.by("affiliate") if of_partners else question.by()
    lines = lines_of(asked, is_timed=False)
    first = _months_before(today.replace(day=1), MOST_MONTHS)
    frame = _PARTNERS if of_partners else _CUSTOMERS
    statement = frame.format(source=lines.source, conditions=" AND ".join(lines.conditions)) + _COUNT
    with connection.cursor() as cursor:
        cursor.execute(statement, lines.values | {"first": first})
        rows = cursor.fetchall()
    sizes: dict[date, int] = {}
    active: dict[tuple[date, int], int] = {}
    revenue: dict[tuple[date, int], list[Money]] = defaultdict(list)
    for cohort, age, currency, number, kept in sorted(rows, key=lambda row: (row[0], row[1], row[2] or "")):
        if age < 0:
            sizes[cohort] = number
        elif currency is None:
            active[cohort, age] = number
        else:
            revenue[cohort, age].append(Money(kept, currency))
    return [
        Cohort(
            month,
            sizes[month],
            tuple(
                Age(active.get((month, age), 0), tuple(revenue[month, age]))
                for age in range(_months_between(month, today) + 1)
            ),
        )
        for month in sorted(sizes)
    ]


def _months_before(month: date, number: int) -> date:
    whole = month.year * 12 + month.month - 1 - number
    return date(whole // 12, whole % 12 + 1, 1)


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month

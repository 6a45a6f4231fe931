"""Reports: clicks, orders, revenue and commission of any question, worked out from what is stored now.

Orders are read live, so that refunds, reversals, amendments and late orders are right at once; they count at the
time they happened. An order counts when it was accepted and is credited; test orders never do. An order of which
several partners have a part counts for each of them in a group by partner, and once in every total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.db import connection

from affiliates.models import Affiliate, Merchant, Program
from ledger.currencies import digits
from tracking.statistics.clicks import count_clicks
from tracking.statistics.dimensions import DIMENSIONS
from tracking.statistics.metrics import Figures, Takings
from tracking.statistics.questions import MOST_GROUPS, Question, Scope

#: Groups of a report by the values of its dimensions.
type Groups = dict[tuple[str, ...], Figures]

#: What an affiliate has of orders: commissions, and its parts of the decisions with the click of each.
_EARNED = """
SELECT conversion_id, %(affiliate)s::uuid AS affiliate_id, sum(kept) AS kept, bool_and(is_reversed) AS is_reversed,
       bool_or(waits) AS waits, (array_agg(click_id) FILTER (WHERE click_id IS NOT NULL))[1] AS click_id
FROM (
    SELECT conversion_id, amount_minor - reversed_minor AS kept, status = 'reversed' AS is_reversed,
           status = 'pending' AS waits, NULL::uuid AS click_id
    FROM payouts_commission WHERE affiliate_id = %(affiliate)s
    UNION ALL
    SELECT a.conversion_id, NULL, NULL, NULL, a.click_id
    FROM tracking_attribution a JOIN affiliates_enrolment e ON e.id = a.enrolment_id
    WHERE e.affiliate_id = %(affiliate)s
    UNION ALL
    SELECT a.conversion_id, NULL, NULL, NULL, p.click_id
    FROM tracking_attributionshare p JOIN affiliates_enrolment e ON e.id = p.enrolment_id
    JOIN tracking_attribution a ON a.id = p.attribution_id
    WHERE e.affiliate_id = %(affiliate)s
) AS parts GROUP BY conversion_id
"""
#: One line an order: what is the affiliate's of it.
_OF_PARTNER = f"({_EARNED}) AS s JOIN tracking_conversion c ON c.id = s.conversion_id"
#: One line an order: everybody's commissions together, and the click of the lead part.
_OF_ORDER = """
tracking_conversion c
LEFT JOIN LATERAL (
    SELECT sum(m.amount_minor - m.reversed_minor) AS kept, bool_and(m.status = 'reversed') AS is_reversed,
           bool_or(m.status = 'pending') AS waits,
           (SELECT a.click_id FROM tracking_attribution a WHERE a.conversion_id = c.id AND a.enrolment_id IS NOT NULL)
    FROM payouts_commission m WHERE m.conversion_id = c.id
) AS s ON true
"""
#: One line an order and partner that has a part of it.
_OF_SELLERS = """
tracking_conversion c
LEFT JOIN LATERAL (
    SELECT affiliate_id, sum(kept) AS kept, bool_and(is_reversed) AS is_reversed, bool_or(waits) AS waits,
           (array_agg(click_id) FILTER (WHERE click_id IS NOT NULL))[1] AS click_id
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
) AS s ON true
"""
# Wholly taken back: nothing of the amount is left, or nothing of any commission.
_REVERSED = "((c.amount_minor > 0 AND c.refunded_minor >= c.amount_minor) OR coalesce(s.is_reversed, false))"
# A click's key holds its time, so the click itself need not be read.
SECONDS = """greatest((extract(epoch FROM c.occurred_at) * 1000
 - ('x' || left(replace(s.click_id::text, '-', ''), 12))::bit(48)::bigint) / 1000.0, 0)"""
_LINE = f"""
c.id, c.currency AS code, c.refunded_minor AS refunds, s.kept, c.customer_status = 'new' AS is_new,
{_REVERSED} AS is_reversed,
s.is_reversed IS NOT NULL AND NOT coalesce(s.waits, true) AND NOT {_REVERSED} AS is_approved
"""
# An item's own price in major units, as far as the shop told it.
_ITEM_SALES = r"CASE WHEN i.item ->> 'amount' ~ '^[0-9]{1,15}(\.[0-9]{1,6})?$' THEN (i.item ->> 'amount')::numeric END"
_TIMES = ", percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY seconds)"


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a question: figures by group, and of everything together."""

    question: Question
    groups: Groups
    total: Figures

    @property
    def currencies(self) -> list[str]:
        """The currencies of the orders, the one with most orders first."""
        return sorted(self.total.takings, key=lambda code: (-self.total.takings[code].orders, code))

    @property
    def is_cut(self) -> bool:
        """Whether groups fell off."""
        return len(self.groups) >= MOST_GROUPS


def scope_of_partner(affiliate: Affiliate) -> Scope:
    """An affiliate's own figures."""
    return Scope(affiliate_id=affiliate.pk)


def scope_of_merchant(merchant: Merchant) -> Scope:
    """The figures of a merchant's programs."""
    programs = Program.objects.filter(merchant=merchant).order_by("pk").values_list("pk", flat=True)
    return Scope(merchant_id=merchant.pk, program_ids=tuple(programs))


def scope_of_network() -> Scope:
    """Everybody's figures."""
    return Scope()


def report_on(question: Question, *, with_times: bool = True) -> Report:
    """Answer a question. `with_times` also works out the times to convert, which no sum of groups would give."""
    groups, total = _orders(question, with_times=with_times)
    if not question.knows_clicks:
        return Report(question, {key: one.without_clicks() for key, one in groups.items()}, total.without_clicks())
    clicks = count_clicks(question)
    for key, sums in clicks.items():
        groups[key] = _with_clicks(groups.get(key, Figures()), sums)
    whole = [sum(sums[place] for sums in clicks.values()) for place in range(4)]
    if len(groups) > MOST_GROUPS:
        kept = sorted(groups, key=lambda key: (-groups[key].orders, -(groups[key].clicks or 0), key))[:MOST_GROUPS]
        groups = {key: groups[key] for key in kept}
    return Report(question, groups, _with_clicks(total, (whole[0], whole[1], whole[2], whole[3])))


def totals_on(question: Question) -> Figures:
    """The figures of everything a question is about."""
    return report_on(question.by()).total


def _with_clicks(figures: Figures, sums: tuple[int, int, int, int]) -> Figures:
    gross, counted, uniques, views = sums
    return replace(figures, gross_clicks=gross, clicks=counted, unique_clicks=uniques, views=views)


def _orders(question: Question, *, with_times: bool) -> tuple[Groups, Figures]:
    """The order side of every group, and of all together, in one statement; two when groups share orders."""
    shares_orders = any(one.key == "affiliate" or one.needs_items for one in question.dimensions)
    if question.groups and shares_orders:
        groups, _total = _ask(question, with_times=with_times)
        _none, total = _ask(question.by(), with_times=with_times)
        return groups, total
    return _ask(question, with_times=with_times)


@dataclass(frozen=True, slots=True)
class Lines:
    """The orders of a question: c the order, s what is the asker's of it, k its click, i an item of it."""

    source: str
    conditions: list[str]
    values: dict[str, Any]
    has_items: bool


def lines_of(question: Question, *, is_timed: bool = True) -> Lines:
    """Where the question's orders are; of all time when it is not `is_timed`."""
    scope = question.scope
    uses_sellers = any(one.key == "affiliate" for one in question.asked)
    source = _OF_PARTNER if scope.affiliate_id else _OF_SELLERS if uses_sellers else _OF_ORDER
    conditions = ["c.verdict = 'accepted'", "NOT c.is_test"]
    if is_timed:
        conditions.append("c.occurred_at >= %(start)s AND c.occurred_at < %(end)s")
    if scope.merchant_id:
        conditions.append("c.merchant_id = %(merchant)s")
    if question.currency:
        conditions.append("c.currency = %(currency)s")
    values: dict[str, Any] = {
        "affiliate": scope.affiliate_id, "merchant": scope.merchant_id, "start": question.start, "end": question.end,
        "zone": question.zone, "currency": question.currency,
    }  # fmt: skip
    if any(one.needs_click for one in question.asked):
        # Another partner's click is nobody else's business, even where both have a part of the order.
        own = " AND k.affiliate_id = %(affiliate)s" if scope.affiliate_id else ""
        source += f" LEFT JOIN tracking_click k ON k.id = s.click_id{own}"
    has_items = any(one.needs_items for one in question.dimensions)
    if has_items:
        source += " CROSS JOIN LATERAL jsonb_array_elements(c.items) AS i (item)"
    for number, (key, value) in enumerate(question.filters):
        conditions.append(_filter(key, number))
        values[f"filter{number}"] = value
    return Lines(source, conditions, values, has_items)


def _ask(question: Question, *, with_times: bool) -> tuple[Groups, Figures]:
    lines = lines_of(question)
    keys = [one.order for one in question.dimensions]
    return _read(_statement(keys, lines), len(keys), lines.values, has_items=lines.has_items, with_times=with_times)


def _filter(key: str, number: int) -> str:
    dimension = DIMENSIONS[key]
    if not dimension.needs_items:
        return f"coalesce({dimension.order}, '') = %(filter{number})s"
    return (
        f"EXISTS (SELECT FROM jsonb_array_elements(c.items) AS i (item) WHERE {dimension.order} = %(filter{number})s)"
    )


def _statement(keys: list[str], lines: Lines) -> str:
    """One line an order, or an order's part that is asked about."""
    columns = [f"coalesce({key}, '') AS g{number}" for number, key in enumerate(keys)]
    columns += [_LINE, f"{_ITEM_SALES if lines.has_items else 'c.amount_minor'} AS sales", f"{SECONDS} AS seconds"]
    where = " AND ".join(lines.conditions)
    return f"SELECT {', '.join(columns)} FROM {lines.source} WHERE {where}"  # noqa: S608 - expressions of ours


def _read(
    lines: str, size: int, values: dict[str, Any], *, has_items: bool, with_times: bool
) -> tuple[Groups, Figures]:
    """Grouping sets give groups and total, with and without currencies, from one reading."""
    names = [f"g{number}" for number in range(size)]
    listed = "".join(f"{name}, " for name in names)
    number = "count(DISTINCT id)" if has_items else "count(*)"
    sums = (
        f"{number}, coalesce(sum(sales), 0), coalesce(sum(refunds), 0)::bigint, coalesce(sum(kept), 0)::bigint,"
        f" {number} FILTER (WHERE is_new), {number} FILTER (WHERE is_reversed), {number} FILTER (WHERE is_approved)"
    ) + (_TIMES if with_times else "")
    sets = f"({listed}code), ({', '.join(names)}), (code), ()" if names else "(code), ()"
    statement = (
        f"SELECT {listed}code, GROUPING({listed}code), {sums} FROM ({lines}) AS lines"  # noqa: S608 - names of ours
        f" GROUP BY GROUPING SETS ({sets})"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    groups: Groups = {}
    total = Figures()
    # Figures first, for what came in a currency is hung up at them.
    for row in sorted(rows, key=lambda row: row[size + 1] & 1, reverse=True):
        key, code, level, told = tuple(row[:size]), row[size], row[size + 1], row[size + 2 :]
        is_total = level >> 1 == (1 << size) - 1
        if not level & 1:
            sales = int(told[1].scaleb(digits(code))) if has_items else int(told[1])
            whose = total if is_total else groups[key]
            whose.takings[code] = Takings(told[0], sales, int(told[2]), int(told[3]))
        elif is_total:
            total = _figures(told)
        else:
            groups[key] = _figures(told)
    return groups, total


def _figures(told: Sequence[Any]) -> Figures:
    times = told[7] if len(told) > 7 and told[7] else (None, None)
    return Figures(
        orders=told[0],
        new_customers=told[4],
        reversed=told[5],
        approved=told[6],
        median_seconds=_seconds(times[0]),
        late_seconds=_seconds(times[1]),
    )


def _seconds(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(round(value, 3)))

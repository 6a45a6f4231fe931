"""Reports: clicks, orders, revenue and commission of any question, worked out from what is stored now.

Refunds, reversals, amendments and late orders are right at once (payouts/order_lines.py); orders count at the time
they happened. An order counts when it was accepted and is credited; test orders never do. An order of which
several partners have a part counts for each of them in a group by partner, and once in every total.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from affiliates.models import Affiliate, Merchant, Program
from ledger.currencies import digits
from payouts.order_lines import LINES_NOW, MOST_NAMED, WHOLE, changed_orders
from tracking.statistics.clicks import count_clicks
from tracking.statistics.dimensions import DIMENSIONS
from tracking.statistics.metrics import Figures, Takings
from tracking.statistics.questions import MOST_GROUPS, Question, Scope

#: Groups of a report by the values of its dimensions.
type Groups = dict[tuple[str, ...], Figures]

#: What a question sees of a line: `partner_id` is empty where the order is nobody's, or is looked at as a whole.
_SEEN = f"""
conversion_id, merchant_id, nullif(affiliate_id, '{WHOLE}') AS partner_id, program_id, occurred_at, currency,
amount_minor, refunded_minor, kept_minor, is_reversed, waits, customer_ref, customer_status, event, coupon, click_id
"""
_OF_CLICK = "link_id, sub1, coalesce(click_country, country) AS country, device"
# Another partner's click is nobody else's business, even where both have a part of the order.
_OF_OWN_CLICK = """
CASE WHEN is_own_click THEN link_id END AS link_id, CASE WHEN is_own_click THEN sub1 END AS sub1,
coalesce(CASE WHEN is_own_click THEN click_country END, country) AS country,
CASE WHEN is_own_click THEN device END AS device
"""
# Wholly taken back: nothing of the amount is left, or nothing of any commission.
_REVERSED = "((l.amount_minor > 0 AND l.refunded_minor >= l.amount_minor) OR coalesce(l.is_reversed, false))"
# A click's key holds its time, so the click itself need not be read.
SECONDS = """greatest((extract(epoch FROM l.occurred_at) * 1000
 - ('x' || left(replace(l.click_id::text, '-', ''), 12))::bit(48)::bigint) / 1000.0, 0)"""
_LINE = f"""
l.conversion_id AS id, l.currency AS code, l.refunded_minor AS refunds, l.kept_minor AS kept,
l.customer_status = 'new' AS is_new, {_REVERSED} AS is_reversed,
l.is_reversed IS NOT NULL AND NOT coalesce(l.waits, true) AND NOT {_REVERSED} AS is_approved
"""
# An item's own price in major units, as far as the shop told it.
_ITEM_SALES = r"CASE WHEN i.item ->> 'amount' ~ '^[0-9]{1,15}(\.[0-9]{1,6})?$' THEN (i.item ->> 'amount')::numeric END"
_SUMMED = ("orders", "sales", "refunds", "kept", "is_new", "is_reversed", "is_approved")
_SMALLEST = """SELECT {listed}code, count(*) AS orders, sum(sales) AS sales, sum(refunds) AS refunds, sum(kept) AS kept,
 count(*) FILTER (WHERE is_new) AS is_new, count(*) FILTER (WHERE is_reversed) AS is_reversed,
 count(*) FILTER (WHERE is_approved) AS is_approved"""
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


def report_on(question: Question, *, with_times: bool = True, changed: Sequence[UUID] | None = None) -> Report:
    """Answer a question. `with_times` also works out the times to convert, which no sum of groups would give.

    `changed` is what `changed_orders` said, for who asks several questions at once.
    """
    changed = changed_orders() if changed is None else changed
    groups, total = _orders(question, changed, with_times=with_times)
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


def _orders(question: Question, changed: Sequence[UUID], *, with_times: bool) -> tuple[Groups, Figures]:
    """The order side of every group, and of all together, in one statement; two when groups share orders."""
    shares_orders = any(one.key == "affiliate" or one.needs_items for one in question.dimensions)
    if question.groups and shares_orders:
        groups, _total = _ask(question, changed, with_times=with_times)
        _none, total = _ask(question.by(), changed, with_times=with_times)
        return groups, total
    return _ask(question, changed, with_times=with_times)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a question's orders: l the line, k the click that won, c the order itself, i an item of it."""

    source: str
    conditions: list[str]
    values: dict[str, Any]
    has_items: bool


def lines_of(question: Question, *, is_timed: bool = True, changed: Sequence[UUID] | None = None) -> Lines:
    """Where the question's orders are; of all time when it is not `is_timed`. Asks for `changed` itself without it."""
    scope = question.scope
    changed = changed_orders() if changed is None else changed
    values: dict[str, Any] = {
        "affiliate": scope.affiliate_id or WHOLE, "merchant": scope.merchant_id, "start": question.start,
        "end": question.end, "zone": question.zone, "currency": question.currency, "changed": list(changed),
    }  # fmt: skip
    source = _source(question, is_timed=is_timed, changed=len(changed))
    conditions = ["l.currency = %(currency)s"] if question.currency else ["TRUE"]
    if any(one.needs_click for one in question.asked):
        own = " AND k.affiliate_id = %(affiliate)s" if scope.affiliate_id else ""
        source += f" LEFT JOIN tracking_click k ON k.id = l.click_id{own}"
    has_items = any(one.needs_items for one in question.dimensions)
    if any(one.needs_items for one in question.asked):
        source += " JOIN tracking_conversion c ON c.id = l.conversion_id"
    if has_items:
        source += " CROSS JOIN LATERAL jsonb_array_elements(c.items) AS i (item)"
    for number, (key, value) in enumerate(question.filters):
        conditions.append(_filter(key, number))
        values[f"filter{number}"] = value
    return Lines(source, conditions, values, has_items)


def _source(question: Question, *, is_timed: bool, changed: int) -> str:
    """The lines under the alias l: the copies, and what has changed since they were made."""
    scope = question.scope
    uses_sellers = not scope.affiliate_id and any(one.key == "affiliate" for one in question.asked)
    # Who sold it; of what nobody sold, the order itself.
    conditions = ["(parts = 0 OR affiliate_id <> %(affiliate)s)" if uses_sellers else "affiliate_id = %(affiliate)s"]
    if scope.merchant_id:
        conditions.append("merchant_id = %(merchant)s")
    if is_timed:
        conditions.append("occurred_at >= %(start)s AND occurred_at < %(end)s")
    seen = f"SELECT {_SEEN}, {_OF_OWN_CLICK if scope.affiliate_id else _OF_CLICK}"
    where = " AND ".join(conditions)
    copies = f"{seen} FROM payouts_orderline WHERE {where}"
    if not changed:
        return f"({copies}) AS l"
    named = "= ANY(%(changed)s::uuid[])"
    unnamed = "<> ALL(%(changed)s::uuid[])"
    if changed > MOST_NAMED:
        named = "IN (SELECT conversion_id FROM payouts_changedorder)"
        unnamed = "NOT IN (SELECT conversion_id FROM payouts_changedorder)"
    now = LINES_NOW.format(which=f"c.id {named}")
    return f"({copies} AND conversion_id {unnamed} UNION ALL {seen} FROM ({now}) AS line WHERE {where}) AS l"


def _ask(question: Question, changed: Sequence[UUID], *, with_times: bool) -> tuple[Groups, Figures]:
    lines = lines_of(question, changed=changed)
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
    columns += [_LINE, f"{_ITEM_SALES if lines.has_items else 'l.amount_minor'} AS sales", f"{SECONDS} AS seconds"]
    where = " AND ".join(lines.conditions)
    return f"SELECT {', '.join(columns)} FROM {lines.source} WHERE {where}"  # noqa: S608 - expressions of ours


def _read(
    lines: str, size: int, values: dict[str, Any], *, has_items: bool, with_times: bool
) -> tuple[Groups, Figures]:
    """Grouping sets give groups and total, with and without currencies, from one reading."""
    names = [f"g{number}" for number in range(size)]
    listed = "".join(f"{name}, " for name in names)
    if has_items or with_times:
        number = "count(DISTINCT id)" if has_items else "count(*)"
        sums = (
            f"{number}, coalesce(sum(sales), 0), coalesce(sum(refunds), 0)::bigint, coalesce(sum(kept), 0)::bigint,"
            f" {number} FILTER (WHERE is_new), {number} FILTER (WHERE is_reversed), {number} FILTER (WHERE is_approved)"
        ) + (_TIMES if with_times else "")
    else:
        # Summed by group and currency first: the sets then work on few rows.
        lines = f"{_SMALLEST.format(listed=listed)} FROM ({lines}) AS lines GROUP BY {listed}code"
        sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in _SUMMED)
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

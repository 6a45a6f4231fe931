"""Whether rules make sense: what cannot be meant is refused, what may surprise is told.

`refuse_senseless` is part of reading a document. `findings` are for the editor: they refuse nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from payouts.rules.clauses import Bands, Bonus, Boost, Days, Line, Pay, Rules, Tier
from payouts.rules.conditions import Condition, Group
from payouts.rules.problems import Notes
from payouts.rules.reasoning import Case, are_apart, cases_of, cases_of_line, implies, is_possible, listed_in

_MOST_FINDINGS = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at: of which kind, where, and beside what.

    Kinds: overlap (two lines fit the same orders, the first decides), no_fallback (orders of an event may fit no
    line), idle_branch (a case of a line's groups can never hold), boosts_compete (only the better of two applies),
    boost_over (a rate with its boosts would pass 100 % and is cut there), boost_idle (nothing it could raise),
    cap_of_nothing (a limit of 0).
    """

    kind: str
    path: str
    other: str = ""
    value: str = ""


def refuse_senseless(rules: Rules, notes: Notes) -> None:
    """Note what contradicts itself, can never be reached, or leaves a hole."""
    for number, line in enumerate(rules.lines):
        _check_line(line, f"lines.{number}", notes)
    _check_reach(rules.lines, notes)
    for number, boost in enumerate(rules.boosts):
        _check_boost(boost, f"boosts.{number}", notes)
    for number, bonus in enumerate(rules.bonuses):
        _check_bonus(bonus, f"bonuses.{number}", notes)
    levels = [upline.level for upline in rules.uplines]
    for number, level in enumerate(levels):
        if level in levels[:number]:
            notes.add(f"uplines.{number}.level", "twice", f"Level {level} is paid already. Say it once.")
    if sum((upline.percent for upline in rules.uplines if upline.of == "commission"), Decimal(0)) > 1:
        notes.add("uplines", "rate_over", "All levels together get more than the commission itself. Lower them.")


def _check_line(line: Line, path: str, notes: Notes) -> None:
    if line.minimum is not None and line.maximum is not None and line.minimum > line.maximum:
        notes.add(f"{path}.minimum", "contradiction", "The minimum is above the maximum. Raise one or lower the other.")
    if line.is_exclusion and (line.minimum or line.maximum is not None):
        notes.add(f"{path}.pay", "contradiction", "It pays nothing, so it has no minimum and no maximum.")
    pays = [band.pay for band in line.pay.rows] if isinstance(line.pay, Bands) else [line.pay]
    if line.event == "click" and any(pay.percent for pay in pays):
        notes.add(
            f"{path}.pay.percent", "contradiction", "A click has no amount to take a percentage of. Pay a flat amount."
        )
    if line.event == "click" and line.level == "item":
        notes.add(f"{path}.level", "contradiction", "A click has no positions. Make it an order line.")
    if isinstance(line.pay, Bands):
        _check_starts([band.start for band in line.pay.rows], f"{path}.pay.bands.rows", notes, from_zero=True)
    cases = cases_of_line(line)
    if cases is not None and not any(is_possible(case, of_items=line.level == "item") for case in cases):
        notes.add(f"{path}.when", "contradiction", "No order can fulfil all of it. Take out what contradicts the rest.")


def _check_starts(starts: Sequence[int], path: str, notes: Notes, *, from_zero: bool) -> None:
    if from_zero and starts and starts[0] != 0:
        notes.add(f"{path}.0.from", "band_hole", "Below the first row nothing is said. Let the first row start at 0.")
    for number in range(1, len(starts)):
        if starts[number] <= starts[number - 1]:
            notes.add(
                f"{path}.{number}.from", "band_hole", "Each row starts above the one before it. Put them in order."
            )


def _check_reach(lines: Sequence[Line], notes: Notes) -> None:
    """A line is never reached when an earlier one takes everything that fits it."""
    cases = [cases_of_line(line) for line in lines]
    listed = [listed_in(case) for case in cases]
    for number, line in enumerate(lines):
        for earlier in range(number):
            if not are_apart(listed[earlier], listed[number]) and _covers(
                lines[earlier], cases[earlier], line, cases[number]
            ):
                notes.add(
                    f"lines.{number}",
                    "unreachable",
                    f"Line {earlier + 1} takes everything that fits line {number + 1}. Move it up, or take it out.",
                )
                break


def _covers(first: Line, first_cases: list[Case] | None, later: Line, later_cases: list[Case] | None) -> bool:
    """Whether nothing is left for a later line of the same event."""
    if first.event != later.event or first_cases is None or later_cases is None:
        return False
    if first.level == "item" and later.level == "order":
        return False
    # An order line asks of items "is there one"; an item line asks of each. The two are not compared.
    if first.level != later.level and (first.when.asks_items or later.when.asks_items) and first.when.members:
        return False
    if first.minus != later.minus and any(one.field == "order.base" for one in first.when.conditions()):
        return False
    of_items = later.level == "item"
    return all(
        any(all(implies(case, one, of_items=of_items) for one in wanted) for wanted in first_cases)
        for case in later_cases
        if is_possible(case, of_items=of_items)
    )


def _check_boost(boost: Boost, path: str, notes: Notes) -> None:
    if boost.starts_at and boost.ends_at and boost.starts_at >= boost.ends_at:
        notes.add(f"{path}.until", "contradiction", "It ends before it begins. until has to be later than from.")
    if boost.event == "click" and boost.add:
        notes.add(f"{path}.add", "contradiction", "A click has no rate to add to. Use times or flat.")
    _check_possible(boost.when, f"{path}.when", notes)


def _check_possible(group: Group, path: str, notes: Notes) -> None:
    cases = cases_of(group)
    if cases is not None and not any(is_possible(case, of_items=False) for case in cases):
        notes.add(path, "contradiction", "Nothing can fulfil all of it. Take out what contradicts the rest.")


def _check_bonus(bonus: Bonus, path: str, notes: Notes) -> None:
    _check_starts([tier.start for tier in bonus.tiers], f"{path}.rows", notes, from_zero=False)
    _check_possible(bonus.when, f"{path}.when", notes)
    for number, tier in enumerate(bonus.tiers):
        _check_tier(bonus, tier, f"{path}.rows.{number}", notes)
    if bonus.takes_effect == "next_day" and bonus.mode != "all":
        message = "Only a raise for all orders can wait for the next day. Leave takes_effect out, or choose mode all."
        notes.add(f"{path}.takes_effect", "contradiction", message)


def _check_tier(bonus: Bonus, tier: Tier, path: str, notes: Notes) -> None:
    if bonus.mode == "fixed" and tier.flat is None:
        notes.add(f"{path}.percent", "contradiction", "A fixed bonus is an amount. Send flat.")
    if bonus.mode == "marginal" and bonus.by == "revenue" and tier.flat is not None:
        message = "Past a revenue there is no number of orders to pay for. Send percent, or count by orders."
        notes.add(f"{path}.flat", "contradiction", message)


# ── What may surprise ────────────────────────────────────────────────────────────────────


def findings(rules: Rules) -> list[Finding]:
    """What a merchant should look at before publishing, in the order of the document; at most 200."""
    found = [*_overlaps(rules.lines), *_idle_branches(rules.lines), *_without_fallback(rules.lines)]
    found += _of_boosts(rules)
    found += [
        Finding("cap_of_nothing", f"caps.{number}")
        for number, cap in enumerate(rules.caps)
        if 0 in {cap.commission, cap.orders}
    ]
    return found[:_MOST_FINDINGS]


def _overlaps(lines: Sequence[Line]) -> Iterable[Finding]:
    """Pairs that fit the same orders, but for the usual case: a particular line above a general one."""
    cases = [cases_of_line(line) for line in lines]
    listed = [listed_in(case) for case in cases]
    count = 0
    for second in range(len(lines)):
        for first in range(second):
            if count >= _MOST_FINDINGS:
                return
            if not are_apart(listed[first], listed[second]) and _overlap(
                lines[first], cases[first], lines[second], cases[second]
            ):
                count += 1
                yield Finding("overlap", f"lines.{second}", f"lines.{first}")


def _overlap(one: Line, one_cases: list[Case] | None, other: Line, other_cases: list[Case] | None) -> bool:
    if one.event != other.event or one.level != other.level or not one_cases or not other_cases:
        return False
    of_items = one.level == "item"
    if all(any(all(implies(a, c, of_items=of_items) for c in b) for b in other_cases) for a in one_cases):
        return False
    return any(is_possible(a + b, of_items=of_items) for a in one_cases for b in other_cases)


def _idle_branches(lines: Sequence[Line]) -> Iterable[Finding]:
    for number, line in enumerate(lines):
        for case in cases_of_line(line) or ():
            if not is_possible(case, of_items=line.level == "item"):
                yield Finding("idle_branch", f"lines.{number}.when", value=" + ".join(map(_short, case)))


def _short(condition: Condition) -> str:
    value = condition.value
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
    return f"{condition.field} {condition.op} {shown}".strip()


def _without_fallback(lines: Sequence[Line]) -> Iterable[Finding]:
    events = dict.fromkeys(line.event for line in lines)
    for event in events:
        last = [line for line in lines if line.event == event and line.level == "order" and not line.when.members]
        if not any(not line.first and not line.months for line in last):
            yield Finding("no_fallback", "lines", value=event)


def _of_boosts(rules: Rules) -> Iterable[Finding]:
    boosts = rules.boosts
    for second, later in enumerate(boosts):
        for first, earlier in enumerate(boosts[:second]):
            if not later.stacks and not earlier.stacks and _boosts_meet(earlier, later):
                yield Finding("boosts_compete", f"boosts.{second}", f"boosts.{first}")
    rates = {number: _highest_rate(line) for number, line in enumerate(rules.lines)}
    for number, boost in enumerate(boosts):
        mine = {place: rate for place, rate in rates.items() if rules.lines[place].event == boost.event}
        if not mine or (boost.add and not any(mine.values())):
            yield Finding("boost_idle", f"boosts.{number}")
        for place, rate in mine.items():
            if boost.add and rate and rate + boost.add > 1:
                yield Finding("boost_over", f"boosts.{number}", f"lines.{place}")
                break


def _highest_rate(line: Line) -> Decimal:
    pays: list[Pay] = [band.pay for band in line.pay.rows] if isinstance(line.pay, Bands) else [line.pay]
    return max((pay.percent or Decimal(0) for pay in pays), default=Decimal(0))


def _boosts_meet(one: Boost, other: Boost) -> bool:
    if one.event != other.event:
        return False
    if one.starts_at and other.ends_at and one.starts_at >= other.ends_at:
        return False
    if other.starts_at and one.ends_at and other.starts_at >= one.ends_at:
        return False
    if one.days and other.days and _days_apart(one.days, other.days):
        return False
    cases, others = cases_of(one.when), cases_of(other.when)
    if cases is None or others is None:
        return True
    return any(is_possible(a + b, of_items=False) for a in cases for b in others)


def _days_apart(one: Days, other: Days) -> bool:
    """Whether two lists of days of the same kind have none in common; of different kinds they may meet."""
    pairs = (
        (one.weekdays, other.weekdays),
        (one.month_days, other.month_days),
        (one.dates, other.dates),
    )
    return all(bool(mine) == bool(theirs) and not set(mine) & set(theirs) for mine, theirs in pairs) and not any(
        year is None for year, _month, _day in one.dates | other.dates
    )

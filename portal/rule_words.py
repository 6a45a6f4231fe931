"""Rules as sentences that partners read: payouts/rules/phrases.py says what, this says it.

sentence_of_line(line, "USD")      # "25% of the net order value on Pro plans for Gold partners, for 12 months, …"
sentences_of(rules)                # the whole document, part by part
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from babel.lists import format_list
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from ledger.money import Money
from payouts.rules.phrases import Phrase, phrases_of, phrases_of_line
from portal.formats import format_day, format_moment, format_money, format_number, format_percent, locale_of
from portal.rule_fields import ABOUT, SIZES, device_words, field_name, weekday_name

if TYPE_CHECKING:
    from payouts.rules.clauses import Line, Rules


class Sentence(NamedTuple):
    """One part of a document in words. `place` is its path, such as `lines.0`."""

    place: str
    name: str
    text: str


_MINUS: dict[str, str | Promise] = {
    "tax": gettext_lazy("tax"),
    "shipping": gettext_lazy("shipping"),
    "discount": gettext_lazy("discount"),
    "fees": gettext_lazy("fees"),
}


def sentence_of_line(line: "Line", currency: str, *, basis: str = "net", names: Mapping[str, str] | None = None) -> str:
    """A line in one sentence without its full stop. Partners are named only with `names`, by their ids."""
    return _joined(phrases_of_line(line, currency, basis=basis), names=names)


def sentences_of(
    rules: "Rules", *, basis: str = "net", names: Mapping[str, str] | None = None, zone: ZoneInfo | None = None
) -> list[Sentence]:
    """A whole document: each line, campaign, limit, bonus and level in a sentence, in the document's order."""
    return [
        Sentence(place, name, _joined(phrases, names=names, zone=zone))
        for place, name, phrases in phrases_of(rules, basis=basis)
    ]


#: What follows a comma; everything else runs on.
_AFTER_COMMA = frozenset({"first_charges", "months", "minimum", "maximum", "stacks"})


def _joined(phrases: Iterable[Phrase], *, names: Mapping[str, str] | None = None, zone: ZoneInfo | None = None) -> str:
    text = ""
    for phrase in phrases:
        words = words_of(phrase, names=names, zone=zone)
        if not text:
            text = words
        elif phrase.key in _AFTER_COMMA:
            text = _("%(sentence)s, %(more)s") % {"sentence": text, "more": words}
        else:
            text = _("%(sentence)s %(more)s") % {"sentence": text, "more": words}
    return text


def words_of(phrase: Phrase, *, names: Mapping[str, str] | None = None, zone: ZoneInfo | None = None) -> str:
    """One phrase in words."""
    if phrase.key == "condition":
        return _condition(phrase.values, names or {})
    if phrase.key in {"any", "all"}:
        parts = [words_of(one, names=names, zone=zone) for one in phrase.values["of"]]
        return format_list(parts, style="or" if phrase.key == "any" else "standard", locale=locale_of())
    if phrase.key == "period":
        return _period(phrase.values["from"], phrase.values["until"], zone)
    return _WORDS[phrase.key](phrase.values)


# ── What is paid ─────────────────────────────────────────────────────────────────────────


def _of_what(values: Mapping[str, Any]) -> str:
    minus = values["minus"]
    is_item = values["level"] == "item"
    if minus is None:
        return _("the net value") if is_item else _("the net order value")
    whole = _("the value") if is_item else _("the order value")
    if not minus:
        return whole
    listed = format_list([str(_MINUS[one]) for one in minus], style="or", locale=locale_of())
    return _("%(value)s without %(parts)s") % {"value": whole, "parts": listed}


def _percent(values: Mapping[str, Any]) -> str:
    return _("%(rate)s of %(value)s") % {"rate": _rate(values["rate"]), "value": _of_what(values)}


def _flat(values: Mapping[str, Any]) -> str:
    amount = format_money(values["flat"])
    if values["level"] == "item":
        return _("%(amount)s apiece") % {"amount": amount}
    return {
        "sale": _("%(amount)s an order"),
        "lead": _("%(amount)s a lead"),
        "click": _("%(amount)s a click"),
        "signup": _("%(amount)s a sign-up"),
        "trial": _("%(amount)s a trial"),
    }.get(values["event"], _("%(amount)s each time")) % {"amount": amount}


def _both(values: Mapping[str, Any]) -> str:
    return _("%(percent)s and %(flat)s") % {"percent": _percent(values), "flat": _flat(values)}


def _bands(values: Mapping[str, Any]) -> str:
    rows = []
    for row in values["rows"]:
        start = row["from"] if isinstance(row["from"], int) else format_money(row["from"])
        rows.append(_("%(pay)s from %(start)s on") % {"pay": _short(row["pay"]), "start": start})
    listed = format_list(rows, locale=locale_of())
    by = {
        "order.amount": _("by the amount of the order"),
        "order.base": _("by the value of the order"),
        "order.quantity": _("by the number of pieces"),
    }[values["by"]]
    if any("rate" in row["pay"].values and row["pay"].values["rate"] for row in values["rows"]):
        return _("%(bands)s, of %(value)s, %(by)s") % {"bands": listed, "value": _of_what(values), "by": by}
    return _("%(bands)s, %(by)s") % {"bands": listed, "by": by}


def _short(pay: Phrase) -> str:
    if pay.key == "nothing":
        return pgettext("commission", "nothing")
    parts = []
    if pay.key != "flat":
        parts.append(_rate(pay.values["rate"]))
    if pay.key != "percent":
        parts.append(format_money(pay.values["flat"]))
    return " + ".join(parts)


def _nothing(values: Mapping[str, Any]) -> str:
    return _("No commission")


def _rate(rate: Decimal) -> str:
    return format_percent(rate, digits=4)


# ── For what ─────────────────────────────────────────────────────────────────────────────


def _condition(values: Mapping[str, Any], names: Mapping[str, str]) -> str:
    name, op, wanted = values["field"], values["op"], values["values"]
    if name == "partner.id":
        if not names:
            return _("for chosen partners") if op in {"is", "any_of"} else _("for all but chosen partners")
        wanted = [names.get(str(one), str(one)) for one in wanted]
    known = ABOUT.get(name)
    if name == "order.is_renewal":
        is_renewal = bool(wanted[0]) == (op == "is")
        return _("on renewals") if is_renewal else _("on first payments and single orders")
    if known is not None and op in {"is", "any_of", "is_not", "none_of"}:
        return str(known[op in {"is_not", "none_of"}]) % {"values": _or(name, wanted)}
    if name in SIZES and op in {"above", "at_least", "below", "at_most", "between"}:
        return str(SIZES[name]) % {"size": _size(op, wanted)}
    return _general(values, wanted)


def _or(name: str, wanted: Sequence[Any]) -> str:
    return format_list([_value(name, one) for one in wanted], style="or", locale=locale_of())


def _value(name: str, one: Any) -> str:
    if isinstance(one, Money):
        return format_money(one)
    if isinstance(one, date):
        return format_day(one)
    if name == "time.weekday":
        return weekday_name(str(one))
    if name == "click.device":
        return device_words(str(one))
    if name.endswith(".country"):
        return str(locale_of().territories.get(str(one).upper(), one))
    if name == "customer.status":
        return {
            "new": pgettext("customers", "new"),
            "returning": pgettext("customers", "returning"),
            "lapsed": pgettext("customers", "lapsed"),
        }.get(str(one), str(one))
    return str(one)


def _size(op: str, wanted: Sequence[Any]) -> str:
    shown = [_value("", one) for one in wanted]
    if op == "between":
        return _("from %(low)s to %(high)s") % {"low": shown[0], "high": shown[1]}
    return {
        "above": _("of more than %(number)s"),
        "at_least": _("of %(number)s or more"),
        "below": _("of less than %(number)s"),
        "at_most": _("of %(number)s or less"),
    }[op] % {"number": shown[0]}


def _general(values: Mapping[str, Any], wanted: Sequence[Any]) -> str:
    """Any condition: "where the coupon starts with SAVE"."""
    name, op = values["field"], values["op"]
    shown = {"field": field_name(name, values["metadata"]), "values": _or(name, wanted)}
    if op == "between":
        shown |= {"low": _value(name, wanted[0]), "high": _value(name, wanted[1])}
    return {
        "is": _("where %(field)s is %(values)s"),
        "any_of": _("where %(field)s is %(values)s"),
        "is_not": _("where %(field)s is not %(values)s"),
        "none_of": _("where %(field)s is not %(values)s"),
        "contains": _("where %(field)s contains %(values)s"),
        "starts_with": _("where %(field)s starts with %(values)s"),
        "above": _("where %(field)s is above %(values)s"),
        "at_least": _("where %(field)s is at least %(values)s"),
        "below": _("where %(field)s is below %(values)s"),
        "at_most": _("where %(field)s is at most %(values)s"),
        "between": _("where %(field)s is from %(low)s to %(high)s"),
        "is_set": _("where %(field)s is known"),
        "is_not_set": _("where %(field)s is not known"),
    }[op] % shown


# ── How long, how much at most ───────────────────────────────────────────────────────────


def _first_charges(values: Mapping[str, Any]) -> str:
    count = values["count"]
    # Formatted for one too: the one form that Chinese has says the number.
    return ngettext("for the first payment", "for the first %(count)d payments", count) % {"count": count}


def _months(values: Mapping[str, Any]) -> str:
    return ngettext("for %(count)d month", "for %(count)d months", values["count"]) % {"count": values["count"]}


def _minimum(values: Mapping[str, Any]) -> str:
    return _("at least %(amount)s an order") % {"amount": format_money(values["amount"])}


def _maximum(values: Mapping[str, Any]) -> str:
    return _("at most %(amount)s an order") % {"amount": format_money(values["amount"])}


# ── Campaigns, limits, bonuses, levels ───────────────────────────────────────────────────


def _add(values: Mapping[str, Any]) -> str:
    return _("%(rate)s more of the order value") % {"rate": _rate(values["rate"])}


def _times(values: Mapping[str, Any]) -> str:
    return _("%(times)s times the commission") % {"times": format_number(values["times"])}


def _extra(values: Mapping[str, Any]) -> str:
    return _("%(amount)s more") % {"amount": _flat({**values, "level": "order"})}


def _weekdays(values: Mapping[str, Any]) -> str:
    days = format_list([weekday_name(day) for day in values["days"]], locale=locale_of())
    return _("every %(days)s") % {"days": days}


def _month_days(values: Mapping[str, Any]) -> str:
    days = format_list([str(day) for day in values["days"]], locale=locale_of())
    return _("on day %(days)s of each month") % {"days": days}


def _dates(values: Mapping[str, Any]) -> str:
    # A day of every year is shown with the year of its next leap day left out.
    shown = [
        f"{month}/{day}" if year is None else format_day(date(year, month, day)) for year, month, day in values["dates"]
    ]
    return _("on %(days)s") % {"days": format_list(shown, locale=locale_of())}


def _period(start: datetime | None, end: datetime | None, zone: ZoneInfo | None) -> str:
    shown = {
        "start": format_moment(start, zone=zone) if start else "",
        "end": format_moment(end, zone=zone) if end else "",
    }
    if start and end:
        return _("from %(start)s until %(end)s") % shown
    return _("from %(start)s on") % shown if start else _("until %(end)s") % shown


def _stacks(values: Mapping[str, Any]) -> str:
    return _("together with other campaigns")


def _cap(values: Mapping[str, Any]) -> str:
    limit = values["limit"]
    if values["counts"] == "orders":
        shown = ngettext("%(count)d paid order", "%(count)d paid orders", limit) % {"count": limit}
    else:
        shown = format_money(limit)
    period = {
        "day": _("a day"), "week": _("a week"), "month": _("a month"), "total": _("in all"),
    }[values["per"]]  # fmt: skip
    text = _("At most %(limit)s %(period)s for each partner") if values["of"] == "partner" else _("At most %(limit)s %(period)s for all partners together")  # fmt: skip
    beyond = _("more is paid once it is approved") if values["beyond"] == "review" else _("more is not paid")
    return _("%(sentence)s, %(more)s") % {"sentence": text % {"limit": shown, "period": period}, "more": beyond}


def _bonus(values: Mapping[str, Any]) -> str:
    rows = []
    for row in values["rows"]:
        pay = _rate(row["rate"]) if row["rate"] is not None else format_money(row["flat"])
        start = row["from"]
        if isinstance(start, int):
            shown = ngettext("%(count)d order", "%(count)d orders", start) % {"count": start}
        else:
            shown = format_money(start)
        rows.append(_("%(pay)s from %(start)s on") % {"pay": pay, "start": shown})
    listed = format_list(rows, locale=locale_of())
    text = {
        "all": _("Each month %(rows)s, for all approved orders of the month"),
        "marginal": _("Each month %(rows)s, for what lies past each step"),
        "fixed": _("Each month once %(rows)s, the highest step reached"),
    }[values["mode"]] % {"rows": listed}
    if values["takes_effect"] == "next_day":
        return _("%(sentence)s, %(more)s") % {"sentence": text, "more": _("from the day after a step is reached")}
    return text


def _upline(values: Mapping[str, Any]) -> str:
    rate = _rate(values["rate"])
    if values["of"] == "commission":
        text = ngettext(
            "%(rate)s of the commission to whoever invited the partner",
            "%(rate)s of the commission to whoever is %(level)d invitations above the partner",
            values["level"],
        )
    else:
        text = ngettext(
            "%(rate)s of the order value to whoever invited the partner",
            "%(rate)s of the order value to whoever is %(level)d invitations above the partner",
            values["level"],
        )
    return text % {"rate": rate, "level": values["level"]}


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "percent": _percent,
    "flat": _flat,
    "both": _both,
    "bands": _bands,
    "nothing": _nothing,
    "first_charges": _first_charges,
    "months": _months,
    "minimum": _minimum,
    "maximum": _maximum,
    "add": _add,
    "times": _times,
    "extra": _extra,
    "weekdays": _weekdays,
    "month_days": _month_days,
    "dates": _dates,
    "stacks": _stacks,
    "cap": _cap,
    "bonus": _bonus,
    "upline": _upline,
}

"""Rules as a document: one canonical form, and the fingerprint of it."""

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ledger.money import Money
from payouts.rules.clauses import Bands, Bonus, Boost, Cap, Days, Line, Pay, Rules, Upline
from payouts.rules.fields import WEEKDAYS
from payouts.rules.reading import plain


def document_of(rules: Rules) -> dict[str, Any]:
    """The rules as a document: what is not said is left out, decimals are text without trailing zeros."""
    parts = {
        "lines": [_line_json(line, rules.currency) for line in rules.lines],
        "boosts": [_boost_json(boost, rules.currency) for boost in rules.boosts],
        "caps": [_cap_json(cap, rules.currency) for cap in rules.caps],
        "bonuses": [_bonus_json(bonus, rules.currency) for bonus in rules.bonuses],
        "uplines": [_upline_json(upline, rules.currency) for upline in rules.uplines],
    }
    return {name: rows for name, rows in parts.items() if rows}


def canonical(rules: Rules) -> str:
    """The document as text: sorted keys, no spaces."""
    return json.dumps(document_of(rules), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(rules: Rules) -> str:
    """SHA-256 of the canonical text and the currency, in hexadecimal."""
    return hashlib.sha256(f"{rules.currency}\n{canonical(rules)}".encode()).hexdigest()


def _said(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None and value != {}}


def _rate(rate: Decimal | None) -> str | None:
    return None if rate is None else plain(rate)


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else plain(Money(minor, currency).to_decimal())


def _pay_json(pay: Pay, currency: str) -> dict[str, Any]:
    if pay.is_nothing:
        return {"nothing": True}
    return _said({"percent": _rate(pay.percent), "flat": _amount(pay.flat, currency)})


def _line_json(line: Line, currency: str) -> dict[str, Any]:
    pay = line.pay
    if isinstance(pay, Bands):
        starts = [str(band.start) if pay.by == "order.quantity" else _amount(band.start, currency) for band in pay.rows]
        rows = [{"from": start, **_pay_json(band.pay, currency)} for start, band in zip(starts, pay.rows, strict=True)]
    charges = {"first": line.first} if line.first else {"months": line.months} if line.months else {}
    return _said(
        {
            "name": line.name,
            "event": line.event,
            "level": line.level,
            "when": line.when.as_json(),
            "pay": {"bands": {"by": pay.by, "rows": rows}} if isinstance(pay, Bands) else _pay_json(pay, currency),
            "base": None if line.minus is None else {"minus": list(line.minus)},
            "minimum": _amount(line.minimum, currency),
            "maximum": _amount(line.maximum, currency),
            "charges": charges,
        }
    )


def _days_json(days: Days) -> dict[str, Any]:
    dates = [f"{f'{year:04}-' if year else ''}{month:02}-{day:02}" for year, month, day in days.dates]
    return {
        name: listed
        for name, listed in (
            ("weekdays", [WEEKDAYS[day] for day in sorted(days.weekdays)]),
            ("month_days", sorted(days.month_days)),
            ("dates", sorted(dates)),
        )
        if listed
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _boost_json(boost: Boost, currency: str) -> dict[str, Any]:
    return _said(
        {
            "name": boost.name,
            "event": boost.event,
            "from": _moment(boost.starts_at),
            "until": _moment(boost.ends_at),
            "days": _days_json(boost.days) if boost.days else None,
            "when": boost.when.as_json(),
            "add": _rate(boost.add),
            "times": _rate(boost.times),
            "flat": _amount(boost.flat, currency),
            "stacks": boost.stacks,
        }
    )


def _cap_json(cap: Cap, currency: str) -> dict[str, Any]:
    limit = {"commission": _amount(cap.commission, currency)} if cap.orders is None else {"orders": cap.orders}
    return {"name": cap.name, "of": cap.of, "per": cap.per, "limit": limit, "beyond": cap.beyond}


def _bonus_json(bonus: Bonus, currency: str) -> dict[str, Any]:
    starts = [str(tier.start) if bonus.by == "orders" else _amount(tier.start, currency) for tier in bonus.tiers]
    rows = [
        _said({"from": start, "percent": _rate(tier.percent), "flat": _amount(tier.flat, currency)})
        for start, tier in zip(starts, bonus.tiers, strict=True)
    ]
    return _said(
        {
            "name": bonus.name,
            "mode": bonus.mode,
            "by": bonus.by,
            "per": "month",
            "event": bonus.event,
            "when": bonus.when.as_json(),
            "rows": rows,
            "takes_effect": bonus.takes_effect,
        }
    )


def _upline_json(upline: Upline, currency: str) -> dict[str, Any]:
    return _said(
        {
            "level": upline.level,
            "of": upline.of,
            "percent": _rate(upline.percent),
            "minimum": _amount(upline.minimum, currency),
            "months": upline.months,
        }
    )

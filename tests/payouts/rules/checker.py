"""Works a trace out again, from its figures alone and in another way: fractions, text in, text out.

Shares no code with the engine. Raises AssertionError at the first figure that does not follow from the others.
"""

from fractions import Fraction
from math import floor
from typing import Any


def nearest(number: Fraction) -> int:
    """Half up."""
    return floor(number + Fraction(1, 2))


def minor(text: str) -> int:
    """Cents of a text with two decimals."""
    return int(Fraction(text) * 100)


def recompute(trace: dict[str, Any]) -> int:
    """What the trace comes to, in cents."""
    if trace["reason"] == "currency":
        return 0
    wholes = [check_part(part) for part in trace["parts"]]
    earned = whole = sum(wholes)
    assert whole == minor(trace["whole"])
    if trace["rate_cut"]:
        earned = nearest(whole * (1 - Fraction(trace["rate_cut"]["cut"])))
        assert earned == minor(trace["rate_cut"]["after"])
    amounts = [minor(part["amount"]) for part in trace["parts"]]
    assert sum(amounts) == earned
    for amount, one in zip(amounts, wholes, strict=True):
        # Largest remainder: no part is a whole unit away from its exact share.
        assert not whole or abs(amount - Fraction(earned * one, whole)) < 1
    for cap in trace["caps"]:
        assert minor(cap["wanted"]) == earned
        if cap["counts"] == "orders":
            earned = earned if cap["used"] < cap["limit"] else 0
        else:
            earned = max(min(earned, minor(cap["limit"]) - minor(cap["used"])), 0)
        assert minor(cap["within"]) == earned
    assert sum(minor(part["base"]) for part in trace["parts"]) == minor(trace["base"])
    check_uplines(trace, earned)
    return earned


def check_part(part: dict[str, Any]) -> int:
    base = base_of(part)
    assert base == minor(part["base"]) == sum(minor(step["amount"]) for step in part["base_steps"])
    if part.get("nothing"):
        return 0
    if part["is_gone"]:
        assert minor(part["whole"]) == 0
        return 0
    adds = sum(Fraction(boost["add"]) for boost in part["boosts"] if "add" in boost)
    rate = min(Fraction(part["percent"]) + adds, Fraction(1)) if "percent" in part else Fraction(0)
    assert rate == Fraction(part.get("rate", "0"))
    amount = nearest(base * rate)
    if "flat" in part:
        amount += minor(part["flat"]) * part["pieces"]
    for boost in part["boosts"]:
        if "times" in boost:
            amount = nearest(amount * Fraction(boost["times"]))
    amount += minor(part["boost_amount"])
    if "minimum" in part:
        amount = max(amount, minor(part["minimum"]))
    if "maximum" in part:
        amount = min(amount, minor(part["maximum"]))
    if "band" in part:
        band = part["band"]
        read = (lambda one: one) if band["by"] == "order.quantity" else minor
        assert read(band["from"]) <= read(band["is"])
        assert "to" not in band or read(band["is"]) < read(band["to"])
    assert amount == minor(part["whole"])
    return amount


def base_of(part: dict[str, Any]) -> int:
    whole, share = minor(part["order_base"]), {key: minor(text) for key, text in part["share"].items()}
    if not share["of"]:
        return 0
    kept = Fraction(*part["kept"])
    after = nearest(Fraction(whole * (share["before"] + share["taken"]), share["of"]) * kept)
    return after - nearest(Fraction(whole * share["before"], share["of"]) * kept)


def check_uplines(trace: dict[str, Any], paid: int) -> None:
    for row in trace["uplines"]:
        if "amount" not in row:
            continue
        source = paid if row["of"] == "commission" else minor(trace["base"])
        assert source == minor(row["source"])
        wanted = max(nearest(source * Fraction(row["percent"])), minor(row.get("minimum", "0"))) if source else 0
        assert minor(row["amount"]) == wanted

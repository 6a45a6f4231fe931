"""How kept requests of the API are handled again (portal/intake/replay.py)."""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from payouts.sales import record_sale
from portal.api.conversions import give_back, make_two, open_by_key, orders_in, refuse_other_methods
from portal.api.sets import outcome_of
from portal.intake.bodies import read_json, read_json_object, write_json
from portal.intake.door import ACCEPTED, Outcome
from portal.intake.orders import ReadOrder, read_order, read_refund
from portal.intake.privacy import hide_addresses, hide_keys
from portal.intake.replay import Again, Kept, handled, register
from tracking import inbox
from tracking.queries.inbox import parts_by_verdict


def read_again(source: object, kept: Kept, *, default_currency: str = "") -> ReadOrder:
    """Read an order of a kept request; one without a time happened when it came for the first time."""
    order = read_order(source, is_test=kept.is_test, at=kept.at, default_currency=default_currency)
    if order.facts.is_dated:
        return order
    return replace(order, facts=replace(order.facts, occurred_at=kept.received_at))


def record_again(order: ReadOrder, kept: Kept) -> Outcome:
    """Record an order that was read again."""
    return outcome_of(record_sale(kept.merchant, order.facts, at=kept.at), kept.merchant, ignored=order.ignored)


def _one(kept: Kept) -> Outcome:
    refuse_other_methods(kept.row.method)
    return record_again(read_again(read_json_object(kept.body), kept), kept)


def _item(kept: Kept) -> Outcome:
    return record_again(read_again(read_json(kept.body), kept), kept)


def _many(kept: Kept) -> Outcome:
    """A batch: its parts have rows of their own; where it never came to that they are written and settled now."""
    counts = parts_by_verdict(kept.row)
    if not counts:
        counts = _settle_parts(kept, orders_in(read_json(kept.body)))
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return Outcome(HTTPStatus.OK, {"summary": counts}, ACCEPTED, detail=told)


def _settle_parts(kept: Kept, orders: list[Any]) -> dict[str, int]:
    bodies = [hide_addresses(hide_keys(write_json(order))) for order in orders]
    rows = inbox.receive_parts("api.item", kept.row, bodies, merchant=kept.merchant, is_test=kept.is_test)
    counts: dict[str, int] = {}
    for row, body in zip(rows, bodies, strict=True):
        outcome = settle_again(Kept(row, kept.merchant, kept.is_test, body, kept.at), _item)
        counts[outcome.verdict] = counts.get(outcome.verdict, 0) + 1
    return counts


def settle_again(kept: Kept, handler: Again) -> Outcome:
    """Settle a part that is handled for the first time, within the replay of its whole."""
    outcome = handled(kept, handler)
    inbox.close(
        kept.row,
        inbox.Verdict(
            outcome.verdict, int(outcome.status), outcome.reason, outcome.field, outcome.detail, outcome.conversion
        ),
        latency_ms=0,
    )
    return outcome


def _refund(kept: Kept) -> Outcome:
    conversion = open_by_key(kept.merchant, kept.path.rstrip("/").split("/")[-2], is_test_key=kept.is_test)
    source = read_json_object(kept.body) if kept.body.strip() else {}
    reference = str(kept.row.headers.get("Idempotency-Key", ""))
    refund = read_refund(source, currency=conversion.currency, default_reference=reference)
    return give_back(
        kept, conversion, refund.amount, refund.reason, refund.reference, refund.ignored, items=refund.items
    )


def _apart(kept: Kept) -> Outcome:
    conversion = open_by_key(kept.merchant, kept.path.rstrip("/").split("/")[-3], is_test_key=kept.is_test)
    return make_two(kept, conversion, read_json_object(kept.body))


register("api", _one)
register("api.apart", _apart)
register("api.batch", _many)
register("api.item", _item)
register("api.refund", _refund)

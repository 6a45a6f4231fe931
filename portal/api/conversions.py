"""Orders and refunds reported by shops: read strictly, recorded once, answered with what became of them."""

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, HttpResponse

from affiliates.errors import NotVisible
from ledger.money import Money
from payouts.queries.merchant import commissions_of
from payouts.sales import record_sale, refund_sale, tell_refunds_apart
from portal.api.answers import refund_answer
from portal.api.once import answered_once, idempotency_key
from portal.api.sets import Item, outcome_of, take_in
from portal.api.single import take_together
from portal.intake.arrivals import bring_clicks_in
from portal.intake.bodies import (
    LARGEST_BODY,
    BodyUnreadable,
    read_json,
    read_json_object,
    write_json,
)
from portal.intake.door import (
    ACCEPTED,
    DUPLICATE,
    TEST,
    Intake,
    Outcome,
    take,
)
from portal.intake.fields import kind_of, read_text, refuse
from portal.intake.keys import bearer_key, merchant_of
from portal.intake.orders import ReadOrder, ignored_in, read_order, read_refund
from portal.intake.privacy import hide_addresses, hide_keys
from tracking import inbox
from tracking.access import open_conversion_in, open_refund_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant
    from portal.intake.replay import Kept
    from tracking.models import Conversion

#: No more orders than this in one call.
LARGEST_BATCH = 1_000


def report_one(request: HttpRequest) -> HttpResponse:
    """POST /conversions. Requests that wait at the same moment share a transaction (portal/api/sets.py)."""
    if request.META.get("HTTP_IDEMPOTENCY_KEY"):
        return take(request, door="api", handle=_report_one, keep=LARGEST_BODY)
    return take_together(request)


def report_many(request: HttpRequest) -> HttpResponse:
    """POST /conversions/batch."""
    return take(request, door="api.batch", handle=_report_many, keep=LARGEST_BODY)


def refund_one(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """POST /conversions/{id}/refund."""
    return take(request, door="api.refund", handle=lambda intake: _refund(intake, conversion_id))


def refuse_method(request: HttpRequest) -> HttpResponse:
    """Any other method at an intake."""
    return take(request, door="api", handle=_refuse_method)


def record(order: ReadOrder, merchant: "Merchant", intake: Intake) -> Outcome:
    """Record an order that was read; the click it names is brought in first when it is fresh."""
    if order.facts.click_id is not None:
        bring_clicks_in([order.facts.click_id], at=intake.at)
    return outcome_of(record_sale(merchant, order.facts, at=intake.at), merchant, ignored=order.ignored)


def open_by_key(merchant: "Merchant", conversion_id: str, *, is_test_key: bool) -> "Conversion":
    """A merchant's conversion; a test key sees test orders only. Raises NotVisible."""
    conversion = open_conversion_in(merchant, conversion_id)
    if is_test_key and not conversion.is_test:
        raise NotVisible("conversion")
    return conversion


def _refuse_method(intake: Intake) -> Outcome:
    intake.headers["Allow"] = "POST"
    refuse_other_methods(intake.row.method)
    raise refuse("method", "Nothing is done here.", code="method_not_allowed")


def refuse_other_methods(method: str) -> None:
    """Raise InputRefused for anything but POST."""
    if method != "POST":
        raise refuse("method", f"{method} does nothing here. Send a POST.", code="method_not_allowed")


def _report_one(intake: Intake) -> Outcome:
    intake.key = bearer_key(intake.request, at=intake.at)
    merchant, is_test = merchant_of(intake.key), intake.key.is_test

    def handle() -> Outcome:
        order = read_order(read_json_object(intake.readable_body()), is_test=is_test, at=intake.at)
        return record(order, merchant, intake)

    return answered_once(intake, handle)


def _report_many(intake: Intake) -> Outcome:
    intake.key = bearer_key(intake.request, at=intake.at)
    merchant = merchant_of(intake.key)
    return answered_once(intake, lambda: _settle_batch(intake, merchant, orders_in(read_json(intake.readable_body()))))


def orders_in(value: object) -> list[Any]:
    """The orders of a batch's body. Raises BodyUnreadable, InputRefused for more than 1,000."""
    orders = value.get("conversions") if isinstance(value, dict) else value
    if not isinstance(orders, list):
        raise BodyUnreadable(
            f'conversions is {kind_of(orders)}. Send {{"conversions": [ … ]}} with up to {LARGEST_BATCH} orders.',
            code="field_invalid",
            field="conversions",
        )
    if len(orders) > LARGEST_BATCH:
        raise refuse(
            "conversions",
            f"{len(orders)} orders came at once; {LARGEST_BATCH} is the most. Send them in several calls.",
            code="batch_too_long",
        )
    return orders


def _settle_batch(intake: Intake, merchant: "Merchant", orders: list[Any]) -> Outcome:
    """Each order with a row and a verdict of its own, so that a bad one spoils no other; one transaction where it can be."""
    bodies = [hide_addresses(hide_keys(write_json(order))) for order in orders]
    is_test = intake.key is not None and intake.key.is_test
    rows = inbox.receive_parts("api.item", intake.row, bodies, merchant=merchant, is_test=is_test)
    items = [
        Item(Intake(intake.request, row, b"", intake.at, key=intake.key), _read_quietly(order, intake))
        for row, order in zip(rows, orders, strict=True)
    ]
    read = [item.read for item in items if isinstance(item.read, ReadOrder)]
    bring_clicks_in([one.facts.click_id for one in read if one.facts.click_id], at=intake.at)
    take_in(items)
    answers: list[dict[str, Any]] = []
    summary: dict[str, int] = {}
    for item in items:
        assert item.outcome is not None, "every order has an outcome"
        answers.append({**item.outcome.payload, "status": int(item.outcome.status)})
        verdict = str(item.outcome.payload.get("verdict", item.outcome.verdict))
        summary[verdict] = summary.get(verdict, 0) + 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.items()))
    return Outcome(HTTPStatus.OK, {"data": answers, "summary": summary}, ACCEPTED, detail=told)


def _read_quietly(order: object, intake: Intake) -> ReadOrder | Exception:
    is_test = intake.key is not None and intake.key.is_test
    try:
        return read_order(order, is_test=is_test, at=intake.at)
    except Exception as error:  # noqa: BLE001 - raised again where the order has its row
        return error


def tell_apart(request: HttpRequest, conversion_id: str) -> HttpResponse:
    """POST /conversions/{id}/refunds/apart."""
    return take(request, door="api.apart", handle=lambda intake: _apart(intake, conversion_id))


def _apart(intake: Intake, conversion_id: str) -> Outcome:
    intake.key = bearer_key(intake.request, at=intake.at)
    conversion = open_by_key(merchant_of(intake.key), conversion_id, is_test_key=intake.key.is_test)
    return make_two(intake, conversion, read_json_object(intake.readable_body()))


def make_two(intake: "Intake | Kept", conversion: "Conversion", source: dict[str, Any]) -> Outcome:
    """Let a refund that was taken for another's repetition count too. Raises NotVisible, RefundTooLarge."""
    refund_id = read_text(source, "refund", longest=60, example="rfnd_06f3…", is_required=True)
    is_news = tell_refunds_apart(open_refund_of(conversion, refund_id), at=intake.at)
    refund, fresh = open_refund_of(conversion, refund_id), conversion.refreshed()
    answer = refund_answer(
        refund,
        fresh,
        list(commissions_of(fresh)),
        verdict="accepted" if is_news else "duplicate",
        ignored=tuple(ignored_in(source, frozenset({"refund"}))),
    )
    row = TEST if conversion.is_test else ACCEPTED if is_news else DUPLICATE
    return Outcome(HTTPStatus.OK, answer, row, reason=refund.reason, conversion=fresh)


def _refund(intake: Intake, conversion_id: str) -> Outcome:
    intake.key = bearer_key(intake.request, at=intake.at)
    merchant = merchant_of(intake.key)
    conversion = open_by_key(merchant, conversion_id, is_test_key=intake.key.is_test)

    def handle() -> Outcome:
        body = intake.readable_body()
        source = read_json_object(body) if body.strip() else {}
        refund = read_refund(source, currency=conversion.currency, default_reference=idempotency_key(intake))
        return give_back(
            intake, conversion, refund.amount, refund.reason, refund.reference, refund.ignored, items=refund.items
        )

    return answered_once(intake, handle)


def give_back(
    intake: "Intake | Kept",
    conversion: "Conversion",
    amount: Money | None,
    reason: str,
    reference: str,
    ignored: tuple[str, ...] = (),
    *,
    items: tuple[dict[str, Any], ...] = (),
) -> Outcome:
    """Refund an order and say what is left; idempotent by reference."""
    refund, is_new = refund_sale(
        conversion, amount=amount, reference=reference, reason=reason, way="api", items=list(items), at=intake.at
    )
    is_taken = is_new and not refund.is_told_twice
    verdict = "accepted" if is_taken else "duplicate"
    row = TEST if conversion.is_test else ACCEPTED if is_taken else DUPLICATE
    fresh = conversion.refreshed()
    return Outcome(
        HTTPStatus.CREATED if is_taken else HTTPStatus.OK,
        refund_answer(refund, fresh, list(commissions_of(fresh)), verdict=verdict, ignored=ignored),
        row,
        reason="refund_told_twice" if refund.is_told_twice else refund.reason,
        conversion=fresh,
    )

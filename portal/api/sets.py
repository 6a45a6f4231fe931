"""Orders that came together, in one request or in several at the same moment, are taken in as one set.

What a set decides and writes is what each order by itself would have: the same verbs, the same rows, one
transaction. Whatever is unusual about an order (known with other content, a click still on its way, a set that
failed) leaves it to be taken in alone, so that it spoils nothing for the others.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import DatabaseError, transaction

from payouts.sales import Report, Sale, record_sale, record_sales, waves
from portal.api.answers import conversion_answer
from portal.intake.door import Intake, Outcome, close, close_many, settle
from portal.intake.orders import ReadOrder
from portal.intake.verdicts import verdict_of_sale

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Merchant

log = logging.getLogger("portal.intake")


@dataclass(slots=True)
class Item:
    """One order of a set: its request, what was read or why it could not be; and its outcome, once it has one."""

    intake: Intake
    read: ReadOrder | Exception
    outcome: Outcome | None = None


def take_in(items: Sequence[Item]) -> None:
    """Take in orders of one or several merchants, each as if it had come alone, and close their rows."""
    take_set([item for item in items if isinstance(item.read, Exception)])
    for wave in waves_of(items):
        take_set(wave)
        for item in wave:
            if item.outcome is None:
                take_alone(item)


def waves_of(items: Sequence[Item]) -> list[list[Item]]:
    """The orders that were read, in sets that may be taken in at once."""
    readable = [item for item in items if isinstance(item.read, ReadOrder)]
    return [[readable[number] for number in numbers] for numbers in waves([_report(one) for one in readable])]


def take_set(items: Sequence[Item]) -> None:
    """Take in those that can be taken at once, in one transaction with their verdicts; the others have no outcome then.

    No two of them may look at each other (`waves_of`).
    """
    if not items:
        return
    try:
        with transaction.atomic():
            _take_set(items)
    except Exception:
        log.exception("%d orders are taken in one by one", len(items))
        for item in items:
            item.outcome = None


def take_alone(item: Item) -> None:
    """Take one order in by itself, with its verdict. Refusals and bugs become outcomes too."""
    item.outcome = settle(item.intake, partial(_record, item))
    try:
        close(item.intake, item.outcome)
    except DatabaseError:
        # What was decided stands; the row says "being read" and is found among those set aside.
        log.exception("%s could not be closed", item.intake.row.public_id)


def outcome_of(sale: Sale, merchant: "Merchant", *, ignored: tuple[str, ...] = ()) -> Outcome:
    """The answer and the row's verdict for what became of an order."""
    verdict, reason, row = verdict_of_sale(sale)
    return Outcome(
        HTTPStatus.CREATED if sale.is_new else HTTPStatus.OK,
        conversion_answer(sale, merchant, verdict=verdict, reason=reason, ignored=ignored),
        row,
        reason=reason,
        conversion=sale.conversion,
    )


def _take_set(items: Sequence[Item]) -> None:
    readable = [item for item in items if isinstance(item.read, ReadOrder)]
    sales = record_sales([_report(item) for item in readable], at=max(item.intake.at for item in items))
    for item, sale in zip(readable, sales, strict=True):
        if sale is not None:
            item.outcome = settle(item.intake, partial(_word, item, sale))
    for item in items:
        if isinstance(item.read, Exception):
            item.outcome = settle(item.intake, partial(_record, item))
    close_many([(item.intake, item.outcome) for item in items if item.outcome is not None])


def _record(item: Item, intake: Intake) -> Outcome:
    if isinstance(item.read, Exception):
        raise item.read
    report = _report(item)
    return _word(item, record_sale(report.merchant, report.facts, at=intake.at), intake)


def _word(item: Item, sale: Sale, _intake: Intake) -> Outcome:
    assert isinstance(item.read, ReadOrder), "only what was read is recorded"
    return outcome_of(sale, _report(item).merchant, ignored=item.read.ignored)


def _report(item: Item) -> Report:
    assert isinstance(item.read, ReadOrder), "only what was read is reported"
    assert item.intake.merchant is not None, "only what has an owner is read"
    return Report(item.intake.merchant, item.read.facts)

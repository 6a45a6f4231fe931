""" "Why not me?": a partner asks about an order and is answered at once. Each question is kept; guessing is limited."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from affiliates.models import Enrolment, User
from ledger.journal import record_event
from ledger.money import Money
from payouts.errors import ClaimRefused, QuestionsTooMany
from payouts.models import OrderQuestion
from payouts.queries.why_not import Answer, why_not_me

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was answered."""

    question: OrderQuestion
    answer: Answer


@transaction.atomic
def ask_about_order(
    place: Enrolment,
    order_ref: str,
    *,
    ordered_on: date | None = None,
    amount: Money | None = None,
    by: User | None = None,
    at: datetime,
) -> Asked:
    """Answer from the event log and keep the question.

    Raises ClaimRefused when there is nothing to look for, QuestionsTooMany past the hour's limit.
    """
    number = order_ref.strip()
    if not number and (ordered_on is None or amount is None):
        raise ClaimRefused("Give the order number, or the day and the amount.", field="order_ref")
    if len(number) > 128 or "\x00" in number:
        raise ClaimRefused("An order number has up to 128 signs.", field="order_ref")
    if amount is not None and amount.currency != place.program.currency:
        raise ClaimRefused(f"The program pays in {place.program.currency}.", field="amount")
    _within_limit(place, at=at)
    answer = why_not_me(place, number, ordered_on=ordered_on, amount=amount, at=at)
    question = OrderQuestion.objects.create(
        affiliate=place.affiliate,
        enrolment=place,
        asked_by=by,
        asked_at=at,
        order_ref=number,
        ordered_on=ordered_on,
        amount_minor=amount.minor if amount else None,
        currency=place.program.currency,
        situation=answer.situation,
        reason=answer.reason[:40],
        numbers=answer.numbers,
        conversion=answer.conversion,
    )
    record_event(
        "order.asked_about",
        question.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[place.affiliate.public_id],
        data={"situation": answer.situation, "reason": answer.reason},
    )
    return Asked(question, answer)


def _within_limit(place: Enrolment, *, at: datetime) -> None:
    """Count under a lock of the partner's own, so that a hundred questions at once are counted too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [str(place.affiliate_id)])
    most = settings.ORDER_QUESTIONS_PER_HOUR
    if OrderQuestion.objects.filter(affiliate=place.affiliate_id, asked_at__gt=at - _HOUR).count() >= most:
        raise QuestionsTooMany(most)

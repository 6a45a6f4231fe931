"""What a letter about an event has to know: frozen facts by public id, None when there is nothing to tell."""

from dataclasses import dataclass
from datetime import datetime

from affiliates.models import Affiliate, Enrolment, User
from ledger.money import Money
from payouts.models import Commission, Payout, PayoutMethod, PayoutRun, Statement
from payouts.protocol import FREED
from payouts.queries.finance import totals_of


@dataclass(frozen=True, slots=True)
class PlaceNews:
    """A place in a program that was given or refused."""

    affiliate: Affiliate
    program: str
    slug: str
    merchant: str
    reason: str


@dataclass(frozen=True, slots=True)
class CommissionNews:
    """The first commission somebody ever earned."""

    affiliate: Affiliate
    amount: Money
    program: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class StatementNews:
    """A payout that arrived, with its paper."""

    affiliate: Affiliate
    statement: str
    number: str
    amount: Money


@dataclass(frozen=True, slots=True)
class StoppedNews:
    """A payout that did not go through, whose money is owed again. `reason` is a code of docs/reasons.md."""

    affiliate: Affiliate
    amount: Money
    reason: str
    run: str


@dataclass(frozen=True, slots=True)
class MethodNews:
    """A payout account that was changed."""

    affiliate: Affiliate
    usable_from: datetime | None


@dataclass(frozen=True, slots=True)
class RunNews:
    """A run that waits for a second person."""

    run: str
    label: str
    prepared_by: str
    amounts: tuple[Money, ...]
    payouts: int
    approvers: tuple[User, ...]


def place_news(enrolment_id: str) -> PlaceNews:
    """What became of an application."""
    enrolment: Enrolment = Enrolment.objects.by_public_id(enrolment_id)
    program = enrolment.program
    return PlaceNews(enrolment.affiliate, program.name, program.slug, program.merchant.name, enrolment.decline_reason)


def first_commission_news(commission_id: str) -> CommissionNews | None:
    """None unless it is the first one the affiliate ever earned, and worth something."""
    commission: Commission = Commission.objects.select_related("affiliate", "program").get(
        pk=Commission.key_of(commission_id)
    )
    earlier = Commission.objects.filter(affiliate=commission.affiliate, amount_minor__gt=0).exclude(pk=commission.pk)
    if not commission.amount or earlier.filter(accrued_at__lte=commission.accrued_at, pk__lt=commission.pk).exists():
        return None
    return CommissionNews(commission.affiliate, commission.amount, commission.program.name, commission.due_at)


def statement_news(statement_id: str) -> StatementNews:
    """What was paid."""
    statement: Statement = Statement.objects.select_related("affiliate", "payout").get(
        pk=Statement.key_of(statement_id)
    )
    return StatementNews(statement.affiliate, statement.public_id, statement.number, statement.payout.amount)


def stopped_news(payout_id: str) -> StoppedNews | None:
    """None while the money is still reserved: that is finance's to solve."""
    payout: Payout = Payout.objects.select_related("affiliate", "run").get(pk=Payout.key_of(payout_id))
    if payout.state != Payout.State.BLOCKED or payout.block_reason not in FREED:
        return None
    is_stopped = payout.affiliate.status != Affiliate.Status.ACTIVE
    reason = f"affiliate_{payout.affiliate.status}" if is_stopped else payout.block_reason
    return StoppedNews(payout.affiliate, payout.amount, reason, payout.run.label)


def method_news(method_id: str) -> MethodNews:
    """Whose account was changed, and from when it is paid."""
    method: PayoutMethod = PayoutMethod.objects.select_related("affiliate").get(pk=PayoutMethod.key_of(method_id))
    return MethodNews(method.affiliate, method.usable_from)


def run_news(run_id: str, *, checkers: list[User]) -> RunNews | None:
    """None when the run does not wait any more; the approvers are those of `checkers` who may approve it."""
    run: PayoutRun = PayoutRun.objects.select_related("prepared_by").get(pk=PayoutRun.key_of(run_id))
    if run.status != PayoutRun.Status.SUBMITTED:
        return None
    totals = totals_of(run)
    return RunNews(
        run=run.public_id,
        label=run.label,
        prepared_by=run.prepared_by.get_full_name(),
        amounts=tuple(total.total for total in totals),
        payouts=sum(total.payouts for total in totals),
        approvers=tuple(one for one in checkers if one.pk not in {run.prepared_by_id, run.submitted_by_id}),
    )

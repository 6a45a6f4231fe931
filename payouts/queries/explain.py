"""Why an amount is what it is: one Explanation of a commission for partner, merchant and finance.

All three show the same amounts, state and dates, because all three read this. What differs is
whose names are told: a partner reads "another partner", merchant and finance read the name.

    explanation = explanation_of(commission, viewer="merchant")      # "partner", "merchant", "finance"
    context["explain"] = explain_context(explanation, places=...)    # portal/explain.py: words and links

Lists ask `states_of(commissions)` for the state of each row and `in_state(queryset, name)` for a
filter; both stand in payouts/queries/states.py and are offered here too.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from affiliates.queries import affiliates_by_id
from ledger.entries import entries_about
from ledger.money import Money
from payouts.commissions import figures_of
from payouts.models import Commission, Payout, PayoutItem, Statement
from payouts.queries.explanations import (
    BaseStep,
    Explanation,
    LedgerLine,
    OrderFacts,
    PayoutFacts,
    Reversal,
    Rival,
    RuleFacts,
    Skipped,
    Step,
    Touch,
    Viewer,
)
from payouts.queries.states import (
    COMMISSION_STATES,
    MoneyState,
    expected_payout_at,
    in_state,
    state_of,
    state_of_payout,
    states_of,
)
from payouts.queries.timeline import steps_of
from payouts.rules import price
from tracking.models import Attribution, Click, Conversion, Link, Refund

__all__ = [
    "COMMISSION_STATES",
    "BaseStep",
    "Explanation",
    "LedgerLine",
    "MoneyState",
    "OrderFacts",
    "PayoutFacts",
    "Reversal",
    "Rival",
    "RuleFacts",
    "Skipped",
    "Step",
    "Touch",
    "Viewer",
    "expected_payout_at",
    "explanation_of",
    "in_state",
    "state_of",
    "state_of_payout",
    "states_of",
]


def explanation_of(commission: Commission, *, viewer: Viewer, at: datetime | None = None) -> Explanation:
    """The explanation of a commission the caller has opened through payouts/access.py; a fixed number of queries.

    `at` (default: this moment) decides which dates are still to come.
    """
    at = at or timezone.now()
    loaded = Commission.objects.select_related(
        "affiliate", "merchant", "program", "rule_line__rule_version", "conversion"
    ).get(pk=commission.pk)
    attribution = Attribution.objects.filter(conversion=loaded.conversion_id).select_related("terms").first()
    refunds = list(Refund.objects.filter(conversion=loaded.conversion_id).order_by("at", "pk"))
    ledger = tuple(_ledger(loaded.public_id))
    payout = _payout(loaded)
    state = state_of(loaded, at=at)
    touch = _touch(attribution)
    base, base_steps = _base(loaded, attribution)
    reversals = tuple(_reversals(loaded, refunds, ledger))
    return Explanation(
        id=loaded.public_id,
        viewer=viewer,
        affiliate=loaded.affiliate.public_id,
        affiliate_name=loaded.affiliate.name,
        merchant=loaded.merchant.name,
        merchant_slug=loaded.merchant.slug,
        state=state,
        amount=loaded.amount,
        taken_back=loaded.amount - loaded.remaining,
        remaining=loaded.remaining,
        base=base,
        base_steps=base_steps,
        rule=_rule(loaded, attribution),
        order=_order(loaded.conversion),
        model=attribution.model if attribution else "",
        touch=touch,
        rivals=tuple(_rivals(loaded, attribution, viewer=viewer)),
        skipped=tuple(_skipped(loaded.trace)),
        reversals=reversals,
        payout=payout,
        steps=tuple(steps_of(loaded, attribution, touch, reversals, payout, state, at=at)),
        ledger=ledger,
    )


def _order(conversion: Conversion) -> OrderFacts:
    return OrderFacts(
        conversion.public_id,
        conversion.order_ref,
        conversion.event,
        conversion.occurred_at,
        conversion.amount,
        conversion.refunded,
    )


def _rule(commission: Commission, attribution: Attribution | None) -> RuleFacts:
    line, version = commission.rule_line, commission.rule_line.rule_version
    terms = attribution.terms if attribution else None
    return RuleFacts(
        id=version.public_id,
        program=commission.program.name,
        program_slug=commission.program.slug,
        name=line.name,
        version=version.version,
        position=line.position,
        since=version.starts_at,
        kind=line.kind,
        rate=line.rate,
        flat=Money(line.flat_minor, commission.currency) if line.kind == line.Kind.FLAT else None,
        event=line.event,
        basis=terms.basis if terms else "net",
        terms_version=terms.version if terms else None,
        hold_days=terms.hold_days if terms else None,
    )


def _base(commission: Commission, attribution: Attribution | None) -> tuple[Money, tuple[BaseStep, ...]]:
    """The base and its lines: as decided when it was booked, or as it is after refunds."""
    trace: dict[str, Any] = commission.trace
    if commission.conversion.refunded_minor:
        basis = attribution.terms.basis if attribution and attribution.terms else "net"
        priced = price([commission.rule_line], figures_of(commission.conversion), basis=basis)
        trace = priced.trace if priced else trace
    steps = tuple(BaseStep(step["what"], _money(step["amount"], commission.currency)) for step in trace["base_steps"])
    return _money(trace["base"], commission.currency), steps


def _money(text: str, currency: str) -> Money:
    return Money.parse(text, currency, negative=True)


def _touch(attribution: Attribution | None) -> Touch | None:
    if attribution is None or attribution.click_id is None:
        return None
    click = Click.objects.filter(pk=attribution.click_id).first()
    if click is None:
        return None
    link = Link.objects.filter(pk=click.link_id).first()
    return Touch(
        id=click.public_id,
        at=click.clicked_at,
        window_days=attribution.terms.window_days if attribution.terms else None,
        link_code=link.code if link else "",
        link_label=link.label if link else "",
        page=click.destination,
    )


def _rivals(commission: Commission, attribution: Attribution | None, *, viewer: Viewer) -> Iterable[Rival]:
    lost = [row for row in attribution.candidates if not row["won"]] if attribution else []
    own = commission.affiliate.public_id
    others = {row["affiliate"] for row in lost if row["affiliate"] not in {"", own}}
    names = affiliates_by_id(others) if others and viewer != "partner" else {}
    for row in lost:
        rival = names.get(row["affiliate"])
        yield Rival(
            at=datetime.fromisoformat(row["at"]),
            reason=row["reason"],
            name=rival.name if rival else "",
            is_own=row["affiliate"] == own,
        )


def _skipped(trace: dict[str, Any]) -> Iterable[Skipped]:
    for row in trace.get("did_not_apply", []):
        yield Skipped(row["name"], row["why"], str(row.get("wants", "")), str(row.get("is", "")))


def _ledger(subject: str) -> Iterable[LedgerLine]:
    for entry in entries_about(subject):
        for posting in sorted(entry.postings.all(), key=lambda posting: posting.number):
            yield LedgerLine(
                entry.effective_at,
                posting.debit.name,
                posting.credit.name,
                posting.amount,
                entry.reference,
                entry.public_id,
            )


def _reversals(commission: Commission, refunds: list[Refund], ledger: Iterable[LedgerLine]) -> Iterable[Reversal]:
    """What each refund took back: its own entry in the book says so."""
    taken: dict[str, int] = {}
    for line in ledger:
        taken[line.reference] = taken.get(line.reference, 0) + line.amount.minor
    for refund in refunds:
        minor = taken.get(f"{commission.public_id}:reversal:{refund.public_id}", 0)
        of_order = Money(refund.amount_minor, commission.currency)
        yield Reversal(refund.at, Money(minor, commission.currency), of_order, refund.reason, refund.reference)


def _payout(commission: Commission) -> PayoutFacts | None:
    item = (
        PayoutItem.objects.filter(commission=commission, released_at=None)
        .select_related("payout__run", "payout__statement")
        .first()
    )
    if item is None:
        return None
    payout: Payout = item.payout
    statement: Statement | None = getattr(payout, "statement", None)
    return PayoutFacts(
        id=payout.public_id,
        run=payout.run.public_id,
        run_label=payout.run.label,
        share=Money(item.amount_minor, payout.currency),
        prepared_at=payout.created_at,
        sent_at=payout.sent_at,
        settled_at=payout.settled_at,
        transfer_id=payout.transfer_id or "",
        statement=statement.public_id if statement else "",
    )

"""A commission's life as a line of time: what happened, then what comes next and when."""

from collections.abc import Iterable
from datetime import datetime

from payouts.models import Commission
from payouts.queries.explanations import PayoutFacts, Reversal, Step, Touch
from payouts.queries.states import MoneyState, expected_payout_at
from tracking.models import Attribution


def steps_of(
    commission: Commission,
    attribution: Attribution | None,
    touch: Touch | None,
    reversals: Iterable[Reversal],
    payout: PayoutFacts | None,
    state: MoneyState,
    *,
    at: datetime,
) -> Iterable[Step]:
    """What happened, in order, then what comes next with the dates it is expected on."""
    conversion = commission.conversion
    done = [Step("click", touch.at, "done", touch.link_code)] if touch else []
    done.append(Step("order", conversion.occurred_at, "done", conversion.order_ref))
    if attribution is not None:
        done.append(Step("attributed", attribution.decided_at, "done"))
    done += [Step("refunded", one.at, "bad", one.reason) for one in reversals]
    if commission.approved_at is not None:
        done += [Step("hold", commission.due_at, "done"), Step("approved", commission.approved_at, "done")]
    if payout is not None:
        done.append(Step("run", payout.prepared_at, "done", payout.run_label))
        if payout.sent_at is not None:
            done.append(Step("sent", payout.sent_at, "done", payout.transfer_id))
        if payout.settled_at is not None:
            done.append(Step("paid", payout.settled_at, "done"))
    # The order of one instant is the order of the list: a stable sort keeps it.
    yield from sorted(done, key=lambda step: step.at or at)
    if state.name in {"reversed", "clawed_back", "not_paid"}:
        yield Step(state.name, state.until, "bad", state.reason)
        return
    if state.name == "held":
        yield Step("held", state.until, "bad", state.reason)
    yield from _ahead(commission, payout, state, at=at)


def _ahead(commission: Commission, payout: PayoutFacts | None, state: MoneyState, *, at: datetime) -> Iterable[Step]:
    approved_at = commission.approved_at or commission.due_at
    pays = state.until if state.name == "in_run" else expected_payout_at(approved_at, at=at)
    ahead: list[Step] = []
    if commission.approved_at is None:
        ahead += [Step("hold", commission.due_at), Step("approved", commission.due_at)]
    if payout is None:
        ahead.append(Step("run", pays))
    if payout is None or payout.sent_at is None:
        ahead.append(Step("sent", pays))
    if payout is None or payout.settled_at is None:
        ahead.append(Step("paid", pays if payout is None or payout.sent_at is None else None))
    for number, step in enumerate(ahead):
        is_current = number == 0 and state.name != "held"
        yield Step(step.what, step.at, "current" if is_current else "", step.note)

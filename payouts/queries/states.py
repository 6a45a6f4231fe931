"""Where an amount stands, in the words people read (portal/states.py, kind `money`): derived here, once.

Partner, merchant and finance all ask this module, so one commission has one state everywhere.
`states_of` reads a list's states in a fixed number of queries; `in_state` is the same rule as a
question to the database, and a test holds the two together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils import timezone

from affiliates.models import Affiliate
from payouts.models import Commission, FraudHold, Payout, PayoutItem
from tracking.models import Conversion, Refund

#: The states a commission can be in, in the order of its life.
COMMISSION_STATES = ("pending", "approved", "in_run", "sent", "paid", "held", "not_paid", "reversed", "clawed_back")

_P = Payout.State
_IN_RUN = (_P.READY, _P.SENDING, _P.UNSURE)


@dataclass(frozen=True, slots=True)
class MoneyState:
    """Where an amount stands.

    `name` is a key of the kind `money` in portal/states.py and `until` the date its sentence takes
    (end of the hold, expected pay day, day of payment or reversal). `run` is the run's label while
    one holds it; `reason` a code of docs/reasons.md when it is held, not paid or reversed.
    """

    name: str
    until: datetime | None = None
    run: str = ""
    reason: str = ""
    payout: str = ""


def expected_payout_at(approved_at: datetime, *, at: datetime) -> datetime:
    """About when an amount approved then is paid: the first pay day after its month, and not before `at`."""
    after = max(_pay_day(approved_at, months=1), _pay_day(at, months=0))
    return after if after >= at else _pay_day(at, months=1)


def state_of(commission: Commission, *, at: datetime | None = None) -> MoneyState:
    """Where one commission stands now."""
    return states_of([commission], at=at)[commission.pk]


def states_of(
    commissions: Iterable[Commission],
    *,
    at: datetime | None = None,
    items: Mapping[UUID, PayoutItem] | None = None,
) -> dict[UUID, MoneyState]:
    """Where each commission stands now, by its key; at most four queries, and one more for those without their order.

    `items` are the live payout items by commission, for callers that have read them with their payouts and runs.
    """
    rows = list(commissions)
    at = at or timezone.now()
    if items is None:
        live = PayoutItem.objects.filter(commission__in=[row.pk for row in rows], released_at=None)
        items = {item.commission_id: item for item in live.select_related("payout__run")}
    reversed_ = [row.conversion_id for row in rows if row.status == Commission.Status.REVERSED]
    refunds = _last_refunds(reversed_) if reversed_ else {}
    suspected = _suspected([row.pk for row in rows if row.status != Commission.Status.APPROVED])
    waiting = {row.affiliate_id for row in rows if row.status == Commission.Status.APPROVED and row.pk not in items}
    stopped = (
        dict(
            Affiliate.objects.filter(pk__in=waiting).exclude(status=Affiliate.Status.ACTIVE).values_list("pk", "status")
        )
        if waiting
        else {}
    )
    unpaid = (Commission.Status.PENDING, Commission.Status.APPROVED)
    disputed = _disputed([row for row in rows if row.status in unpaid and row.pk not in items])
    return {
        row.pk: _state(
            row,
            items.get(row.pk),
            is_disputed=row.conversion_id in disputed and row.pk not in items,
            refunded=refunds.get(row.conversion_id),
            stopped=stopped.get(row.affiliate_id, ""),
            suspected=suspected.get(row.pk, {}),
            at=at,
        )
        for row in rows
    }


def in_state(commissions: QuerySet[Commission], name: str) -> QuerySet[Commission]:
    """Those of the commissions that stand there; all of them for a name that is no state."""
    if name not in COMMISSION_STATES:
        return commissions
    if name == "not_paid":
        return commissions.filter(amount_minor=0)
    commissions = commissions.exclude(amount_minor=0)
    if name == "pending":
        waiting = commissions.filter(status=Commission.Status.PENDING, conversion__is_disputed=False)
        return waiting.exclude(_kept_back())
    if name in {"reversed", "clawed_back"}:
        taken_back = commissions.filter(status=Commission.Status.REVERSED)
        return taken_back.filter(_in_payout()) if name == "clawed_back" else taken_back.exclude(_in_payout())
    approved = commissions.filter(status=Commission.Status.APPROVED)
    if name == "approved":
        undisputed = approved.exclude(_in_payout()).filter(conversion__is_disputed=False)
        return undisputed.filter(affiliate__status=Affiliate.Status.ACTIVE)
    if name == "held":
        is_pending = Q(status=Commission.Status.PENDING)
        is_free = Q(status=Commission.Status.APPROVED) & ~Q(_in_payout())
        is_kept = (is_pending & Q(_kept_back())) | ((is_pending | is_free) & Q(conversion__is_disputed=True))
        is_stopped = is_free & ~Q(affiliate__status=Affiliate.Status.ACTIVE)
        return commissions.filter(
            is_kept | is_stopped | (Q(status=Commission.Status.APPROVED) & Q(_in_payout(_P.BLOCKED)))
        )
    return approved.filter(_in_payout(*{"in_run": _IN_RUN, "sent": (_P.SENT,), "paid": (_P.PAID,)}[name]))


def state_of_payout(payout: Payout, *, at: datetime | None = None) -> MoneyState:
    """Where a payout's amount stands, in the same words; called off is `reversed` with its reason."""
    if payout.state == _P.CANCELLED:
        return MoneyState("reversed", run=payout.run.label, reason=payout.block_reason, payout=payout.public_id)
    return _state_in_payout(payout, at=at or timezone.now())


def _state(
    commission: Commission,
    item: PayoutItem | None,
    *,
    is_disputed: bool,
    refunded: datetime | None,
    stopped: str,
    suspected: Mapping[str, datetime | None],
    at: datetime,
) -> MoneyState:
    if not commission.amount_minor:
        return MoneyState("not_paid", reason="rate_is_zero")
    if commission.status == Commission.Status.REVERSED:
        is_fraud = FraudHold.State.CONFIRMED in suspected
        reason = "fraud_confirmed" if is_fraud else "order_refunded"
        if item is not None:
            return MoneyState("clawed_back", reason=reason, run=item.payout.run.label, payout=item.payout.public_id)
        return MoneyState(
            "reversed", until=suspected[FraudHold.State.CONFIRMED] if is_fraud else refunded, reason=reason
        )
    if is_disputed:
        return MoneyState("held", reason="order_disputed")
    if commission.status == Commission.Status.PENDING:
        if FraudHold.State.HELD in suspected:
            return MoneyState("held", until=suspected[FraudHold.State.HELD], reason="fraud_suspected")
        return MoneyState("pending", until=commission.due_at)
    if item is not None:
        return _state_in_payout(item.payout, at=at)
    if stopped:
        return MoneyState("held", reason=f"affiliate_{stopped}")
    return MoneyState("approved", until=expected_payout_at(commission.approved_at or commission.due_at, at=at))


def _state_in_payout(payout: Payout, *, at: datetime) -> MoneyState:
    more: dict[str, Any] = {"run": payout.run.label, "payout": payout.public_id}
    if payout.state == _P.PAID:
        return MoneyState("paid", until=payout.settled_at, **more)
    if payout.state == _P.SENT:
        return MoneyState("sent", **more)
    if payout.state == _P.BLOCKED:
        return MoneyState("held", reason=payout.block_reason or "payout_blocked", **more)
    pays = _pay_day(payout.run.ends_at, months=0)
    return MoneyState("in_run", until=pays if pays >= at else None, **more)


def _disputed(rows: list[Commission]) -> set[UUID]:
    """The orders of commissions with an open dispute; asked only for those that did not come with their order."""
    loaded = [row.conversion for row in rows if Commission.conversion.is_cached(row)]
    known = {one.pk: one.is_disputed for one in loaded if "is_disputed" not in one.get_deferred_fields()}
    unknown = {row.conversion_id for row in rows} - known.keys()
    found = {key for key, is_disputed in known.items() if is_disputed}
    if unknown:
        asked = Conversion.objects.filter(pk__in=unknown, is_disputed=True)
        found.update(asked.values_list("pk", flat=True))
    return found


def _kept_back() -> Exists:
    """Whether a suspicion keeps the commission from being approved."""
    return Exists(FraudHold.objects.filter(commission=OuterRef("pk"), state=FraudHold.State.HELD))


def _suspected(keys: list[UUID]) -> dict[UUID, dict[str, datetime | None]]:
    """Of commissions: the states of the suspicions about them, each with its date: promised, or confirmed."""
    if not keys:
        return {}
    found: dict[UUID, dict[str, datetime | None]] = {}
    states = [FraudHold.State.HELD, FraudHold.State.CONFIRMED]
    rows = FraudHold.objects.filter(commission__in=keys, state__in=states).order_by("held_at", "pk")
    for key, state, due_at, ended_at in rows.values_list("commission", "state", "finding__answer_due_at", "ended_at"):
        found.setdefault(key, {})[state] = due_at if state == FraudHold.State.HELD else ended_at
    return found


def _in_payout(*states: str) -> Exists:
    live = PayoutItem.objects.filter(commission=OuterRef("pk"), released_at=None)
    return Exists(live.filter(payout__state__in=states) if states else live)


def _last_refunds(conversions: list[UUID]) -> dict[UUID, datetime]:
    rows = Refund.objects.filter(conversion__in=conversions).values_list("conversion").annotate(last=Max("at"))
    return dict(rows)


def _pay_day(moment: datetime, *, months: int) -> datetime:
    index = moment.astimezone(UTC).month - 1 + months
    return datetime(moment.astimezone(UTC).year + index // 12, index % 12 + 1, settings.PAYOUT_DAY, tzinfo=UTC)

"""How an order was credited: the decision as it is stored, as one viewer may read it.

A partner reads its own touches whole and of the others' only when and why: no name, no id, no code, no part.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ledger.money import Money
from payouts.models import Commission
from payouts.queries.explanations import Candidate, Crediting, Part, Viewer, WaysOfCredit
from tracking.models import Attribution, AttributionShare

_SETTINGS = (
    "version", "model", "window_days", "view_window_days", "coupon_window_days", "half_life_days", "coupon_policy",
    "unassigned_code", "cart_freeze", "assist_rate",
)  # fmt: skip


def crediting_of(
    commission: Commission,
    siblings: Sequence[Commission],
    attribution: Attribution | None,
    shares: Sequence[AttributionShare],
    *,
    names: Mapping[str, str],
    uncounted: Mapping[str, str],
    whole: Money | None,
    viewer: Viewer,
) -> Crediting:
    """The decision behind one commission.

    `siblings` are all commissions of the order, `names` the partners' by public id, `uncounted` why a click does
    not count by its public id, `whole` what the order earns all of its partners by the rule.
    """
    own = next((one for one in shares if one.enrolment_id == commission.enrolment_id), None)
    candidates = tuple(_candidates(commission, attribution, names=names, uncounted=uncounted, viewer=viewer))
    return Crediting(
        model=attribution.model if attribution else "",
        reason=own.reason if own else (attribution.reason if attribution else ""),
        note=attribution.note if attribution else "",
        engine=attribution.engine if attribution else 0,
        decided_at=attribution.decided_at if attribution else None,
        role=commission.role,
        weight=own.weight if own else Decimal(1),
        coupon=own.coupon_code if own else "",
        whole=whole,
        position=_position(commission, attribution),
        partners=sum(1 for one in shares if one.role != AttributionShare.Role.ASSIST) or 1,
        parts=tuple(_parts(commission, siblings, shares, viewer=viewer)),
        settings=_settings(attribution),
        candidates=candidates,
    )


def _candidates(
    commission: Commission,
    attribution: Attribution | None,
    *,
    names: Mapping[str, str],
    uncounted: Mapping[str, str],
    viewer: Viewer,
) -> Iterable[Candidate]:
    rows: list[dict[str, Any]] = attribution.candidates if attribution else []
    seen = {one["id"]: one for one in attribution.inputs.get("touches", [])} if attribution else {}
    numbers = {_touch(row): number for number, row in enumerate(rows, start=1)}
    own_id = commission.affiliate.public_id
    for number, row in enumerate(rows, start=1):
        is_own = row["affiliate"] == own_id
        is_open = is_own or viewer != "partner"
        touch = seen.get(_touch(row), {})
        yield Candidate(
            number=number,
            kind=row.get("kind", "click"),
            at=datetime.fromisoformat(row["at"]),
            seconds_before=row.get("seconds_before"),
            is_own=is_own,
            name=names.get(row["affiliate"], "") if viewer != "partner" else "",
            touch=_touch(row) if is_open else "",
            won=row["won"],
            assist=row.get("assist", False) and is_open,
            reason=row["reason"],
            weight=Decimal(row.get("weight", "1" if row["won"] else "0")) if is_open else None,
            window_days=row.get("window_days") if is_open else None,
            credit_class=row.get("credit_class", "") if is_open else "",
            found_by=tuple(row.get("found_by", ())) if is_open else (),
            code=row.get("code", "") if is_open else "",
            consent=touch.get("consent", "") if is_open else "",
            uncounted=uncounted.get(_touch(row), "") if is_open else "",
            # A code of nobody's has no id, and what lost to nothing was beaten by nobody.
            beaten_by=numbers.get(row["beaten_by"]) if row.get("beaten_by") else None,
        )


def _touch(row: Mapping[str, Any]) -> str:
    """A candidate's id; those decided before the engine had only the click's."""
    found: str = row.get("touch") or row.get("click") or ""
    return found


def _position(commission: Commission, attribution: Attribution | None) -> int:
    """Which of the partners who share the order came first: 1 for the one with the earliest touch that won."""
    order: list[str] = []
    for row in reversed(attribution.candidates if attribution else []):
        if row["won"] and row["affiliate"] not in order:
            order.append(row["affiliate"])
    own = commission.affiliate.public_id
    return order.index(own) + 1 if own in order else 1


def _parts(
    commission: Commission, siblings: Sequence[Commission], shares: Sequence[AttributionShare], *, viewer: Viewer
) -> Iterable[Part]:
    """Every partner's part with what is left of it; only the viewer's own for a partner."""
    for share in shares:
        is_own = share.enrolment_id == commission.enrolment_id
        if viewer == "partner" and not is_own:
            continue
        rows = [row for row in siblings if row.enrolment_id == share.enrolment_id]
        amount = Money(sum(row.remaining.minor for row in rows), commission.currency)
        affiliate = share.enrolment.affiliate
        yield Part(affiliate.name, affiliate.public_id, is_own, share.role, share.weight, amount, share.reason)


def _settings(attribution: Attribution | None) -> WaysOfCredit | None:
    """The settings that decided: those in force at the order in the program that won."""
    if attribution is None:
        return None
    inputs = attribution.inputs
    wanted = inputs.get("in_force", {}).get(attribution.outcome.get("program", ""), "")
    found: dict[str, Any] | None = next((one for one in inputs.get("settings", []) if one["terms"] == wanted), None)
    if found is None:
        return None
    windows = found.get("event_windows", {}).get(inputs.get("order", {}).get("event", ""), {})
    values = {name: found[name] for name in _SETTINGS}
    values |= {"window_days": windows.get("click", found["window_days"])}
    values |= {"view_window_days": windows.get("view", found["view_window_days"])}
    return WaysOfCredit(**{**values, "assist_rate": Decimal(found["assist_rate"])})

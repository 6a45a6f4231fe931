"""Why not me? What the event log says of an order to one partner, as one situation of a closed list.

A partner asks only of merchants whose programs it has a place in, and hears only of itself: that
another partner's click or code won, never whose, nor for how much. An order is found by its number
near the day the partner names; a number alone opens nothing that is not the partner's own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from affiliates.models import Enrolment
from ledger.money import Money
from payouts.models import Commission, FraudHold
from tracking.models import Attribution, Click, Conversion, InboxRequest, Link

#: The closed list, worded in portal/why_not.py and docs/claims.md.
SITUATIONS = (
    "already_yours",
    "refunded",
    "being_checked",
    "confirmed_fraud",
    "earned_nothing",
    "not_reported",
    "reported_rejected",
    "reported_set_aside",
    "reported_test",
    "click_pending",
    "no_click",
    "click_unknown",
    "click_after_order",
    "outside_window",
    "later_click_won",
    "earlier_click_won",
    "coupon_won",
    "customer_bound",
    "lower_class",
    "view_lost",
    "click_not_counted",
    "no_consent",
    "program_closed",
    "not_enrolled",
    "not_enrolled_then",
    "other_program",
    "duplicate",
    "currency_mismatch",
    "order_refused",
    "no_touch_of_yours",
)

#: Which situation a lost touch is, by the reason code for which it lost.
_LOST = {
    "older_than_the_last": "later_click_won",
    "newer_than_the_first": "earlier_click_won",
    "middle_without_share": "later_click_won",
    "older_coupon": "coupon_won",
    "view_behind_click": "view_lost",
    "view_window_closed": "view_lost",
    "lower_credit_class": "lower_class",
    "soft_click": "lower_class",
    "click_in_checkout": "lower_class",
    "outside_window": "outside_window",
    "click_not_counted": "click_not_counted",
    "no_consent": "no_consent",
    "not_enrolled": "not_enrolled",
    "click_after_order": "click_after_order",
    "no_terms_in_force": "not_enrolled_then",
    "click_of_another_merchant": "other_program",
    "other_program": "other_program",
    "coupon_overrides": "coupon_won",
    "coupon_of_the_house": "coupon_won",
    "coupon_blocks": "coupon_won",
    "bound_to_another": "customer_bound",
    "binding_ended": "customer_bound",
    "coupon_not_involved": "later_click_won",
    "coupon_needs_a_win": "later_click_won",
    "coupon_not_yet_valid": "not_enrolled_then",
    "coupon_expired": "outside_window",
    "coupon_unassigned": "no_touch_of_yours",
}
#: A click that did not count because the program or the place was not open.
_CLOSED = ("program_", "enrolment_", "affiliate_")
_NO_CONSENT = frozenset({"no_consent", "consent_denied", "consent_unknown"})

#: Shops' clocks, time zones and memories differ: so far from the day named an order is still the one meant.
NEAR = timedelta(days=3)
#: Reports are searched from a day before the order to so long after it.
_REPORTED_WITHIN = timedelta(days=45)
_SEARCHED = 500
_CLICKS_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner is told: the situation, the reason code behind it, the numbers in it.

    `conversion` and `commission` are for the house and for links; `own` says whether the partner may
    see the order itself. `touches` are the partner's own touches of the order, each with why it lost.
    """

    situation: str
    reason: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)
    conversion: Conversion | None = None
    commission: Commission | None = None
    touches: tuple[dict[str, Any], ...] = ()

    @property
    def is_own(self) -> bool:
        """Whether the order is the partner's."""
        return self.situation in {"already_yours", "refunded", "being_checked", "confirmed_fraud", "earned_nothing"}


def why_not_me(
    place: Enrolment, order_ref: str, *, ordered_on: date | None = None, amount: Money | None = None, at: datetime
) -> Answer:
    """What became of an order, as far as it is this partner's business. At most about ten queries."""
    number = order_ref.strip()
    found = _found(place, number, ordered_on=ordered_on, amount=amount)
    if found is None:
        return _never_counted(place, number, ordered_on=ordered_on, at=at)
    if found.is_test:
        return Answer("reported_test", conversion=found, numbers={"reported_at": found.recorded_at.isoformat()})
    return _of(place, found)


def _found(place: Enrolment, number: str, *, ordered_on: date | None, amount: Money | None) -> Conversion | None:
    """The order meant: one's own before others', live before test, the day named or nothing."""
    orders = Conversion.objects.filter(merchant=place.program.merchant_id)
    if number:
        orders = orders.filter(order_ref__in=_spellings(number))
    elif ordered_on is None or amount is None:
        return None
    else:
        orders = orders.filter(amount_minor=amount.minor, currency=amount.currency)
    own = Q(commissions__affiliate=place.affiliate_id) | Q(attribution__enrolment__affiliate=place.affiliate_id)
    mine: Conversion | None = _near(orders.filter(own), ordered_on if not number else None).first()
    if mine is not None:
        return mine
    if not number:
        return None
    # Without the day, a number could be guessed: whoever knows the order knows both.
    rest: Conversion | None = _near(orders, ordered_on).first() if ordered_on else None
    return rest


def _spellings(number: str) -> list[str]:
    """Shops print "#1042" and report "1042", or the other way round."""
    bare = number.removeprefix("#")
    return list(dict.fromkeys([number, bare, f"#{bare}", bare.upper(), bare.lower()]))


def _near(orders: Any, day: date | None) -> Any:
    if day is not None:
        start = datetime.combine(day, time(), tzinfo=UTC)
        orders = orders.filter(occurred_at__gte=start - NEAR, occurred_at__lt=start + NEAR + timedelta(days=1))
    return orders.select_related("attribution__enrolment", "merchant").order_by("is_test", "-recorded_at")


def _never_counted(place: Enrolment, number: str, *, ordered_on: date | None, at: datetime) -> Answer:
    """No such order is counted: was it reported at all?"""
    numbers = _own_clicks(place, ordered_on, at=at)
    for row in _reports(place, number, ordered_on, at=at):
        told = {**numbers, "reported_at": row.received_at.isoformat()}
        if row.verdict == InboxRequest.Verdict.TEST:
            return Answer("reported_test", row.reason, told)
        if row.verdict == InboxRequest.Verdict.QUARANTINED:
            return Answer("reported_set_aside", row.reason, told)
        return Answer("reported_rejected", row.reason, told)
    return Answer("not_reported", "", numbers)


def _reports(place: Enrolment, number: str, ordered_on: date | None, *, at: datetime) -> Iterable[InboxRequest]:
    """The merchant's requests that were not counted and hold this order number as a word, latest first."""
    if not number or ordered_on is None:
        return []
    start = datetime.combine(ordered_on, time(), tzinfo=UTC)
    bare = number.removeprefix("#")
    rows = (
        InboxRequest.objects.filter(
            merchant=place.program.merchant_id,
            received_at__gte=start - NEAR,
            received_at__lt=min(start + _REPORTED_WITHIN, at + timedelta(minutes=1)),
            conversion=None,
        )
        .exclude(verdict__in=[InboxRequest.Verdict.ACCEPTED, InboxRequest.Verdict.DUPLICATE])
        .filter(
            RawSQL(
                "(position(convert_to(%s, 'UTF8') in body) > 0 OR position(%s in path) > 0)",
                (bare, bare),
                output_field=BooleanField(),
            )
        )
        .order_by("-received_at")[:_SEARCHED]
    )
    word = re.compile(rf"(?<![A-Za-z0-9]){re.escape(bare)}(?![A-Za-z0-9])")
    return [row for row in rows if word.search(bytes(row.body).decode("utf-8", "replace")) or word.search(row.path)]


def _own_clicks(place: Enrolment, ordered_on: date | None, *, at: datetime) -> dict[str, Any]:
    """How often the partner's links were followed before that day, and when last."""
    until = datetime.combine(ordered_on, time(), tzinfo=UTC) + timedelta(days=1) if ordered_on else at
    terms = place.program.terms_at(until)
    window = terms.window_days if terms else 30
    clicks = Click.objects.filter(
        link_id__in=Link.objects.filter(enrolment=place).values_list("pk", flat=True),
        clicked_at__gte=until - min(timedelta(days=window), _CLICKS_BACK),
        clicked_at__lt=until,
        is_counted=True,
    ).order_by("-clicked_at")
    last = clicks.values_list("clicked_at", flat=True).first()
    return {"window_days": window, "clicked_at": last.isoformat() if last else ""}


def _of(place: Enrolment, order: Conversion) -> Answer:
    attribution: Attribution | None = getattr(order, "attribution", None)
    commissions = list(
        Commission.objects.filter(conversion=order, affiliate=place.affiliate_id).select_related("affiliate", "program")
    )
    if commissions:
        return _own(order, commissions)
    if attribution is not None and attribution.enrolment_id == place.pk:
        return Answer("earned_nothing", order.reason or "no_rule_fits", conversion=order)
    if order.verdict == Conversion.Verdict.HELD:
        return Answer("click_pending", order.reason, conversion=order)
    if order.verdict == Conversion.Verdict.REJECTED:
        situation = "currency_mismatch" if order.reason == "currency_mismatch" else "order_refused"
        return Answer(situation, order.reason, {"currency": place.program.currency}, order)
    touches = _own_touches(place, attribution)
    if touches:
        return _lost(place, order, touches)
    return _without_touch(place, order, attribution)


def _own(order: Conversion, commissions: list[Commission]) -> Answer:
    first = min(commissions, key=lambda one: one.accrued_at)
    suspected = _suspected(commissions)
    if suspected is not None:
        return Answer(*suspected, conversion=order, commission=first)
    if any(one.remaining for one in commissions):
        live = next(one for one in commissions if one.remaining)
        return Answer("already_yours", order.reason, conversion=order, commission=live)
    if any(one.amount for one in commissions):
        return Answer("refunded", "", {"reversed": True}, order, first)
    return Answer("earned_nothing", order.reason or "rate_is_zero", conversion=order, commission=first)


def _suspected(commissions: list[Commission]) -> tuple[str, str, dict[str, Any]] | None:
    """Whether a finding keeps the order's commission back, or took it: the situation, its reason, its date."""
    states = [FraudHold.State.HELD, FraudHold.State.CONFIRMED]
    holds = FraudHold.objects.filter(commission__in=commissions, state__in=states).select_related("finding")
    hold = holds.order_by("state").first()
    if hold is None or (hold.state == FraudHold.State.HELD and not any(one.remaining for one in commissions)):
        return None
    if hold.state == FraudHold.State.CONFIRMED:
        return "confirmed_fraud", "fraud_confirmed", {}
    due_at = hold.finding.answer_due_at
    return "being_checked", "fraud_suspected", {"due_at": due_at.isoformat() if due_at else ""}


def _own_touches(place: Enrolment, attribution: Attribution | None) -> tuple[dict[str, Any], ...]:
    """The partner's own touches of the order, latest first, with nothing of anybody else's in them."""
    if attribution is None:
        return ()
    own = place.affiliate.public_id
    mine = (row for row in attribution.candidates if row.get("affiliate") == own and not row["won"])
    return tuple({name: row.get(name) for name in _TOUCH} for row in mine)


#: What of a candidate its own partner may read; `beaten_by` names another's touch and stays out.
_TOUCH = ("touch", "kind", "click", "at", "window_days", "seconds_before", "reason", "credit_class", "code")


def _lost(place: Enrolment, order: Conversion, touches: tuple[dict[str, Any], ...]) -> Answer:
    """Of several touches the best one tells: the one that came furthest in the decision."""
    best = min(touches, key=lambda row: (_FURTHEST.get(str(row["reason"]), 50), -_seconds(row)))
    reason = str(best["reason"])
    situation = _LOST.get(reason, "no_touch_of_yours")
    at = datetime.fromisoformat(str(best["at"]))
    numbers: dict[str, Any] = {"clicked_at": at.isoformat(), "window_days": best["window_days"]}
    numbers["days"] = max((order.occurred_at - at).total_seconds(), 0) / 86_400
    if situation == "click_not_counted":
        why = _why_uncounted(best)
        numbers["uncounted"] = why
        if why.startswith(_CLOSED):
            situation = "program_closed"
        elif why in _NO_CONSENT:
            situation = "no_consent"
        reason = why or reason
    return Answer(situation, reason, numbers, order, touches=touches)


#: The further a touch came in the decision, the more its reason tells.
_FURTHEST = {
    "older_than_the_last": 0, "newer_than_the_first": 0, "coupon_overrides": 0, "bound_to_another": 0,
    "soft_click": 1, "lower_credit_class": 1, "click_in_checkout": 1, "coupon_needs_a_win": 1, "coupon_not_involved": 1,
    "view_behind_click": 2, "outside_window": 3, "view_window_closed": 3, "no_consent": 4, "click_not_counted": 5,
    "not_enrolled": 6, "no_terms_in_force": 7, "click_after_order": 8, "other_program": 9,
}  # fmt: skip


def _seconds(row: dict[str, Any]) -> float:
    return datetime.fromisoformat(str(row["at"])).timestamp()


def _why_uncounted(row: dict[str, Any]) -> str:
    try:
        click = Click.objects.filter(pk=Click.key_of(str(row["click"]))).only("uncounted_reason").first()
    except ValueError:
        return ""
    return click.uncounted_reason if click else ""


def _without_touch(place: Enrolment, order: Conversion, attribution: Attribution | None) -> Answer:
    """Nothing of the partner's was near the order."""
    if InboxRequest.objects.filter(
        conversion=order, verdict__in=[InboxRequest.Verdict.DUPLICATE, InboxRequest.Verdict.REJECTED]
    ).exists():
        return Answer("duplicate", "same_order", {"reported_at": order.recorded_at.isoformat()}, order)
    if attribution is not None and attribution.enrolment_id is not None:
        if attribution.model == "coupon":
            return Answer("coupon_won", attribution.reason, conversion=order)
        if attribution.model == "lifetime":
            return Answer("customer_bound", attribution.reason, conversion=order)
    if place.applied_at > order.occurred_at:
        return Answer("not_enrolled_then", "not_enrolled", {"since": place.applied_at.isoformat()}, order)
    if attribution is not None and attribution.enrolment_id is not None:
        other = attribution.enrolment.program_id != place.program_id if attribution.enrolment else False
        return Answer("other_program" if other else "no_touch_of_yours", "", conversion=order)
    situation = {"no_click": "no_click", "click_unknown": "click_unknown"}.get(order.reason, "no_touch_of_yours")
    return Answer(situation, order.reason, conversion=order)

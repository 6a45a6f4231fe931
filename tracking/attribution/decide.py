"""The decision: facts in, a value out. No database, no clock, no chance.

    intrinsic reasons (credit.py) → codes and bound customers → soft clicks → credit classes → the model → assists

Every touch ends as a row of the decision with the reason why it won or lost, and the touch it lost to.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from tracking.attribution.credit import rank_of, soft_behind, why_not, window_of
from tracking.attribution.decisions import ASSIST, SPLIT, WINNER, Candidate, Decision, Share
from tracking.attribution.models.heuristics import BY_PATH, Step
from tracking.attribution.models.weights import by_fit, to_units
from tracking.attribution.touches import CLICK, COUPON, LIFETIME, Inputs, Settings, Touch, as_json

#: Reasons to lose after which a partner still took part in the order, and may have an assist.
ASSISTING = frozenset(
    {
        "older_than_the_last",
        "newer_than_the_first",
        "view_behind_click",
        "lower_credit_class",
        "coupon_overrides",
        "bound_to_another",
        "no_effect",
    }
)

#: By what right a code wins over the clicks.
RIGHTS = frozenset({"coupon_exclusive", "coupon", "coupon_always", "coupon_involved"})

#: The one winner's code of each model that has one winner; the reason with which the others lose.
_SINGLE = {"last_click": "older_than_the_last", "first_click": "newer_than_the_first"}


@dataclass(slots=True)
class Weighing:
    """The touches on the way to a decision: which have lost and why, and which are left."""

    inputs: Inputs
    lost: dict[Touch, str] = field(default_factory=dict)
    beaten_by: dict[Touch, str] = field(default_factory=dict)
    won: dict[Touch, tuple[Fraction, str]] = field(default_factory=dict)

    def left(self, *kinds: str) -> list[Touch]:
        """The touches that have not lost, oldest first; of some kinds, where any are named."""
        found = [one for one in self.inputs.touches if one not in self.lost and (not kinds or one.kind in kinds)]
        return sorted(found, key=lambda one: one.order)

    def path(self) -> list[Touch]:
        """The clicks and views that have not lost, oldest first."""
        return [one for one in self.left() if one.is_path]

    def lose(self, touch: Touch, reason: str, to: Touch | None = None) -> None:
        """A touch is out, for a reason, and perhaps because of another."""
        self.lost[touch] = reason
        if to is not None:
            self.beaten_by[touch] = to.id


def decide(inputs: Inputs) -> Decision:
    """Whose the order is. The same inputs always give the same decision."""
    if inputs.order.click_state == "pending":
        return Decision("last_click", "click_pending", click=inputs.order.click, is_final=False)
    weighing = weigh(inputs)
    taker = _taker(weighing)
    if taker is not None:
        return _decided(weighing, _give_all(weighing, *taker))
    lead = lead_of(weighing.path())
    if lead is None:
        return _nobody(weighing)
    return _decided(weighing, _by_model(weighing, lead))


def weigh(inputs: Inputs) -> Weighing:
    """Sort out what cannot win whatever the model: windows, consent, places, unassigned codes, soft clicks."""
    weighing = Weighing(inputs)
    for touch in inputs.touches:
        reason = why_not(touch, inputs)
        if reason:
            weighing.lose(touch, reason)
    _block_leaks(weighing)
    eligible = weighing.path()
    for touch in eligible:
        stronger = soft_behind(touch, eligible)
        if stronger is not None:
            weighing.lose(touch, "soft_click", to=stronger)
    return weighing


def lead_of(path: Sequence[Touch]) -> Touch | None:
    """The touch that wins by last click: the best class, clicks before views, the latest."""
    return max(path, key=lambda one: (rank_of(one), one.kind == CLICK, one.order), default=None)


def path_of(inputs: Inputs) -> tuple[list[Touch], Touch | None]:
    """The touches that models share an order among, oldest first, and the code's partner's touch where there is one.

    The same whatever the program's own model is, so that models can be compared: the clicks and views of the
    leading program and class; the code or the bound customer alone where there are none; nothing for an order
    that is nobody's.
    """
    weighing = weigh(inputs)
    codes = sorted(weighing.left(COUPON), key=lambda one: (one.is_exclusive, one.starts_at or one.at, one.id))
    code = codes[-1] if codes else None
    lead = lead_of(weighing.path())
    if lead is not None:
        _keep_to_lead(weighing, lead, "linear")
        return weighing.path(), code
    taker = _taker(weighing)
    return ([taker[0]], code) if taker is not None else ([], None)


def settings_for(inputs: Inputs, touch: Touch) -> Settings:
    """The terms that say how the order is credited: those in force at the order, else the touch's own."""
    found = inputs.at_order(touch.program) or inputs.terms(touch.terms)
    assert found is not None, "a touch without terms cannot win"
    return found


def steps_of(path: Sequence[Touch], inputs: Inputs) -> list[Step]:
    """A path as the models want it."""
    return [
        Step(one.affiliate, one.kind == CLICK, int((inputs.order.occurred_at - one.at).total_seconds())) for one in path
    ]


def _block_leaks(weighing: Weighing) -> None:
    """Where the program pays nothing for codes of nobody's, no click wins an order with such a code."""
    inputs = weighing.inputs
    unknown = next((one for one in inputs.touches if weighing.lost.get(one) == "coupon_unassigned"), None)
    if unknown is None:
        return
    for touch in weighing.path():
        if settings_for(inputs, touch).unassigned_code == "no_commission":
            weighing.lose(touch, "coupon_blocks", to=unknown)


def _taker(weighing: Weighing) -> tuple[Touch, str] | None:
    """The code or the bound customer that goes before every model, and by what right."""
    codes = weighing.left(COUPON)
    ranked = sorted(codes, key=lambda one: (one.is_exclusive, one.starts_at or one.at, one.id), reverse=True)
    taker: tuple[Touch, str] | None = None
    for code in ranked:
        right = _right_of(weighing, code)
        if right not in RIGHTS:
            weighing.lose(code, right)
        elif taker is None:
            taker = code, right
        else:
            weighing.lose(code, "another_coupon", to=taker[0])
    bound = weighing.left(LIFETIME)
    for one in sorted(bound, key=lambda one: one.order):
        if taker is None:
            taker = one, "lifetime"
        else:
            weighing.lose(one, "coupon_overrides" if taker[0].kind == COUPON else "another_binding", to=taker[0])
    return taker


def _right_of(weighing: Weighing, code: Touch) -> str:
    """By what right a valid code wins, or the code for which it does not."""
    settings = settings_for(weighing.inputs, code)
    if code.is_exclusive:
        return "coupon_exclusive"
    if settings.model == "coupon":
        return "coupon"
    policy = code.policy or settings.coupon_policy
    if policy == "always":
        return "coupon_always"
    if policy == "winner":
        return "coupon_needs_a_win"
    since = weighing.inputs.order.occurred_at - timedelta(days=settings.coupon_window_days)
    is_involved = any(one.enrolment == code.enrolment and one.at >= since for one in weighing.path())
    return "coupon_involved" if is_involved else "coupon_not_involved"


def _give_all(weighing: Weighing, taker: Touch, right: str) -> tuple[str, str, Settings]:
    """Everything to a code's partner, or to the partner a customer is bound to."""
    weighing.won[taker] = Fraction(1), right
    reason = "coupon_overrides" if taker.kind == COUPON else "bound_to_another"
    for touch in weighing.path():
        weighing.lose(touch, reason, to=taker)
    return ("coupon" if taker.kind == COUPON else "lifetime"), "", settings_for(weighing.inputs, taker)


def _by_model(weighing: Weighing, lead: Touch) -> tuple[str, str, Settings]:
    """Share the order among the touches of the lead's program and class as its terms say."""
    inputs = weighing.inputs
    settings = settings_for(inputs, lead)
    # Without a code to go by, the coupon model is last click.
    model = "last_click" if settings.model == "coupon" else settings.model
    _keep_to_lead(weighing, lead, model)
    pool = weighing.path()
    model, note, weights = _weights(inputs, pool, model, settings)
    winner = pool[max(range(len(pool)), key=lambda number: weights[number])]
    for touch, weight in zip(pool, weights, strict=True):
        if weight:
            weighing.won[touch] = weight, model
        elif model in _SINGLE:
            behind = touch.kind != CLICK and winner.kind == CLICK
            weighing.lose(touch, "view_behind_click" if behind else _SINGLE[model], to=winner)
        else:
            weighing.lose(touch, "no_effect")
    return model, note, settings


def _keep_to_lead(weighing: Weighing, lead: Touch, model: str) -> None:
    """Only the lead's program and credit class share."""
    for touch in weighing.path():
        if touch.program != lead.program:
            is_older = model == "last_click" and touch.order < lead.order
            weighing.lose(touch, "older_than_the_last" if is_older else "other_program", to=lead)
        elif rank_of(touch) < rank_of(lead):
            weighing.lose(touch, "lower_credit_class", to=lead)


def _weights(
    inputs: Inputs, pool: Sequence[Touch], model: str, settings: Settings
) -> tuple[str, str, Sequence[Fraction]]:
    """The model that really decides, the fall-back's code, and every touch's weight."""
    if model == "markov":
        values = inputs.fits.get(settings.program)
        found = by_fit([one.affiliate for one in pool], values) if values is not None else None
        if found is not None:
            return model, "", found
        note = "model_not_fitted" if values is None else "partner_not_fitted"
        return "linear", note, BY_PATH["linear"](steps_of(pool, inputs))
    return model, "", BY_PATH[model](steps_of(pool, inputs), half_life_days=settings.half_life_days)


def _decided(weighing: Weighing, by: tuple[str, str, Settings]) -> Decision:
    model, note, settings = by
    shares = _shares(weighing)
    shares += _assists(weighing, settings, {share.enrolment for share in shares})
    return Decision(
        model=model,
        reason=shares[0].reason,
        note=note,
        program=settings.program,
        currency=settings.currency,
        click=shares[0].click,
        shares=tuple(shares),
        candidates=_candidates(weighing, {share.click for share in shares if share.role == ASSIST}),
    )


def _shares(weighing: Weighing) -> list[Share]:
    """The winners by place, the largest first; of equal ones the one with the latest touch."""
    groups: dict[str, list[Touch]] = {}
    for touch in sorted(weighing.won, key=lambda one: one.order, reverse=True):
        groups.setdefault(touch.enrolment, []).append(touch)
    exact = [sum((weighing.won[one][0] for one in touches), Fraction(0)) for touches in groups.values()]
    role = WINNER if len(groups) == 1 else SPLIT
    shares = []
    for touches, weight in zip(groups.values(), to_units(exact), strict=True):
        latest = touches[0]
        click = _click_of(weighing, latest)
        terms = latest.terms or settings_for(weighing.inputs, latest).terms
        reason = weighing.won[latest][1]
        shares.append(Share(latest.enrolment, latest.affiliate, terms, click, latest.code, role, weight, reason))
    return sorted(shares, key=lambda share: -share.weight)


def _click_of(weighing: Weighing, won: Touch) -> str:
    """The click behind a won touch; for a code or a bound customer the partner's latest click that counts."""
    if won.is_path:
        return won.id
    own = [
        touch
        for touch, reason in weighing.lost.items()
        if touch.is_path and touch.enrolment == won.enrolment and reason in ASSISTING
    ]
    return max(own, key=lambda one: one.order).id if own else ""


def _assists(weighing: Weighing, settings: Settings, winners: set[str]) -> list[Share]:
    """An assist for every partner of the program that took part and did not win, the latest touch first."""
    if settings.assist_rate <= 0:
        return []
    found: dict[str, Touch] = {}
    taking_part = [one for one, reason in weighing.lost.items() if reason in ASSISTING and one.is_path]
    for touch in sorted(taking_part, key=lambda one: one.order, reverse=True):
        if touch.program == settings.program and touch.enrolment not in winners:
            found.setdefault(touch.enrolment, touch)
    return [
        Share(one.enrolment, one.affiliate, one.terms, one.id, "", ASSIST, settings.assist_rate, weighing.lost[one])
        for one in found.values()
    ]


def _candidates(weighing: Weighing, assists: Collection[str] = ()) -> tuple[Candidate, ...]:
    """Every touch, the latest first. What belongs to another merchant is named only when the shop reported it."""
    order = weighing.inputs.order
    won = list(weighing.won)
    weights = dict(zip(won, to_units([weighing.won[one][0] for one in won]), strict=True)) if won else {}
    rows = []
    for touch in sorted(weighing.inputs.touches, key=lambda one: one.order, reverse=True):
        reason = weighing.won[touch][1] if touch in weighing.won else weighing.lost[touch]
        is_foreign = reason == "click_of_another_merchant"
        if is_foreign and touch.id != order.click:
            continue
        rows.append(
            Candidate(
                touch=touch.id,
                kind=touch.kind,
                click=touch.id if touch.is_path else "",
                at=as_json(touch.at),
                enrolment="" if is_foreign else touch.enrolment,
                affiliate="" if is_foreign else touch.affiliate,
                program="" if is_foreign else touch.program,
                terms=touch.terms,
                window_days=window_of(touch, weighing.inputs),
                seconds_before=int((order.occurred_at - touch.at).total_seconds()),
                credit_class=touch.credit_class,
                found_by=touch.found_by,
                code=touch.code,
                won=touch in weighing.won,
                reason=reason,
                weight=_plain(weights.get(touch, Decimal(0))),
                assist=touch.id in assists,
                beaten_by=weighing.beaten_by.get(touch, ""),
            )
        )
    return tuple(rows)


def _plain(weight: Decimal) -> str:
    return f"{weight.normalize():f}" if weight else "0"


def _nobody(weighing: Weighing) -> Decision:
    """No touch wins: the reported click says why, else the code that was typed, else the latest touch."""
    order = weighing.inputs.order
    rows = _candidates(weighing)
    tests: tuple[Callable[[Candidate], bool], ...] = (
        lambda row: bool(order.click) and row.touch == order.click,
        lambda row: row.kind == COUPON,
        lambda row: True,
    )
    if order.click_state == "unknown":
        reason = "click_unknown"
    else:
        reason = next((row.reason for test in tests for row in rows if test(row)), "no_click")
    in_force = next(iter(weighing.inputs.settings), None)
    model = in_force.model if in_force else "last_click"
    return Decision(model, reason, click=order.click, candidates=rows)

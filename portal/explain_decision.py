"""The words and the drawing of how an order was credited: payouts/queries/crediting.py decides, this says it.

Every reason code is worded in portal/reasons.py; here are only its numbers. Of another partner's touch a
partner reads the reason's title, since the sentence would speak of its own.
"""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from ledger.money import Money
from payouts.queries.explanations import Candidate, Change, Crediting, Explanation
from portal.attribution_sentences import model_name
from portal.chart_frame import Chart, Table, draw_plot
from portal.formats import format_moment, format_money, format_number, format_percent, locale_of
from portal.reasons import reason_of

_KINDS: dict[str, str | Promise] = {
    "click": gettext_lazy("Click"),
    "view": gettext_lazy("View"),
    "coupon": gettext_lazy("Code"),
    "lifetime": gettext_lazy("Bound customer"),
}
_CLASSES: dict[str, str | Promise] = {
    "preferred": gettext_lazy("preferred"),
    "standard": gettext_lazy("standard"),
    "soft": gettext_lazy("soft"),
}
_FOUND: dict[str, str | Promise] = {
    "reported": gettext_lazy("the shop's report"),
    "visitor": gettext_lazy("the visitor"),
    "customer": gettext_lazy("the customer number"),
    "email": gettext_lazy("the customer's address"),
    "coupon": gettext_lazy("the code"),
    "lifetime": gettext_lazy("the binding"),
}
_CHANGES: dict[str, str | Promise] = {
    "booked": gettext_lazy("Booked"),
    "amended": gettext_lazy("Order amended"),
    "refunded": gettext_lazy("Refund"),
    "refund_told_twice": gettext_lazy("The same refund, told by another way"),
    "refunds_apart": gettext_lazy("Found to be two refunds"),
    "refund_void": gettext_lazy("Refund taken back"),
    "dispute_opened": gettext_lazy("Dispute opened"),
    "dispute_lost": gettext_lazy("Dispute lost"),
    "dispute_won": gettext_lazy("Dispute won"),
    "claim_opened": gettext_lazy("Claim made"),
    "claim_accepted": gettext_lazy("Claim accepted"),
    "claim_declined": gettext_lazy("Claim declined"),
    "claim_withdrawn": gettext_lazy("Claim withdrawn"),
    "held_back": gettext_lazy("Kept back while it was checked"),
    "fraud_confirmed": gettext_lazy("Confirmed as fraud"),
    "fraud_released": gettext_lazy("Released: not fraud"),
}

_DAY = 86_400
_TICKS = (60, 3_600, _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY)
_LANE, _FOOT, _NEAR = 26, 24, 5.0


def decision_words(one: Explanation) -> list[str]:
    """The decision in sentences: what part it is, by which model and reason, and a fall-back that was taken."""
    return list(_decision(one))


def _decision(one: Explanation) -> Iterator[str]:
    credit, is_own = one.credit, one.viewer == "partner"
    values = {
        "part": _weight(credit.weight),
        "name": one.affiliate_name,
        "nth": credit.position,
        "count": credit.partners,
    }
    if credit.role == "split":
        yield (
            _("%(part)s of it is yours: you were number %(nth)s of %(count)s partners.") % values
            if is_own
            else _("%(part)s of it is %(name)s's: number %(nth)s of %(count)s partners.") % values
        )
    elif credit.role == "assist":
        yield _("An assist of %(part)s of the base, on top of what the order earns its winner.") % values
    reason = reason_of(credit.reason) if credit.reason else None
    if reason:
        yield str(reason.partner if is_own else reason.merchant)
    if credit.note:
        note = reason_of(credit.note)
        yield str(note.partner if is_own else note.merchant)


def touches_context(one: Explanation) -> list[dict[str, Any]]:
    """The list of touches, the latest first: whose, when, why it won or lost, with the numbers."""
    return [
        {
            "number": touch.number,
            "kind": str(_KINDS.get(touch.kind, touch.kind)),
            "at": touch.at,
            "who": _who(touch, one),
            "id": touch.touch,
            "won": touch.won,
            "assist": touch.assist,
            "weight": _weight(touch.weight) if touch.won and touch.weight is not None else "",
            "reason": _why(touch, one),
            "facts": list(_facts(touch)),
        }
        for touch in one.credit.candidates
    ]


def _who(touch: Candidate, one: Explanation) -> str:
    if touch.is_own:
        return _("You") if one.viewer == "partner" else one.affiliate_name
    return touch.name or (_("Another partner") if one.viewer == "partner" else _("Nobody's"))


def _why(touch: Candidate, one: Explanation) -> str:
    reason = reason_of(touch.reason)
    if one.viewer != "partner":
        return str(reason.merchant)
    return str(reason.partner if touch.is_own else reason.title)


def _facts(touch: Candidate) -> Iterator[str]:
    """The numbers behind a touch's reason."""
    if touch.seconds_before is not None and touch.kind != "coupon":
        yield before_text(touch.seconds_before)
    if touch.window_days is not None and touch.seconds_before is not None:
        # Rounded up, so that what is outside never reads as if it were inside.
        days = math.ceil(max(touch.seconds_before, 0) / _DAY * 10) / 10
        yield _("%(days)s of %(window)s days of the window") % {
            "days": format_number(days), "window": format_number(touch.window_days),
        }  # fmt: skip
    if touch.code:
        yield _("code %(code)s") % {"code": touch.code}
    if touch.credit_class and touch.kind in {"click", "view"}:
        yield _("credit class: %(name)s") % {"name": _CLASSES.get(touch.credit_class, touch.credit_class)}
    if touch.found_by:
        yield _("found by %(ways)s") % {"ways": ", ".join(str(_FOUND.get(way, way)) for way in touch.found_by)}
    if touch.consent in {"granted", "denied", "unknown"}:
        consent = {"granted": _("granted"), "denied": _("denied"), "unknown": _("unknown")}[touch.consent]
        yield _("consent: %(consent)s") % {"consent": consent}
    if touch.uncounted:
        yield _("not counted: %(reason)s") % {"reason": reason_of(touch.uncounted).title}
    if touch.beaten_by is not None:
        yield _("lost to touch %(number)s") % {"number": touch.beaten_by}


def before_text(seconds: int) -> str:
    """How long before the order a touch was."""
    length = format_timedelta(timedelta(seconds=abs(seconds)), threshold=1.5, locale=locale_of())
    return _("%(length)s before the order") % {"length": length} if seconds >= 0 else (
        _("%(length)s after the order") % {"length": length}
    )  # fmt: skip


def settings_words(one: Explanation) -> list[str]:
    """The settings in force at the order, and the engine that decided by them."""
    found, credit = one.credit.settings, one.credit
    told = []
    if found is not None:
        told.append(
            _("Terms v%(version)s, model: %(model)s.") % {"version": found.version, "model": model_name(found.model)}
        )
        told.append(
            _("Windows in days: click %(click)s, view %(view)s, code %(code)s.")
            % {"click": found.window_days, "view": found.view_window_days, "code": found.coupon_window_days}
        )
        if found.model == "time_decay":
            told.append(_("Half-life: %(days)s days.") % {"days": found.half_life_days})
        policy = {"always": _("always"), "involved": _("with a click"), "winner": _("never alone")}
        told.append(_("A code wins: %(policy)s.") % {"policy": policy.get(found.coupon_policy, found.coupon_policy)})
        if found.assist_rate:
            told.append(_("Assist: %(rate)s of the base.") % {"rate": _weight(found.assist_rate)})
    if credit.engine and credit.decided_at:
        told.append(
            _("Decided by engine %(engine)s on %(time)s; decided again with the same facts it says the same.")
            % {"engine": credit.engine, "time": format_moment(credit.decided_at, style="time")}
        )
    return told


def changes_context(one: Explanation) -> list[dict[str, Any]]:
    """What happened to the order, in order, and what each changed of the commission."""
    return [
        {
            "at": change.at,
            "what": str(_CHANGES.get(change.what, change.what)),
            "detail": _change_detail(change),
            "order": change.order,
            "effect": change.effect,
            "left": change.left,
        }
        for change in one.changes
    ]


def _change_detail(change: Change) -> str:
    parts = [str(reason_of(change.reason).title)] if change.reason else []
    parts += [
        f"{name}: {before or '–'} → {after or '–'}" for name, before, after in change.fields if name != "customer_email"
    ]
    if change.hidden:
        parts.append(
            ngettext("%(count)s other field", "%(count)s other fields", change.hidden) % {"count": change.hidden}
        )
    if change.by:
        parts.append(pgettext("door", "by %(door)s") % {"door": change.by})
    if change.note:
        parts.append(change.note)
    return " · ".join(parts)


def parts_context(credit: Crediting) -> list[dict[str, Any]]:
    """Everybody's part, for those who may read it: name, weight, role, amount."""
    roles = {"winner": _("all of it"), "split": _("a part"), "assist": _("assist, on top")}
    return [
        {
            "name": part.name,
            "weight": _weight(part.weight),
            "role": roles.get(part.role, part.role),
            "amount": part.amount,
        }
        for part in credit.parts
    ]


def whole_words(credit: Crediting) -> str:
    """How the whole was split, in a sentence; empty where there is nothing to split."""
    if credit.role != "split" or credit.whole is None:
        return ""
    return _("The parts add up to the whole to the last cent: what rounding leaves over goes to the largest remainder.")


def touches_chart(one: Explanation) -> Chart | None:
    """The touches on a line of time that ends at the order; nearer the order the line is drawn wider (logarithm)."""
    dated = [touch for touch in one.credit.candidates if touch.seconds_before is not None and touch.kind != "coupon"]
    if not dated:
        return None
    longest = max(*(touch.seconds_before or 0 for touch in dated), 3_600) * 1.3
    lanes: list[float] = []
    placed = []
    for touch in sorted(dated, key=lambda each: each.seconds_before or 0, reverse=True):
        x = _x(touch.seconds_before or 0, longest)
        lane = next((number for number, last in enumerate(lanes) if x - last >= _NEAR), len(lanes))
        lanes[lane : lane + 1] = [x]
        placed.append((touch, x, lane))
    height = len(lanes) * _LANE + _FOOT + 8
    line = height - _FOOT
    ticks = [(seconds, _x(seconds, longest)) for seconds in _TICKS if seconds < longest / 1.25]
    body = format_html_join(
        "",
        '<line class="c-grid" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>'
        '<text class="c-tick" x="{0}%" y="{2}" text-anchor="middle">{3}</text>',
        ((x, line, height - 6, _short(seconds)) for seconds, x in ticks),
    )
    window = one.credit.settings.window_days if one.credit.settings else None
    if window and window * _DAY < longest:
        body += format_html(
            '<line class="c-link" x1="{0}%" x2="{0}%" y1="0" y2="{1}"/>', _x(window * _DAY, longest), line
        )
    body += format_html(
        '<line class="c-zero" x1="0" x2="100%" y1="{0}" y2="{0}"/>'
        '<text class="c-tick" x="100%" y="{1}" text-anchor="end">{2}</text>',
        line, height - 6, _("Order"),
    )  # fmt: skip
    body += format_html_join(
        "", '<g class="c-mark">{}<title>{}</title></g>', (_mark(*each, line, one) for each in placed)
    )
    rows = tuple(
        (str(touch.number), _who(touch, one), before_text(touch.seconds_before or 0), _result(touch)) for touch in dated
    )
    title = _("Touches before the order")
    drawing = draw_plot(body, SafeString(""), title, height)
    table = Table((_("No."), _("Partner"), _("When"), _("Result")), rows)
    return Chart("touches", drawing, table, title, _("the nearer to the order, the wider"))


def _mark(touch: Candidate, x: float, lane: int, line: int, one: Explanation) -> tuple[SafeString, str]:
    y = line - 14 - lane * _LANE
    tone = "c-1 c-dot" if touch.won else "c-other c-dot"
    drawn = format_html(
        '<circle class="{0}" cx="{1}%" cy="{2}" r="6"/><text class="c-label" x="{1}%" y="{2}" dx="9" dy=".35em">{3}</text>',
        tone, x, y, touch.number,
    )  # fmt: skip
    return drawn, f"{touch.number}. {_who(touch, one)}: {before_text(touch.seconds_before or 0)}, {_result(touch)}"


def _result(touch: Candidate) -> str:
    return _("Won") if touch.won else _("Lost")


def _x(seconds: int, longest: float) -> float:
    """Where a touch stands, in percent: 97 is the order, 2 the beginning."""
    share = math.log1p(max(seconds, 0) / 30) / math.log1p(longest / 30)
    return round(2 + 93 * (1 - min(share, 1)), 2)


def _short(seconds: int) -> str:
    return str(format_timedelta(timedelta(seconds=seconds), format="narrow", threshold=10_000 if seconds >= _DAY else 1,
                                granularity="day" if seconds >= _DAY else "second", locale=locale_of()))  # fmt: skip


def _weight(weight: Any) -> str:
    return format_percent(weight, digits=2)


def granted_words(one: Explanation) -> str:
    """What an accepted claim made of the amount."""
    assert one.grant is not None
    amount: Money = one.remaining
    if one.grant.is_difference:
        return _("%(amount)s was added to order %(order)s because a claim was accepted.") % {
            "amount": format_money(amount), "order": one.grant.of_order,
        }  # fmt: skip
    return _("The order was given to this partner because a claim was accepted.")

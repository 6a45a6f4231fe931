"""The words and links of an explanation: payouts/queries/explain.py decides, this says it.

    places = Places(here=reverse("merchant:commission", args=[...]), entry=entry_url)
    context["explain"] = explain_context(explanation_of(commission, viewer="merchant"), places=places)

    {% include "portal/parts/explain.html" with why_title=explain.why_title %}

Lists show a row's state with its words: `{% status "money" state.name until=state.until detail=row.detail %}`
where `row.detail` is `detail_of(state)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from babel.dates import format_timedelta
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from ledger.money import Money
from payouts.queries.explain import Explanation, MoneyState, Skipped, Step
from payouts.queries.explanations import FindingFact
from portal.attribution_sentences import model_name
from portal.explain_decision import (
    changes_context,
    decision_words,
    granted_words,
    parts_context,
    settings_words,
    touches_chart,
    touches_context,
    whole_words,
)
from portal.formats import explained, format_moment, format_money, format_percent, locale_of
from portal.reasons import reason_of

if TYPE_CHECKING:
    from payouts.models import Commission


@dataclass(frozen=True, slots=True)
class Places:
    """Where one audience's page leads to. An address left empty leads to the explanation itself (`here`)."""

    here: str
    order: str = ""
    rule: str = ""
    payout: str = ""
    entry: Callable[[str], str] | None = None  # from an entry's public id
    question: str = ""
    finding: Callable[[str], str] | None = None  # from a finding's public id


_BASE_PARTS: dict[str, str | Promise] = {
    "tax": gettext_lazy("Tax"),
    "shipping": gettext_lazy("Shipping"),
    "discount": gettext_lazy("Discount"),
    "refunded": gettext_lazy("Refunded"),
}

_STEPS: dict[str, str | Promise] = {
    "click": gettext_lazy("Click"),
    "order": gettext_lazy("Order"),
    "attributed": gettext_lazy("Attributed"),
    "refunded": gettext_lazy("Refund"),
    "hold": gettext_lazy("Hold ends"),
    "approved": gettext_lazy("Approved"),
    "run": gettext_lazy("In payout run"),
    "sent": gettext_lazy("Sent"),
    "paid": gettext_lazy("Paid"),
    "held": gettext_lazy("Held"),
    "not_paid": gettext_lazy("Not paid"),
    "reversed": gettext_lazy("Reversed"),
    "clawed_back": gettext_lazy("Netted from a later payout"),
}

#: Owners' names up to this length are shown whole.
_SHORT_ID = 20

_DATED_ONLY = frozenset({"hold", "approved", "run", "sent", "paid"})


class Rate(Protocol):
    """What a rule line pays: RuleFacts here, a rule line elsewhere."""

    @property
    def kind(self) -> str:
        """percent or flat."""

    @property
    def rate(self) -> Decimal:
        """A fraction."""

    @property
    def flat(self) -> Money | None:
        """The fixed amount."""


def reason_words(code: str) -> str:
    """A reason in a word or two, for a badge or a line of the timeline."""
    return str(reason_of(code).title) if code else ""


def detail_of(state: MoneyState) -> str:
    """What follows the word of a state on its badge: the run's label, or the reason."""
    if state.name in {"held", "not_paid", "reversed"}:
        return reason_words(state.reason)
    return state.run if state.name in {"in_run", "sent"} else ""


def rate_text(rate: Rate) -> str:
    """What a rule line pays, in short: "20%" or "$5.00"."""
    return format_money(rate.flat) if rate.flat is not None else format_percent(rate.rate)


def short_account(name: str) -> str:
    """An account's name with its owner's id cut to the end: "affiliate/…bf4kp8:pending"."""
    owner, _colon, kind = name.rpartition(":")
    family, _slash, owner_id = owner.partition("/")
    tail = owner_id.rpartition("_")[2]
    return f"{family}/…{tail[-6:]}:{kind}" if len(tail) > _SHORT_ID else name


def event_words(event: str) -> str:
    """What a conversion's event is called."""
    return {
        "sale": _("sale"),
        "lead": _("lead"),
        "signup": _("sign-up"),
        "trial": _("trial"),
        "adjustment": _("adjustment"),
    }.get(event, event)


def customer_words(status: str) -> str:
    """What an order said of its customer."""
    return {
        "new": pgettext("customer", "new"),
        "returning": pgettext("customer", "returning"),
        "lapsed": pgettext("customer", "lapsed"),
    }.get(status, status)


def how_text(commission: "Commission", *, url: str) -> SafeString:
    """How an amount was made, in one line that leads to its explanation: "20% of $62.00"."""
    currency = commission.currency
    if commission.reversed_minor:
        taken = _figure(Money(commission.reversed_minor, currency), url)
        return format_html(_("{taken} of {amount} taken back"), taken=taken, amount=_figure(commission.amount, url))
    if commission.rule_line.kind == "flat":
        return format_html("{}", _("fixed amount"))
    base = Money.parse(commission.trace["base"], currency, negative=True)
    return format_html(
        _("{rate} of {base}"), rate=format_percent(commission.rule_line.rate, digits=4), base=_figure(base, url)
    )


def explain_context(explanation: Explanation, *, places: Places) -> dict[str, Any]:
    """The context of the kit's part `explain` (portal/parts/explain.html), and `why_title` beside it."""
    return {
        "id": explanation.id,
        "sentence": _sentence(explanation, places),
        "because": _because(explanation, places),
        "kind": "money",
        "state": explanation.state.name,
        "until": explanation.state.until,
        "detail": detail_of(explanation.state),
        "base": _base(explanation, places),
        "rule": _rule(explanation, places),
        "why_title": _("Why you")
        if explanation.viewer == "partner"
        else _("Why %(name)s") % {"name": explanation.affiliate_name},
        "why": _why(explanation),
        "touches": touches_context(explanation),
        "touches_chart": touches_chart(explanation),
        "parts": parts_context(explanation.credit) if len(explanation.credit.parts) > 1 else [],
        "parts_text": whole_words(explanation.credit),
        "settings": settings_words(explanation),
        "changes": changes_context(explanation),
        "url": f"{places.here}#ledger",
        "did_not_apply": [(one.name, _did_not_apply(one)) for one in explanation.skipped],
        "timeline": [_step(step, explanation, places) for step in explanation.steps],
        "ledger": _ledger(explanation, places),
        "question_url": places.question,
        "findings": [
            (finding_words(one), places.finding(one.id) if places.finding else "") for one in explanation.findings
        ],
    }


def finding_words(one: FindingFact) -> str:
    """What a finding did to the commission, in a sentence."""
    if one.state == "held":
        if one.due_at is None:
            return _("Kept back while something about the order is checked.")
        return _("Kept back while something about the order is checked; answered or let go by %(date)s.") % {
            "date": format_moment(one.due_at, style="date")
        }
    if one.state == "watched":
        return _("Something about the order is being checked. The commission had been approved before.")
    if one.state == "confirmed":
        return _("The network confirmed that the order did not come about as the terms allow.")
    return _("Something about the order was checked and found in order.")


def _figure(amount: Money, url: str) -> SafeString:
    return explained(format_money(amount), url)


def _sentence(one: Explanation, places: Places) -> SafeString:
    amount = _figure(one.remaining, f"{places.here}#ledger")
    if one.grant is not None and one.grant.is_difference:
        return format_html(_("{amount} = granted for a claim"), amount=amount)
    if one.taken_back and not one.remaining:
        return format_html(
            _("{amount} is left of {accrued}"), amount=amount, accrued=_figure(one.amount, f"{places.here}#ledger")
        )
    if one.adds_to:
        return format_html(_("{amount} = added when the order became worth more"), amount=amount)
    part = format_percent(one.credit.weight, digits=2)
    if one.credit.role == "assist":
        return format_html(
            _("{amount} = an assist of {part} of {base}"),
            amount=amount, part=part, base=_figure(one.base, f"{places.here}#base"),
        )  # fmt: skip
    if one.credit.role == "split" and one.credit.whole is not None:
        whole = _figure(one.credit.whole, f"{places.here}#base")
        return format_html(_("{amount} = {part} of {whole}"), amount=amount, part=part, whole=whole)
    if one.rule.flat is not None:
        return format_html(
            _("{amount} = a fixed amount for each {event}"), amount=amount, event=event_words(one.rule.event)
        )
    rate = format_percent(one.rule.rate, digits=4)
    return format_html(
        _("{amount} = {rate} of {base}"), amount=amount, rate=rate, base=_figure(one.base, f"{places.here}#base")
    )


def _because(one: Explanation, places: Places) -> SafeString:
    if one.grant is not None and one.grant.is_difference:
        return format_html("{}", granted_words(one))
    values: Mapping[str, Any] = {"line": one.rule.name, "rate": rate_text(one.rule), "program": one.rule.program}
    if one.rule.flat is not None:
        text = format_html(_("In {program}, “{line}” pays a fixed amount, whatever the order's size."), **values)
    elif one.rule.basis == "gross":
        text = format_html(
            _("In {program}, “{line}” pays {rate} of the order after tax, shipping and discount."), **values
        )
    else:
        text = format_html(_("In {program}, “{line}” pays {rate} of the order's net amount."), **values)
    if one.grant is not None:
        text = format_html("{} {}", text, granted_words(one))
    if not one.taken_back:
        return text
    here = f"{places.here}#ledger"
    if one.state.reason == "fraud_confirmed":
        return format_html(
            _("{text} It was {accrued} before the network confirmed a finding about the order."),
            text=text,
            accrued=_figure(one.amount, here),
        )
    return format_html(
        _("{text} It was {accrued} before refunds took {taken} back."),
        text=text,
        accrued=_figure(one.amount, here),
        taken=_figure(one.taken_back, here),
    )


def _base(one: Explanation, places: Places) -> dict[str, Any]:
    url = places.order or f"{places.here}#timeline"
    lines = []
    for step in one.base_steps:
        label = (
            _("Order %(ref)s") % {"ref": one.order.ref}
            if step.what == "amount"
            else _BASE_PARTS.get(step.what, step.what)
        )
        lines.append((label, step.amount, url))
    return {"lines": lines, "total": (_("Commissionable"), one.base, url)}


def _rule(one: Explanation, places: Places) -> dict[str, Any]:
    name = _("%(program)s, rules v%(version)s, line %(line)s: %(name)s") % {
        "program": one.rule.program,
        "version": one.rule.version,
        "line": one.rule.position,
        "name": one.rule.name,
    }
    terms = ""
    if one.rule.terms_version is not None:
        terms = _("Terms v%(version)s were in force at the click: hold of %(hold)s.") % {
            "version": one.rule.terms_version,
            "hold": _days(one.rule.hold_days or 0),
        }
    return {"name": name, "url": places.rule, "since": one.rule.since, "text": terms}


def _why(one: Explanation) -> list[str]:
    told: list[str] = []
    if one.touch is not None:
        values = {
            "time": format_moment(one.touch.at, style="time"),
            "link": f"/r/{one.touch.link_code}" if one.touch.link_code else _("a link"),
            "before": _duration(one.order.occurred_at - one.touch.at),
            "window": _days(one.touch.window_days or 0),
        }
        told.append(_("Click of %(time)s on %(link)s, %(before)s before the order; the window is %(window)s.") % values)
    return decision_words(one) + told


def _did_not_apply(one: Skipped) -> str:
    if one.why == "event":
        return _("is for “%(wants)s”; this order is “%(found)s”") % {
            "wants": event_words(one.wants),
            "found": event_words(one.found),
        }
    return reason_words(one.why)


def _step(step: Step, one: Explanation, places: Places) -> dict[str, Any]:
    detail = ""
    if step.what == "click" and step.note:
        detail = f"/r/{step.note}"
    elif step.what == "refunded" or (step.what == "held" and step.note):
        detail = reason_words(step.note)
    elif step.what == "attributed":
        detail = model_name(one.model)
    elif step.what in {"order", "run", "sent"}:
        detail = step.note
    elif step.what in {"not_paid", "reversed", "clawed_back"} and step.note:
        detail = reason_words(step.note)
    if not step.state and step.what != "hold" and not detail:
        detail = _("expected")
    at = step.at
    if step.what == "held" and step.at is not None:
        # The date of a hold is that of its answer, not of its beginning.
        at = None
        detail = _("%(reason)s, answer by %(date)s") % {
            "reason": detail,
            "date": format_moment(step.at, style="date"),
        }
    is_dated = step.what in _DATED_ONLY and step.state != "done"
    url = {"order": places.order, "run": places.payout, "sent": places.payout, "paid": places.payout}.get(step.what, "")
    return {
        "what": _STEPS.get(step.what, step.what),
        "at": at,
        "style": "date" if is_dated else "time",
        "detail": detail,
        "state": step.state,
        "url": url if step.state == "done" else "",
    }


def _ledger(one: Explanation, places: Places) -> list[dict[str, Any]]:
    return [
        {
            "at": line.at,
            "debit": short_account(line.debit),
            "credit": short_account(line.credit),
            "amount": line.amount,
            "reference": line.entry,
            "url": places.entry(line.entry) if places.entry else f"{places.here}#ledger",
        }
        for line in one.ledger
    ]


def _days(days: int) -> str:
    return str(format_timedelta(timedelta(days=days), granularity="day", threshold=10_000, locale=locale_of()))


def _duration(difference: timedelta) -> str:
    return str(format_timedelta(max(difference, timedelta(0)), locale=locale_of()))

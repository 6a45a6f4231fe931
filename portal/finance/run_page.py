"""What a run's page is made of: steps, totals, what waits for whom, and its lines in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates import access
from affiliates.queries import people_with_role
from ledger.journal import events_about
from ledger.money import Money
from payouts.queries import finance
from portal.finance.forms import NoteForm
from portal.finance.funds import Funds, FundsRow, funds_now
from portal.finance.pages import figure
from portal.finance.words import Cause, Finding, cause_of, event_words, finding_of, left_out_words
from portal.formats import format_moment
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    from affiliates.models import User
    from payouts.models import Payout, PayoutRun

_SHOWN = 20
#: While a run stands so, its lines are still looked through.
_REVIEWED = frozenset({"prepared", "submitted", "approved"})
#: Seconds between two looks at a run that is being sent.
REFRESH_SECONDS = 4


@dataclass(frozen=True, slots=True)
class LineRow:
    """One payout of a run, with what deserves a look and why it stopped."""

    payout: "Payout"
    findings: list[Finding]
    cause: Cause | None
    commissions: int
    is_suspected: bool = False


@dataclass(frozen=True, slots=True)
class CurrencyRow:
    """A run's figures in one currency, beside the run before and the Stripe balance."""

    total: finance.RunTotal
    before: Money | None
    funds: FundsRow | None

    @property
    def change(self) -> Money | None:
        """More than the run before, or less."""
        return None if self.before is None else self.total.total - self.before

    @property
    def settled(self) -> Money:
        """What has arrived."""
        return self.total.money("paid")

    @property
    def held(self) -> Money:
        """What waits for funds or for a person."""
        return self.total.money("held")


@dataclass(frozen=True, slots=True)
class LeftOutGroup:
    """Everybody whom one reason kept out of a run."""

    title: str | Promise
    text: str | Promise
    rows: list[tuple[str, str, Money]]

    @property
    def sums(self) -> list[Money]:
        """What they keep, by currency."""
        sums: dict[str, Money] = {}
        for _affiliate, _name, amount in self.rows:
            sums[amount.currency] = sums.get(amount.currency, Money.zero(amount.currency)) + amount
        return [sums[currency] for currency in sorted(sums)]


def run_context(run: "PayoutRun", request: FinanceRequest) -> dict[str, Any]:
    """Everything the page shows."""
    totals = finance.totals_of(run)
    counts = finance.finding_counts(run)
    is_open = run.status in finance.OPEN_RUNS
    funds = funds_now() if is_open else None
    previous = finance.run_before(run)
    before = {total.currency: total.total for total in finance.totals_of(previous)} if previous else {}
    return {
        "run": run,
        "here": reverse("finance:run-lines", args=[run.public_id]),
        "steps": _steps(run, totals, counts),
        "rows": [
            CurrencyRow(total, before.get(total.currency) if previous else None, _funds_of(total.currency, funds))
            for total in totals
        ],
        "several_currencies": len({total.currency for total in totals}) > 1,
        "previous": previous,
        "payouts": sum(total.payouts for total in totals),
        "counts": counts,
        "exceptions": _exceptions(run) if run.status in _REVIEWED and counts["any"] else [],
        "exceptions_left": max(counts["any"] - _SHOWN, 0),
        "stopped": _stopped(run),
        "left_out": left_out_groups(
            (row["affiliate"], row["name"], Money.parse(row["amount"], row["currency"], negative=True), row["reason"])
            for row in run.notes.get("left_out", [])
        ),
        "waits_for": waits_for(run, request.user),
        "is_second_person": is_second_person(run, request.user),
        "shortages": funds.shortages if funds and run.status in {"submitted", "approved", "sending"} else [],
        "funds": funds,
        "progress": _progress(totals) if run.status in {"sending", "closed"} else None,
        "is_live": run.status == "sending" and not run.alarm,
        "refresh_seconds": REFRESH_SECONDS,
        "alarms": run.notes.get("alarms", []) if run.alarm else [],
        "note_form": NoteForm(),
        "log": _log(run),
        "may_exclude": access.may(request.roles, "finance.prepare") and run.status == "prepared",
    }


def is_second_person(run: "PayoutRun", user: "User") -> bool:
    """Whether the person neither prepared nor submitted the run."""
    return user.pk not in {run.prepared_by_id, run.submitted_by_id}


def waits_for(run: "PayoutRun", user: "User") -> str:
    """What the run waits for, and for whom, as one sentence."""
    if run.alarm:
        return _("Our books and Stripe disagree. Nothing moves until somebody has looked.")
    if run.status == "prepared":
        return _("Look through the lines, then submit the run for approval.")
    if run.status == "submitted":
        others = [one for one in people_with_role("finance_checker") if is_second_person(run, one)]
        names = _(" or ").join(one.get_full_name() for one in others)
        if is_second_person(run, user) and any(one.pk == user.pk for one in others):
            return _("It waits for your approval.")
        if not is_second_person(run, user):
            if not names:
                return _("You prepared this run, so another person must approve it. Nobody else has the role yet.")
            return _("You prepared this run, so another person must approve it. Ask %(names)s.") % {"names": names}
        return _("It waits for approval by %(names)s.") % {"names": names or _("somebody with the role")}
    if run.status == "approved":
        return _("It is approved and can be sent.")
    return ""


def line_rows(payouts: "Iterable[Payout]", run: "PayoutRun") -> list[LineRow]:
    """Lines of `finance.lines_of` in words."""
    large_from = finance.large_amounts(run)
    return [_line(payout, large_from) for payout in payouts]


def _line(payout: "Payout", large_from: dict[str, int]) -> LineRow:
    median = finance.former_median(payout)
    usual = figure(median, reverse("finance:payout", args=[payout.public_id])) if median else None
    names = finance.findings_of(payout, large_from=large_from)
    return LineRow(
        payout,
        [finding_of(name, usual=usual) for name in names],
        cause_of("unsure" if payout.state == "unsure" else payout.block_reason)
        if payout.state in {"unsure", "blocked", "cancelled"}
        else None,
        getattr(payout, "commissions", 0) or 0,
        "fraud_suspected" in names,
    )


def _exceptions(run: "PayoutRun") -> list[LineRow]:
    found = finance.lines_of(run).exclude(state="cancelled").filter(finance.findings_filter(run))
    return line_rows(found.order_by("-amount_minor", "pk")[:_SHOWN], run)


def _stopped(run: "PayoutRun") -> list[LineRow]:
    """What did not go through, in a run that is or was being sent."""
    if run.status not in {"sending", "closed"}:
        return []
    found = finance.lines_of(run).filter(Q(state="unsure") | Q(state="blocked"))
    return line_rows(found.order_by("block_reason", "-amount_minor", "pk")[:_SHOWN], run)


def left_out_groups(rows: "Iterable[tuple[str, str, Money, str]]") -> list[LeftOutGroup]:
    """(affiliate, name, amount, reason) by reason, the largest group first."""
    grouped: dict[str, list[tuple[str, str, Money]]] = {}
    for affiliate, name, amount, reason in rows:
        grouped.setdefault(reason, []).append((affiliate, name, amount))
    groups = [LeftOutGroup(*left_out_words(reason), rows=found) for reason, found in grouped.items()]
    return sorted(groups, key=lambda group: -len(group.rows))


def _funds_of(currency: str, funds: Funds | None) -> FundsRow | None:
    return next((row for row in funds.rows if row.currency == currency), None) if funds else None


def _progress(totals: list[finance.RunTotal]) -> dict[str, Any]:
    counts = {place: sum(total.count(place) for total in totals) for place in finance.PLACES}
    done = counts["sent"] + counts["paid"] + counts["back"]
    total = done + counts["to_go"] + counts["held"]
    return {
        **counts,
        "done": done,
        "total": total,
        "text": _("%(done)s of %(total)s") % {"done": done, "total": total},
    }


def _steps(run: "PayoutRun", totals: list[finance.RunTotal], counts: dict[str, int]) -> list[dict[str, Any]]:
    status = run.status
    is_left = any(total.count("to_go", "held") for total in totals)
    is_sending = status == "sending" and is_left
    state: dict[str, str] = dict.fromkeys(("prepare", "review", "approve", "send", "reconcile"), "")
    order = list(state)
    reached = {
        "prepared": "review", "submitted": "approve", "approved": "send", "sending": "send" if is_left else "reconcile",
    }.get(status)  # fmt: skip
    for name in order if status == "closed" else order[: order.index(reached)] if reached else ["prepare"]:
        state[name] = "done"
    if reached:
        state[reached] = "bad" if run.alarm else "current"
    findings = ngettext("%(number)s line to check", "%(number)s lines to check", counts["any"]) % {
        "number": counts["any"]
    }
    details: dict[str, str] = {
        "prepare": _by(run.prepared_at, run.prepared_by),
        "review": _by(run.submitted_at, run.submitted_by) if run.submitted_at else findings,
        "approve": _by(run.approved_at, run.approved_by),
        "send": _("being sent") if is_sending else _by(run.sent_at, run.sent_by),
        "reconcile": format_moment(run.closed_at, style="time") if run.closed_at else "",
    }
    if status == "cancelled":
        details["review"] = (
            _("cancelled %(date)s") % {"date": format_moment(run.cancelled_at, style="time")}
            if run.cancelled_at
            else ""
        )
        state["review"] = "bad"
    names: dict[str, str | Promise] = {
        "prepare": _("Prepare"), "review": _("Review"), "approve": _("Approve"), "send": _("Send"), "reconcile": _("Reconcile"),
    }  # fmt: skip
    return [{"name": names[name], "state": state[name], "detail": details[name]} for name in order]


def _by(at: Any, who: "User | None") -> str:
    if at is None or who is None:
        return ""
    return f"{format_moment(at, style='time')} · {who.get_full_name()}"


def _log(run: "PayoutRun") -> list[dict[str, Any]]:
    """What was done to the run, newest first; the events of its payouts stand on their own pages."""
    found = events_about(run.public_id).filter(subject=run.public_id)[:50]
    people = {
        one.public_id: one.get_full_name()
        for one in (run.prepared_by, run.submitted_by, run.approved_by, run.sent_by)
        if one
    }
    log = []
    for event in found:
        note = str(event.data.get("note") or event.data.get("alarm") or "")
        detail = " · ".join(part for part in (people.get(event.actor, ""), note) if part)
        log.append(
            {
                "what": event_words(event.name),
                "at": event.at,
                "detail": detail,
                "state": "bad" if event.name == "run.alarm" else "done",
            }
        )
    return log

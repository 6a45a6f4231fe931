"""Whose sale is it? Last click within the program's window, decided on the server, with every touch kept.

The shop reports the click it saw. The browser behind that click may have followed other
links of the merchant's programs too: all of these are candidates. The latest one that counts
wins; the others are kept with the reason why they lost, for Explain.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from affiliates.models import Enrolment, Program, Terms
from ledger.journal import record_event
from tracking.models import Attribution, Click, Conversion

#: How long a click that nobody has seen yet may still be on its way from a door's spool.
CLICK_MAY_STILL_COME = timedelta(minutes=15)

#: No more touches of one browser are looked at than this.
_MOST_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class Decision:
    """An attribution before it is written down."""

    enrolment: Enrolment | None
    terms: Terms | None
    click_id: UUID | None
    reason: str
    candidates: list[dict[str, Any]]
    is_final: bool = True


def decide_last_click(conversion: Conversion, *, at: datetime) -> Decision:
    """Look at the touches and decide; nothing is written."""
    if conversion.click_id is None:
        return Decision(None, None, None, "no_click", [])
    reported = Click.objects.filter(pk=conversion.click_id).first()
    if reported is None:
        may_come = at - conversion.recorded_at < CLICK_MAY_STILL_COME
        return Decision(None, None, conversion.click_id, "click_unknown", [], is_final=not may_come)
    touches = _touches(conversion, reported)
    programs = {
        program.pk: program
        for program in Program.objects.filter(
            pk__in={click.program_id for click in touches}, merchant=conversion.merchant_id
        ).prefetch_related("terms")
    }
    enrolments = {
        enrolment.pk: enrolment
        for enrolment in Enrolment.objects.filter(pk__in={click.enrolment_id for click in touches})
    }
    return _choose(conversion, touches, programs, enrolments, reported)


def attribute_conversion(conversion: Conversion, decision: Decision, *, at: datetime) -> Attribution:
    """Write a decision down, once; a second call returns the first."""
    attribution, is_new = Attribution.objects.get_or_create(
        conversion=conversion,
        defaults={
            "model": Attribution.Model.LAST_CLICK,
            "enrolment": decision.enrolment,
            "terms": decision.terms,
            "click_id": decision.click_id,
            "reason": decision.reason,
            "candidates": decision.candidates,
            "decided_at": at,
        },
    )
    if is_new and decision.enrolment is not None:
        record_event(
            "conversion.attributed",
            conversion.public_id,
            at=at,
            about=[
                decision.enrolment.affiliate.public_id,
                decision.enrolment.program.public_id,
                conversion.merchant.public_id,
            ],
            data={"reason": decision.reason},
        )
    return attribution


def _touches(conversion: Conversion, reported: Click) -> list[Click]:
    """The reported click and the same browser's others up to the order, latest first."""
    found = {reported.pk: reported}
    if reported.visitor_id is not None:
        others = Click.objects.filter(
            visitor_id=reported.visitor_id,
            clicked_at__lte=conversion.occurred_at,
            clicked_at__gte=conversion.occurred_at - timedelta(days=366),
        ).order_by("-clicked_at")[:_MOST_CANDIDATES]
        found.update((click.pk, click) for click in others)
    return sorted(found.values(), key=lambda click: (click.clicked_at, click.pk), reverse=True)


def _choose(
    conversion: Conversion,
    touches: list[Click],
    programs: dict[UUID, Program],
    enrolments: dict[UUID, Enrolment],
    reported: Click,
) -> Decision:
    winner: tuple[Click, Enrolment, Terms] | None = None
    rows: list[dict[str, Any]] = []
    for click in touches:
        program, enrolment = programs.get(click.program_id), enrolments.get(click.enrolment_id)
        terms = _terms_at(program, click.clicked_at) if program else None
        why = _why_not(conversion, click, program, enrolment, terms)
        if why == "" and winner is not None:
            why = "older_than_the_last"
        if why == "" and enrolment is not None and terms is not None:
            winner = (click, enrolment, terms)
        if program is None and click.pk != reported.pk:
            continue  # another merchant's click is nobody's business here
        rows.append(
            {
                "click": click.public_id,
                "at": click.clicked_at.isoformat(),
                "affiliate": enrolment.affiliate.public_id if enrolment and program else "",
                "program": program.public_id if program else "",
                "window_days": terms.window_days if terms else None,
                "won": why == "",
                "reason": why or "last_click",
            }
        )
    if winner is None:
        reasons = {row["click"]: row["reason"] for row in rows}
        return Decision(None, None, reported.pk, reasons.get(reported.public_id, "click_unknown"), rows)
    click, enrolment, terms = winner
    return Decision(enrolment, terms, click.pk, "last_click", rows)


def _why_not(
    conversion: Conversion,
    click: Click,
    program: Program | None,
    enrolment: Enrolment | None,
    terms: Terms | None,
) -> str:
    """The reason code for which a click cannot win; empty when it can."""
    if program is None or enrolment is None:
        return "click_of_another_merchant"
    if click.clicked_at > conversion.occurred_at + timedelta(minutes=5):
        # Five minutes of grace, since shops' clocks and ours differ.
        return "click_after_order"
    if terms is None:
        return "no_terms_in_force"
    if conversion.occurred_at - click.clicked_at > timedelta(days=terms.window_days):
        return "outside_window"
    if not click.is_counted:
        return "click_not_counted"
    if enrolment.status not in {Enrolment.Status.APPROVED, Enrolment.Status.SUSPENDED, Enrolment.Status.LEFT}:
        return "not_enrolled"
    return ""


def _terms_at(program: Program, at: datetime) -> Terms | None:
    """Like Program.terms_at, over versions that are loaded already."""
    in_force = [terms for terms in program.terms.all() if terms.starts_at <= at]
    return max(in_force, key=lambda terms: (terms.starts_at, terms.version), default=None)

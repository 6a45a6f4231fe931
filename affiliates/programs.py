"""Programs and their terms: drafted, opened, revised by new versions, never edited."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from affiliates.attribution_terms import AttributionChoices
from affiliates.errors import NotInState, TermsInThePast
from affiliates.models import Merchant, Program, Terms, User
from ledger.journal import record_event


@transaction.atomic
def draft_program(
    merchant: Merchant,
    slug: str,
    *,
    name: str,
    landing_url: str,
    allowed_hosts: Sequence[str],
    at: datetime,
    summary: str = "",
    approval: str = Program.Approval.AUTO,
    by: User | None = None,
) -> Program:
    """A program of the merchant, in its currency, not open yet."""
    program = Program.objects.create(
        merchant=merchant,
        slug=slug,
        name=name,
        summary=summary,
        currency=merchant.currency,
        approval=approval,
        landing_url=landing_url,
        allowed_hosts=[host.strip().lower().rstrip(".") for host in allowed_hosts],
        created_at=at,
    )
    _tell("program.drafted", program, by=by, at=at)
    return program


@transaction.atomic
def revise_terms(
    program: Program,
    *,
    starts_at: datetime,
    at: datetime,
    window_days: int = 30,
    hold_days: int = 30,
    basis: str = Terms.Basis.NET,
    minimum_payout_minor: int = 0,
    text: str = "",
    attribution: AttributionChoices | None = None,
    by: User | None = None,
) -> Terms:
    """Publish the next version of the terms; without `attribution`, that part stays as it was.

    Raises TermsInThePast: what was agreed stays agreed. Raises TermsRefused.
    """
    if starts_at < at:
        raise TermsInThePast("New terms may not start in the past.", field="starts_at")
    Program.objects.select_for_update().get(pk=program.pk)
    last = program.terms.order_by("-version").first()
    terms = Terms.objects.create(
        program=program,
        version=last.version + 1 if last else 1,
        starts_at=starts_at,
        recorded_at=at,
        window_days=window_days,
        hold_days=hold_days,
        basis=basis,
        minimum_payout_minor=minimum_payout_minor,
        text=text,
        **(attribution or AttributionChoices.of(last)).checked(),
    )
    _tell("terms.published", program, by=by, at=at, version=terms.version)
    return terms


@transaction.atomic
def change_pages(
    program: Program, *, landing_url: str, allowed_hosts: Sequence[str], at: datetime, by: User | None = None
) -> Program:
    """Another page of its own, other hosts that links may lead to. Both have been checked by the caller."""
    locked = Program.objects.select_for_update().get(pk=program.pk)
    hosts = list(dict.fromkeys(allowed_hosts))
    if (locked.landing_url, locked.allowed_hosts) != (landing_url, hosts):
        locked.landing_url, locked.allowed_hosts = landing_url, hosts
        locked.save(update_fields=["landing_url", "allowed_hosts", "updated_at"])
        _tell("program.pages_changed", locked, by=by, at=at)
    return locked


@transaction.atomic
def open_program(program: Program, *, at: datetime, by: User | None = None) -> Program:
    """Let affiliates in. Raises NotInState for a closed program or one without terms."""
    locked = Program.objects.select_for_update().get(pk=program.pk)
    if locked.status == Program.Status.CLOSED or not locked.terms.exists():
        raise NotInState(locked, locked.get_status_display())
    return _set_status(locked, Program.Status.OPEN, "program.opened", by=by, at=at)


@transaction.atomic
def pause_program(program: Program, *, at: datetime, by: User | None = None) -> Program:
    """Take no new affiliates and count no new clicks; links still lead to the shop (traffic-back)."""
    locked = Program.objects.select_for_update().get(pk=program.pk)
    return _set_status(locked, Program.Status.PAUSED, "program.paused", by=by, at=at)


@transaction.atomic
def close_program(program: Program, *, at: datetime, by: User | None = None) -> Program:
    """End the program; what was earned stays owed."""
    locked = Program.objects.select_for_update().get(pk=program.pk)
    return _set_status(locked, Program.Status.CLOSED, "program.closed", by=by, at=at)


def _set_status(program: Program, status: str, event: str, *, by: User | None, at: datetime) -> Program:
    if program.status != status:
        program.status = status
        program.save(update_fields=["status", "updated_at"])
        _tell(event, program, by=by, at=at)
    return program


def _tell(event: str, program: Program, *, by: User | None, at: datetime, **data: int) -> None:
    record_event(
        event,
        program.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[program.merchant.public_id],
        data=data,
    )

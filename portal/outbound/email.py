"""Which events become mails, and to whom: subscribers of the journal that write mails down.

A subscriber may hear of an event twice; a person has one mail about it all the same. Events that
are played back or imported are no news (`stale_after`).
"""

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from affiliates.endpoints import endpoint_by_id
from affiliates.mails import write_mail
from affiliates.queries import affiliates_by_id, people_of, people_of_merchant, people_with_role, user_by_email
from ledger.journal import subscribe
from ledger.money import Money
from payouts.queries import news
from portal.outbound.tasks import hint_mails

if TYPE_CHECKING:
    from affiliates.models import Affiliate, User
    from ledger.models import Event

_STALE = timedelta(days=2)


@subscribe("mail.places", "enrolment.approved", "enrolment.declined", stale_after=_STALE)
def tell_of_place(event: "Event") -> None:
    """To the applicant: in, or not and why."""
    found = news.place_news(event.subject)
    facts = {
        "program": found.program, "slug": found.slug, "merchant": found.merchant,
        "reason": str(event.data.get("reason") or found.reason),
    }  # fmt: skip
    _write(event, people_of(found.affiliate), event.name, facts)


@subscribe("mail.first_commission", "commission.accrued", stale_after=_STALE)
def tell_of_first_commission(event: "Event") -> None:
    """To the affiliate, once in a life: it works."""
    found = news.first_commission_news(event.subject)
    if found is not None:
        facts = {
            "commission": event.subject, "program": found.program, "amount": _amount(found.amount),
            "due_at": found.due_at.isoformat(),
        }  # fmt: skip
        _write(event, people_of(found.affiliate), "commission.first", facts)


@subscribe("mail.statements", "statement.issued", stale_after=_STALE)
def tell_of_payment(event: "Event") -> None:
    """To the affiliate: paid, and here is the statement."""
    found = news.statement_news(event.subject)
    facts = {"statement": found.statement, "number": found.number, "amount": _amount(found.amount)}
    _write(event, people_of(found.affiliate), event.name, facts)


@subscribe("mail.stopped_payouts", "payout.blocked", stale_after=_STALE)
def tell_of_stopped_payout(event: "Event") -> None:
    """To the affiliate: not paid, why, and what to do. Silent while finance can still solve it."""
    found = news.stopped_news(event.subject)
    if found is not None:
        facts = {"amount": _amount(found.amount), "reason": found.reason, "run": found.run}
        _write(event, people_of(found.affiliate), event.name, facts)


@subscribe("mail.changed_accounts", "payout_method.changed", stale_after=_STALE)
def tell_of_changed_account(event: "Event") -> None:
    """To the contact address: the account was changed; if that was not you, say so (fault 24)."""
    if not event.data.get("account_changed"):
        return
    found = news.method_news(event.subject)
    facts = {"name": found.affiliate.name, "usable_from": found.usable_from.isoformat() if found.usable_from else ""}
    # Not to whoever is signed in: the contact address is the one that a thief has to change first.
    address = found.affiliate.contact_email
    _write_to(event, address, _language_of(address, found.affiliate), event.name, facts)


@subscribe("mail.link_targets", "link.target_failing", "link.target_back", stale_after=_STALE)
def tell_of_page(event: "Event") -> None:
    """To the affiliate: the page its links lead to is gone, or is there again."""
    for affiliate in affiliates_by_id(one for one in event.about if one.startswith("aff_")).values():
        facts = {
            "code": event.data["links"][0],
            **{name: event.data[name] for name in ("url", "reason", "status", "count")},
        }
        _write(event, people_of(affiliate), event.name, facts)


@subscribe("mail.submitted_runs", "run.submitted", stale_after=_STALE)
def tell_of_submitted_run(event: "Event") -> None:
    """To everybody who may approve it."""
    found = news.run_news(event.subject, checkers=people_with_role("finance_checker"))
    if found is not None:
        facts = {
            "run": found.run, "label": found.label, "prepared_by": found.prepared_by, "payouts": found.payouts,
            "amounts": [_amount(amount) for amount in found.amounts],
        }  # fmt: skip
        _write(event, found.approvers, event.name, facts)


@subscribe("mail.failing_endpoints", "endpoint.failing", stale_after=_STALE)
def tell_of_failing_endpoint(event: "Event") -> None:
    """To the endpoint's people, once an outage: nothing arrives, nothing is lost, nothing was switched off."""
    endpoint = endpoint_by_id(event.subject)
    if endpoint is None:
        return
    facts = {
        "endpoint": endpoint.public_id, "name": endpoint.name,
        "merchant": endpoint.merchant.slug if endpoint.merchant else "",
    }  # fmt: skip
    if endpoint.affiliate is not None:
        _write(event, people_of(endpoint.affiliate), event.name, facts)
    elif endpoint.merchant is not None:
        _write(event, people_of_merchant(endpoint.merchant), event.name, facts)


def _write(event: "Event", people: "Iterable[User]", kind: str, facts: dict[str, Any]) -> None:
    for one in people:
        _write_to(event, one.email, one.language, kind, {**facts, "to": one.get_short_name()})


def _write_to(event: "Event", address: str, language: str, kind: str, facts: dict[str, Any]) -> None:
    mail = write_mail(
        event.public_id, address, kind=kind, language=language or settings.LANGUAGE_CODE, facts=facts, at=timezone.now()
    )
    if mail is not None:
        transaction.on_commit(partial(hint_mails, mail.public_id), robust=True)


def _language_of(address: str, affiliate: "Affiliate") -> str:
    """The language of whoever has the address, else of the first person who works for the member."""
    owner = user_by_email(address)
    people = [owner] if owner else people_of(affiliate)
    return people[0].language if people else ""


def _amount(amount: Money) -> list[str]:
    return [amount.major, amount.currency]

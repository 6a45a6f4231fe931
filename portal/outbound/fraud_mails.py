"""Letters about findings: the partner hears of every step, and whoever has to answer hears that it has to."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from affiliates.mails import write_mail
from affiliates.queries import people_of, people_of_merchant, people_with_role
from ledger.journal import subscribe
from ledger.money import Money
from payouts.queries.fraud import FindingNews, finding_news
from portal.formats import format_moment, format_money
from portal.fraud_words import title_of
from portal.outbound.letters import Facts, Letter, add_kinds
from portal.outbound.tasks import hint_mails

if TYPE_CHECKING:
    from affiliates.models import User
    from ledger.models import Event

_STALE = timedelta(days=2)


@subscribe(
    "mail.holds_to_partners", "fraud.found", "fraud.held", "fraud.released", "fraud.confirmed", stale_after=_STALE
)
def tell_partner(event: "Event") -> None:
    """To the partner: kept back, let go, or not paid. Of what was never kept back it hears nothing."""
    step = event.name.removeprefix("fraud.")
    found = finding_news(event.subject, step=step)
    if found.answer_due_at is None:
        return
    kind = "fraud.held" if step == "found" else event.name
    if step == "released" and found.was_appealed:
        kind = "fraud.appeal_granted"
    elif step == "confirmed" and found.was_appealed:
        kind = "fraud.appeal_declined"
    _write(event, people_of(found.affiliate), f"{kind}.partner", _facts(found))


@subscribe("mail.findings_to_merchants", "fraud.found", "fraud.appealed", stale_after=_STALE)
def tell_merchant(event: "Event") -> None:
    """To the merchant's owners and managers: something was found, or the partner answered. A note is no letter."""
    found = finding_news(event.subject)
    if found.state != "noted":
        _write(event, people_of_merchant(found.merchant.pk), f"{event.name}.merchant", _facts(found))


@subscribe("mail.findings_to_the_network", "fraud.appealed", "fraud.asked", stale_after=_STALE)
def tell_network(event: "Event") -> None:
    """To the network's staff: you decide."""
    found = finding_news(event.subject)
    _write(event, people_with_role("network_staff"), "fraud.appealed.network", _facts(found))


def _facts(found: FindingNews) -> dict[str, Any]:
    return {
        "finding": found.finding,
        "slug": found.merchant.slug,
        "merchant": found.merchant.name,
        "partner": found.affiliate.name,
        "program": found.program,
        "rule": found.rule,
        "orders": found.orders,
        "held": [found.held.major, found.held.currency],
        "answer_due_at": found.answer_due_at.isoformat() if found.answer_due_at else "",
        "is_automatic": found.is_automatic,
        "text": found.text,
    }


def _write(event: "Event", people: "Iterable[User]", kind: str, facts: dict[str, Any]) -> None:
    for one in people:
        mail = write_mail(
            event.public_id,
            one.email,
            kind=kind,
            language=one.language or settings.LANGUAGE_CODE,
            facts={**facts, "to": one.get_short_name()},
            at=timezone.now(),
        )
        if mail is not None:
            transaction.on_commit(partial(hint_mails, mail.public_id), robust=True)


# ── The letters ──────────────────────────────────────────────────────────────────────────


def _held(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("Some of your commission in %(program)s is being checked") % facts,
        _("%(title)s: %(orders)s in %(program)s look unusual.") % _values(facts),
        _("%(amount)s is kept back meanwhile. You get an answer by %(date)s; if nobody answers by then, it is let go by itself.")
        % _values(facts),
        _("Unusual is not wrong. If you know how these orders came about, say so: the network reads it."),
        _said(facts),
        action=_("Look at it and answer"),
    )  # fmt: skip


def _released(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("Your commission in %(program)s goes on") % facts,
        _("%(amount)s that was kept back is approved and paid like every other commission.") % _values(facts),
        _("Nobody answered by the promised date, so it was let go by itself.") if facts["is_automatic"] else "",
        _said(facts),
    )


def _appeal_granted(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("Your appeal was right: %(amount)s goes on") % _values(facts),
        _("%(amount)s that was kept back is approved and paid like every other commission.") % _values(facts),
        _("Nobody answered by the promised date, so it was let go by itself.") if facts["is_automatic"] else "",
        _said(facts),
    )


def _confirmed(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("Commission in %(program)s is not paid") % facts,
        _("The network looked at %(orders)s and confirmed that they did not come about as the terms allow. %(amount)s is not paid.")
        % _values(facts),
        _said(facts),
        _("If that is not right, you can appeal within thirty days."),
    )  # fmt: skip


def _appeal_declined(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("The network answered your appeal"),
        _("The network looked at %(orders)s and confirmed that they did not come about as the terms allow. %(amount)s is not paid.")
        % _values(facts),
        _said(facts),
        _("This decision is final."),
    )  # fmt: skip


def _found_merchant(facts: Facts) -> Letter:
    return _to_merchant(
        facts,
        _("Something looks unusual about %(partner)s") % facts,
        _("%(title)s: %(orders)s in %(program)s.") % _values(facts),
        _("Their commission is kept back until %(date)s. Release it, or ask the network to confirm; without an answer it is let go by itself.")
        % _values(facts)
        if facts["answer_due_at"]
        else _("Nothing is kept back. Look at it when you have time."),
    )  # fmt: skip


def _appealed_merchant(facts: Facts) -> Letter:
    return _to_merchant(
        facts,
        _("%(partner)s appealed") % facts,
        _("The network decides by %(date)s. You may release it at any time.") % _values(facts),
    )


def _appealed_network(facts: Facts) -> Letter:
    return Letter(
        _("A finding waits for the network: %(partner)s") % facts,
        [
            _("%(title)s: %(orders)s in %(program)s.") % _values(facts),
            _("Without your answer it is let go on %(date)s.") % _values(facts),
        ],
        _("Look at the finding"),
        f"{settings.BASE_URL}{reverse('network:finding', args=[facts['finding']])}",
        _("You get this mail because you work for the network."),
    )


def _values(facts: Facts) -> dict[str, Any]:
    count = int(facts["orders"])
    return {
        **facts,
        "title": title_of(facts["rule"]),
        "orders": ngettext("%(count)s order", "%(count)s orders", count) % {"count": count},
        "amount": format_money(Money.parse(facts["held"][0], facts["held"][1])),
        "date": format_moment(datetime.fromisoformat(facts["answer_due_at"]), style="time")
        if facts["answer_due_at"]
        else "",
    }


def _said(facts: Facts) -> str:
    return _("They wrote: “%(text)s”") % facts if facts["text"] else ""


def _to_merchant(facts: Facts, subject: str, *sentences: str) -> Letter:
    url = reverse("merchant:finding", args=[facts["slug"], facts["finding"]])
    reason = _("You get this mail because you run %(merchant)s.") % facts
    return Letter(subject, list(sentences), _("Look at the finding"), f"{settings.BASE_URL}{url}", reason)


def _to_partner(facts: Facts, subject: str, *sentences: str, action: str = "") -> Letter:
    url = reverse("partner:hold", args=[facts["finding"]])
    reason = _("You get this mail because you are a partner of %(network)s.") % {"network": settings.NETWORK_NAME}
    said = [sentence for sentence in sentences if sentence]
    return Letter(subject, said, action or _("Look at it"), f"{settings.BASE_URL}{url}", reason)


add_kinds(
    {
        "fraud.held.partner": _held,
        "fraud.released.partner": _released,
        "fraud.appeal_granted.partner": _appeal_granted,
        "fraud.confirmed.partner": _confirmed,
        "fraud.appeal_declined.partner": _appeal_declined,
        "fraud.found.merchant": _found_merchant,
        "fraud.appealed.merchant": _appealed_merchant,
        "fraud.appealed.network": _appealed_network,
    }
)

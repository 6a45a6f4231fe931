"""Letters about claims: whoever has to act hears of it, and whoever asked hears the answer."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.mails import write_mail
from affiliates.queries import people_of, people_of_merchant, people_with_role
from ledger.journal import subscribe
from ledger.money import Money
from payouts.queries.claims import DECLINE_REASONS, ClaimNews, claim_news
from portal.formats import format_moment, format_money
from portal.outbound.letters import Facts, Letter, add_kinds
from portal.outbound.tasks import hint_mails

if TYPE_CHECKING:
    from affiliates.models import User
    from ledger.models import Event

_STALE = timedelta(days=2)


@subscribe("mail.claims_to_merchants", "claim.opened", "claim.answered", "claim.withdrawn", stale_after=_STALE)
def tell_merchant(event: "Event") -> None:
    """To the merchant's owners and managers: a claim waits for you, or does no more."""
    found = claim_news(event.subject)
    _write(event, people_of_merchant(found.merchant.pk), f"{event.name}.merchant", _facts(found))


@subscribe(
    "mail.claims_to_partners", "claim.asked_back", "claim.accepted", "claim.declined", "claim.confirmed",
    stale_after=_STALE,
)  # fmt: skip
def tell_partner(event: "Event") -> None:
    """To the partner: what was answered."""
    found = claim_news(event.subject)
    facts = {
        **_facts(found),
        "amount": [event.data["amount"], event.data["currency"]] if "amount" in event.data else [],
    }
    _write(event, people_of(found.affiliate), f"{event.name}.partner", facts)


@subscribe("mail.claim_comments", "claim.commented", stale_after=_STALE)
def tell_other_side(event: "Event") -> None:
    """To whoever did not write it."""
    found = claim_news(event.subject)
    side = event.data.get("side")
    if side != "partner":
        _write(event, people_of(found.affiliate), "claim.commented.partner", _facts(found))
    if side != "merchant":
        _write(event, people_of_merchant(found.merchant.pk), "claim.commented.merchant", _facts(found))


@subscribe("mail.claims_to_the_network", "claim.appealed", "claim.escalated", stale_after=_STALE)
def tell_network(event: "Event") -> None:
    """To the network's staff: you decide."""
    found = claim_news(event.subject)
    _write(event, people_with_role("network_staff"), "claim.appealed.network", _facts(found))


def _facts(found: ClaimNews) -> dict[str, Any]:
    return {
        "claim": found.claim,
        "slug": found.merchant.slug,
        "merchant": found.merchant.name,
        "partner": found.affiliate.name,
        "program": found.program,
        "order": found.order_ref,
        "reply_due_at": found.reply_due_at.isoformat(),
        "deadline_at": found.deadline_at.isoformat(),
        "reason": found.decline_reason,
        "is_automatic": found.is_automatic,
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


def _opened(facts: Facts) -> Letter:
    return _to_merchant(
        facts,
        _("A claim about order %(order)s") % facts,
        _("%(partner)s says that order %(order)s in %(program)s should be theirs or is worth another amount.") % facts,
        _("You promised a first reply by %(time)s.") % {"time": _moment(facts["reply_due_at"])},
        _("If nothing is decided by %(time)s, the claim is accepted by itself.")
        % {"time": _moment(facts["deadline_at"])},
    )


def _answered(facts: Facts) -> Letter:
    return _to_merchant(
        facts,
        _("%(partner)s answered about order %(order)s") % facts,
        _("The clock runs on: decide by %(time)s.") % {"time": _moment(facts["deadline_at"])},
    )


def _withdrawn(facts: Facts) -> Letter:
    return _to_merchant(
        facts,
        _("The claim about order %(order)s is withdrawn") % facts,
        _("%(partner)s called the claim back. There is nothing to do.") % facts,
    )


def _commented_merchant(facts: Facts) -> Letter:
    return _to_merchant(
        facts, _("A comment on the claim about order %(order)s") % facts, _("There is a new comment on the claim.")
    )


def _asked_back(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("%(merchant)s asks back about order %(order)s") % facts,
        _("Your claim waits for your answer. Until then no time runs against anybody."),
    )


def _accepted(facts: Facts) -> Letter:
    amount = facts.get("amount") or []
    worth = format_money(Money.parse(amount[0], amount[1])) if amount else ""
    return _to_partner(
        facts,
        _("Your claim about order %(order)s is accepted") % facts,
        _("You earn %(amount)s more.") % {"amount": worth} if worth else "",
        _("%(merchant)s did not answer in time, so the claim was accepted by itself.") % facts
        if facts["is_automatic"]
        else "",
    )


def _declined(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("Your claim about order %(order)s is declined") % facts,
        str(dict(DECLINE_REASONS).get(facts["reason"], "")),
        _("If that is not right, you can ask the network to decide."),
    )


def _confirmed(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("The network declined your claim about order %(order)s") % facts,
        str(dict(DECLINE_REASONS).get(facts["reason"], "")),
        _("This decision is final."),
    )


def _commented_partner(facts: Facts) -> Letter:
    return _to_partner(
        facts,
        _("A comment on your claim about order %(order)s") % facts,
        _("There is a new comment on your claim at %(merchant)s.") % facts,
    )


def _appealed(facts: Facts) -> Letter:
    return Letter(
        _("A claim waits for the network: order %(order)s") % facts,
        [_("%(partner)s and %(merchant)s did not settle it. You decide for good.") % facts],
        _("Look at the claim"),
        f"{settings.BASE_URL}{reverse('network:claim', args=[facts['claim']])}",
        _("You get this mail because you work for the network."),
    )


def _to_merchant(facts: Facts, subject: str, *sentences: str) -> Letter:
    url = reverse("merchant:claim", args=[facts["slug"], facts["claim"]])
    reason = _("You get this mail because you run %(merchant)s.") % facts
    return Letter(subject, list(sentences), _("Look at the claim"), f"{settings.BASE_URL}{url}", reason)


def _to_partner(facts: Facts, subject: str, *sentences: str) -> Letter:
    url = reverse("partner:claim", args=[facts["claim"]])
    reason = _("You get this mail because you are a partner of %(network)s.") % {"network": settings.NETWORK_NAME}
    said = [sentence for sentence in sentences if sentence]
    return Letter(subject, said or [subject], _("Look at the claim"), f"{settings.BASE_URL}{url}", reason)


def _moment(text: str) -> str:
    return format_moment(datetime.fromisoformat(text), style="time")


add_kinds(
    {
        "claim.opened.merchant": _opened,
        "claim.answered.merchant": _answered,
        "claim.withdrawn.merchant": _withdrawn,
        "claim.commented.merchant": _commented_merchant,
        "claim.asked_back.partner": _asked_back,
        "claim.accepted.partner": _accepted,
        "claim.declined.partner": _declined,
        "claim.confirmed.partner": _confirmed,
        "claim.commented.partner": _commented_partner,
        "claim.appealed.network": _appealed,
    }
)

"""Letters about merchants' own hosts for links: the records are gone, and what that stops and when."""

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from affiliates.mails import write_mail
from affiliates.queries import people_of_merchant
from ledger.journal import subscribe
from portal.formats import format_day
from portal.outbound.letters import Facts, Letter, add_kinds
from portal.outbound.tasks import hint_mails
from tracking.queries.domains import domain_by_id

if TYPE_CHECKING:
    from ledger.models import Event

_STALE = timedelta(days=2)


@subscribe("mail.domains", "domain.failed", "domain.stopped", stale_after=_STALE)
def tell_of_domain(event: "Event") -> None:
    """To the merchant's owners and managers: the host's records are gone; links stop, or stopped, being answered on it."""
    found = domain_by_id(event.subject)
    if found is None:
        return
    facts = {
        "host": found.host, "slug": found.merchant.slug, "merchant": found.merchant.name,
        "stops_at": str(event.data.get("stops_at") or ""),
    }  # fmt: skip
    for one in people_of_merchant(found.merchant_id):
        mail = write_mail(
            event.public_id, one.email, kind=event.name, language=one.language or settings.LANGUAGE_CODE,
            facts={**facts, "to": one.get_short_name()}, at=timezone.now(),
        )  # fmt: skip
        if mail is not None:
            transaction.on_commit(partial(hint_mails, mail.public_id), robust=True)


def _failed(facts: Facts) -> Letter:
    if not facts["stops_at"]:
        sentences = [_("The DNS records of %(host)s were not found within three days. No link uses it yet.") % facts]
    else:
        day = format_day(datetime.fromisoformat(facts["stops_at"]).date())
        sentences = [
            _("The DNS records of %(host)s are gone or say something else.") % facts,
            _("Links on it are still answered until %(day)s. After that visitors reach nobody there.") % {"day": day},
        ]
    return _letter(facts, _("%(host)s has lost its records") % facts, sentences)


def _stopped(facts: Facts) -> Letter:
    sentences = [
        _("The DNS records of %(host)s have been gone for a week, so links on it are not answered any more.") % facts,
        _("Every link still works with the network's own host. Set the records again and it begins anew by itself."),
    ]
    return _letter(facts, _("Links on %(host)s have stopped") % facts, sentences)


def _letter(facts: Facts, subject: str, sentences: list[str]) -> Letter:
    url = f"{settings.BASE_URL}{reverse('merchant:tracking', args=[facts['slug']])}#domains"
    reason = _("You get this mail because you run %(merchant)s.") % facts
    return Letter(subject, sentences, _("See which records to set"), url, reason)


add_kinds({"domain.failed": _failed, "domain.stopped": _stopped})

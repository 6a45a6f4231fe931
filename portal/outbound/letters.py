"""Letters: a mail's facts worded in its reader's language, as text and HTML, and sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from affiliates.enrolments import DECLINE_REASONS
from ledger.money import Money
from portal.formats import format_day, format_money, language_tag
from portal.page_words import reason_words
from portal.reasons import REASONS

if TYPE_CHECKING:
    from affiliates.models import OutgoingMail

type Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: the subject, sentences, one action, and why the reader gets it."""

    subject: str
    sentences: list[str]
    action_label: str
    action_url: str
    reason: str
    lines: list[tuple[str, str]] = field(default_factory=list)


def send_letter(mail: "OutgoingMail") -> None:
    """Word a mail and hand it to the mail server. Raises what the server raises."""
    language = mail.language if mail.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(language):
        letter = letter_of(mail.kind, mail.facts)
        sentences = [sentence for sentence in letter.sentences if sentence]
        context = {
            "letter": letter,
            "sentences": sentences,
            "subject": letter.subject,
            "preview": sentences[0],
            "reason": letter.reason,
            "network_name": settings.NETWORK_NAME,
            "base_url": settings.BASE_URL,
            "language_tag": language_tag(language),
            "text_direction": "rtl" if translation.get_language_bidi() else "ltr",
        }
        text = render_to_string("portal/mail/letter.txt", context)
        html = render_to_string("portal/mail/letter.html", context)
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        subject=" ".join(letter.subject.split()),
        body=text,
        to=[mail.recipient],
        headers={
            # The same letter twice has one name, so that mail programs show it once.
            "Message-ID": f"<{mail.public_id}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(html, "text/html")
    message.send()


def letter_of(kind: str, facts: Facts) -> Letter:
    """The words of a kind of mail in the active language. Raises KeyError for a kind nobody words."""
    return _KINDS[kind](facts)


def add_kinds(kinds: dict[str, Callable[[Facts], Letter]]) -> None:
    """Have more kinds of mail worded, by the module that writes them down."""
    _KINDS.update(kinds)


def _approved(facts: Facts) -> Letter:
    return Letter(
        _("You are in: %(program)s") % facts,
        [
            _("Your place in %(program)s by %(merchant)s is open.") % facts,
            _("Copy your link and share it. Every order it brings is on your home page within seconds."),
        ],
        _("Get your link"),
        _url("partner:program", facts["slug"]),
        _because_member(),
    )


def _declined(facts: Facts) -> Letter:
    return Letter(
        _("Your application for %(program)s") % facts,
        [
            _("%(merchant)s did not accept your application for %(program)s.") % facts,
            str(dict(DECLINE_REASONS).get(facts.get("reason", ""), "")),
            _("Other programs are open to you."),
        ],
        _("Look at the programs"),
        _url("partner:programs"),
        _because_member(),
    )


def _first_commission(facts: Facts) -> Letter:
    values = {"amount": _money(facts["amount"]), "program": facts["program"], "date": _day(facts["due_at"])}
    return Letter(
        _("Your first commission: %(amount)s") % values,
        [
            _("You earned %(amount)s in %(program)s.") % values,
            _(
                "It is pending until %(date)s, while the order can still come back. Then it is paid with the next payout."
            )
            % values,
        ],
        _("See why it is this amount"),
        _url("partner:earning", facts["commission"]),
        _because_member(),
    )


def _paid(facts: Facts) -> Letter:
    values = {"amount": _money(facts["amount"]), "number": facts["number"]}
    return Letter(
        _("You were paid %(amount)s") % values,
        [
            _("%(amount)s went to your payout account.") % values,
            _("Statement %(number)s shows every sale in it.") % values,
        ],
        _("Open the statement"),
        _url("partner:statement", facts["statement"]),
        _because_member(),
    )


def _stopped(facts: Facts) -> Letter:
    return Letter(
        _("We could not pay you %(amount)s") % {"amount": _money(facts["amount"])},
        [
            _why_stopped(facts["reason"]),
            _("Nothing is lost: the amount is owed to you and goes with the next payout after this is solved."),
        ],
        _("Look at your payout account"),
        _url("partner:settings-payout"),
        _because_member(),
    )


def _why_stopped(code: str) -> str:
    if code in _STRIPE_SAYS:
        return str(_STRIPE_SAYS[code])
    known = REASONS.get(code)
    return str(known.partner) if known else _("Stripe did not accept the transfer to your payout account.")


def _account_changed(facts: Facts) -> Letter:
    sentences = [_("The payout account of %(name)s was changed.") % facts]
    if facts.get("usable_from"):
        sentences.append(
            _("For your safety nothing is paid to the new account before %(date)s.")
            % {"date": _day(facts["usable_from"])}
        )
    sentences.append(_("If it was not you, answer this mail at once and change your password."))
    return Letter(
        _("Your payout account was changed"),
        sentences,
        _("Look at your payout account"),
        _url("partner:settings-payout"),
        _("You get this mail because this is the contact address of the membership. It cannot be switched off."),
    )


def _page_failing(facts: Facts) -> Letter:
    count = int(facts["count"])
    return Letter(
        _("A page that your links lead to is gone"),
        [
            ngettext("%(count)s link of yours leads to a page with trouble.", "%(count)s links of yours lead to a page with trouble.", count) % {"count": count},
            reason_words(facts["reason"], int(facts["status"])),
            _("Lead it to another page: addresses you have shared stay the same. You hear from us when the page is back."),
        ],
        _("Look at the link"),
        _url("partner:link", facts["code"]),
        _because_member(),
        [(_("Page"), facts["url"])],
    )  # fmt: skip


def _page_back(facts: Facts) -> Letter:
    return Letter(
        _("A page that your links lead to is back"),
        [_("The page answers again. There is nothing to do.")],
        _("Look at the link"),
        _url("partner:link", facts["code"]),
        _because_member(),
        [(_("Page"), facts["url"])],
    )


def _submitted(facts: Facts) -> Letter:
    count = int(facts["payouts"])
    return Letter(
        _("Run %(label)s waits for your approval") % facts,
        [
            _("%(prepared_by)s prepared run %(label)s. It needs a second person.") % facts,
            ngettext("It pays %(count)s partner.", "It holds %(count)s payouts.", count) % {"count": count},
        ],
        _("Look at the run"),
        _url("finance:run", facts["run"]),
        _("You get this mail because you approve payout runs."),
        [(one[1], _money(one)) for one in facts["amounts"]],
    )


def _endpoint_failing(facts: Facts) -> Letter:
    url = (
        _url("merchant:endpoint", facts["merchant"], facts["endpoint"])
        if facts["merchant"]
        else _url("partner:endpoint", facts["endpoint"])
    )
    return Letter(
        _("Calls to %(name)s do not arrive") % facts,
        [
            _("The last calls to %(name)s failed.") % facts,
            _("Nothing is lost: they are tried again for a day and a half and kept after that. The address stays on."),
        ],
        _("Look at the calls"),
        url,
        _("You get this mail because you gave us this address to call."),
    )


_RESTRICTED = gettext_lazy(
    "Stripe does not let your payout account receive money at the moment. Open your payout account to see what is missing."
)
_UNUSABLE = gettext_lazy("Stripe says that your payout account is closed or cannot be used. Add another account.")
_STRIPE_SAYS: dict[str, str | Promise] = {
    "account_closed": _UNUSABLE,
    "account_invalid": _UNUSABLE,
    "no_account": _UNUSABLE,
    "invalid_payout_method": _UNUSABLE,
    "capability_not_enabled": _RESTRICTED,
    "insufficient_capabilities_for_transfer": _RESTRICTED,
    "payouts_not_allowed": _RESTRICTED,
    "transfers_not_allowed": _RESTRICTED,
    "amount_too_small": gettext_lazy(
        "The amount is smaller than Stripe transfers in this currency. It waits for more."
    ),
    "amount_too_large": gettext_lazy("The amount is larger than Stripe transfers at once. We look for another way."),
}

_KINDS: dict[str, Callable[[Facts], Letter]] = {
    "enrolment.approved": _approved,
    "enrolment.declined": _declined,
    "commission.first": _first_commission,
    "statement.issued": _paid,
    "payout.blocked": _stopped,
    "payout_method.changed": _account_changed,
    "run.submitted": _submitted,
    "endpoint.failing": _endpoint_failing,
    "link.target_failing": _page_failing,
    "link.target_back": _page_back,
}


def _because_member() -> str:
    return _("You get this mail because you are a partner of %(network)s.") % {"network": settings.NETWORK_NAME}


def _url(name: str, *args: str) -> str:
    return f"{settings.BASE_URL}{reverse(name, args=args)}"


def _money(pair: list[str]) -> str:
    return format_money(Money.parse(pair[0], pair[1], negative=True))


def _day(text: str) -> str:
    return format_day(datetime.fromisoformat(text).date())

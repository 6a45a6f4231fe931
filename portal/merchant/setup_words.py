"""What each parameter of a postback or link is for, and what the linter finds, in words."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tracking.macros import Finding, Kind, Note

type Text = str | Promise

#: Our parameters.
MEANINGS: Mapping[str, Text] = {
    "click_id": _("The click that led to the order: the click_id of the visitor's first page, unchanged."),
    "order_id": _("The shop's number of the order. The same number counts once, whatever way it comes."),
    "amount": _("What commissions are worked out on, in major units, such as 62.00."),
    "currency": _("Three letters, such as USD. Without it, your own currency is meant."),
    "event": _("What happened; sale when it is left out. Other names need a rule of their own."),
    "coupon": _("The code the customer used. It can name the partner where there is no click."),
    "status": _("approved or pending count; rejected, refunded and chargeback take a known order back."),
    "occurred_at": _("When it happened, with its time zone; the moment of arrival when it is left out."),
    "tax": _("Tax contained in the order."),
    "shipping": _("Shipping contained in the order."),
    "discount": _("What was taken off the order."),
    "customer_id": _("Your own number of the customer."),
    "customer_email": _("The customer's address. Only a pseudonym of it is kept."),
    "customer_status": _("new, returning or lapsed."),
    "country": _("The customer's country in two letters."),
    "affiliate": _("The code of the partner's link, where there is neither a click nor a coupon."),
    "refund_amount": _("How much of the order is taken back; all of it when it is left out."),
    "reference": _("Your own number of the refund, so that sending it twice is safe."),
    "test": _("1 makes it a test order: answered like a real one and never booked."),
    "parts": _("The order's lines as GROUP:amount, with | between them."),
    "channel": _("The channel you credit yourself; kept with the order."),
    "key": _("Your key, or its public prefix when the postback is signed."),
    "ts": _("The second at which it was signed."),
    "sig": _("The signature."),
    "legacy": _("200 answers HTTP 200 even to a refusal, for old senders."),
    "url": _("The page to open, on one of the program's hosts."),
    "source_id": _("Where the partner shows the link."),
    "affiliate_click_id": _("The partner's own id of the click."),
    "cons": _("Whether the visitor agreed to cookies: 1 or 0."),
    "gdpr": _("Whether European law applies: 1 or 0."),
    "gdpr_consent": _("The consent string of the visitor's consent banner."),
}

_SUB = _("The partner's own mark, reported and sent back unchanged.")
_ITEM = _("A line of the order.")
_NOT_NEEDED = _("Not needed here.")

KINDS: Mapping[Kind, Text] = {
    Kind.ORDER: _("A shop's postback: it reports orders"),
    Kind.LINK: _("A partner's tracked link"),
    Kind.PARTNER: _("A partner's own postback: it is told of orders"),
}

_FINDINGS: Mapping[Finding, Text] = {
    Finding.UNREADABLE: _("This is no web address. Paste all of it, from https:// to the end."),
    Finding.TOO_LONG: _("The address is longer than 4,000 characters."),
    Finding.NOT_HTTPS: _("The address is not encrypted: what it carries can be read on its way. Ours is https."),
    Finding.NO_CLICK_ID: _("Nothing in it names the click, so no partner can be found. A click_id was added."),
    Finding.NO_ORDER_ID: _(
        "Nothing in it names the order. Without it, nothing can be counted once. An order_id was added."
    ),
    Finding.NO_AMOUNT: _("It has no amount. A sale needs one; an amount was added."),
    Finding.NO_CURRENCY: _("It has no currency; your own is used."),
    Finding.FIXED_VALUE: _("%(subject)s always says the same: %(detail)s. Put your system's placeholder there."),
    Finding.DOUBLED: _("%(subject)s stands in it twice with different values."),
    Finding.UNKNOWN_MACRO: _("%(subject)s is a placeholder that is not known here; it would be sent as it stands."),
    Finding.UNKNOWN_PARAMETER: _("%(subject)s is not needed here and was left out."),
    Finding.SECRET_DROPPED: _("%(subject)s is a secret of the other network. It was left out; use a key of your own."),
    Finding.VALUE_TOO_LONG: _(
        "%(subject)s has %(detail)s characters; 255 is the most. It would be refused, never cut."
    ),
    Finding.EMPTY_VALUE: _("%(subject)s has no value. Put your system's placeholder there."),
    Finding.ODD_BRACKETS: _("%(subject)s has a bracket without its other half: %(detail)s"),
}

_PARTNER_NO_CLICK = _(
    "Nothing in it gives the click back, so the partner's system cannot match it. Add {affiliate_click_id} or {sub1}."
)


def meaning_of(ours: str) -> Text:
    """What one of our parameters is for."""
    if not ours:
        return _NOT_NEEDED
    if ours.startswith("sub"):
        return _SUB
    return MEANINGS.get(ours.lower(), _ITEM)


def sentence_of(note: Note, kind: Kind) -> str:
    """What the linter found, in the reader's language."""
    if note.finding == Finding.NO_CLICK_ID and kind == Kind.PARTNER:
        return str(_PARTNER_NO_CLICK)
    return str(_FINDINGS[note.finding]) % {"subject": note.subject, "detail": note.detail}


def tone_of(note: Note) -> str:
    """neg for what would fail, warn for what is odd, info for what is good to know."""
    if note.is_error:
        return "neg"
    quiet = {Finding.UNKNOWN_PARAMETER, Finding.NO_CURRENCY, Finding.SECRET_DROPPED}
    return "info" if note.finding in quiet else "warn"

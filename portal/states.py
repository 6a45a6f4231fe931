"""The states of things as a reader sees them: a word, a tone and an icon, one vocabulary for all screens.

Status is never colour alone: two of our tones look alike to some readers, so the icon and the word
carry it.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True, slots=True)
class State:
    """How one state is shown. `until` is the sentence used when the next date is known."""

    label: str | Promise
    tone: str
    icon: str
    until: str | Promise | None = None


_PAUSED = "circle-pause"

STATES: dict[str, dict[str, State]] = {
    # The life of an amount, the same words for affiliate, merchant and finance.
    "money": {
        "tracked": State(_("Tracked"), "neutral", "circle-dot"),
        "pending": State(_("Pending"), "warn", "clock", _("Pending until %(date)s")),
        "approved": State(_("Approved"), "pos", "circle-check", _("Approved, paid around %(date)s")),
        "in_run": State(_("In payout run"), "info", "layers", _("In payout run, pays %(date)s")),
        "sent": State(_("Sent"), "info", "send", _("Sent, arrives %(date)s")),
        "paid": State(_("Paid"), "pos", "banknote", _("Paid %(date)s")),
        "held": State(_("Held"), "warn", "hand", _("Held, review by %(date)s")),
        "not_paid": State(_("Not paid"), "neg", "circle-x"),
        "reversed": State(_("Reversed"), "neg", "undo-2", _("Reversed %(date)s")),
        "clawed_back": State(_("Clawed back"), "neg", "circle-minus", _("Clawed back with the payout of %(date)s")),
    },
    "endpoint": {
        "active": State(_("Active"), "pos", "circle-check"),
        "failing": State(_("Failing"), "neg", "triangle-alert", _("Failing since %(date)s")),
        "paused": State(_("Paused"), "neutral", _PAUSED),
    },
    "call": {
        "delivered": State(_("Delivered"), "pos", "circle-check", _("Delivered %(date)s")),
        "waiting": State(_("Waiting"), "warn", "clock", _("Next try %(date)s")),
        "dead": State(_("Given up"), "neg", "circle-x"),
    },
    "payout": {
        "ready": State(_("Ready"), "info", "circle-dot"),
        "sending": State(_("Sending"), "info", "loader"),
        "unsure": State(_("Outcome unknown"), "warn", "hourglass"),
        "sent": State(_("Sent"), "info", "send", _("Sent, arrives %(date)s")),
        "paid": State(_("Paid"), "pos", "circle-check", _("Paid %(date)s")),
        "blocked": State(_("Blocked"), "neg", "ban"),
        "cancelled": State(_("Cancelled"), "neutral", "circle-slash"),
        "returned": State(_("Returned by the bank"), "neg", "undo-2"),
    },
    "run": {
        "prepared": State(_("Prepared"), "info", "list-checks"),
        "submitted": State(_("Waiting for approval"), "warn", "user-check"),
        "approved": State(_("Approved"), "pos", "circle-check"),
        "sending": State(_("Sending"), "info", "loader"),
        "sent": State(_("Sent"), "info", "send"),
        "closed": State(_("Closed"), "pos", "lock-keyhole"),
        "cancelled": State(_("Cancelled"), "neutral", "circle-slash"),
    },
    "enrolment": {
        "applied": State(_("Applied"), "warn", "clock", _("Applied, answer by %(date)s")),
        "approved": State(pgettext_lazy("enrolment", "Member"), "pos", "circle-check"),
        "declined": State(_("Declined"), "neg", "circle-x"),
        "suspended": State(_("Suspended"), "warn", _PAUSED),
        "left": State(pgettext_lazy("enrolment", "Left"), "neutral", "log-out"),
    },
    "conversion": {
        "accepted": State(_("Accepted"), "pos", "circle-check"),
        "duplicate": State(_("Counted before"), "neutral", "copy"),
        "unattributed": State(_("No affiliate"), "neutral", "circle-dashed"),
        "held": State(_("Held"), "warn", "hand", _("Held, review by %(date)s")),
        "rejected": State(_("Rejected"), "neg", "circle-x"),
        "test": State(_("Test"), "info", "flask-conical"),
        "quarantined": State(_("Set aside"), "warn", "shield-alert"),
        "refunded": State(_("Refunded"), "neg", "undo-2"),
    },
    "program": {
        "draft": State(_("Draft"), "neutral", "pencil"),
        "open": State(pgettext_lazy("program", "Open"), "pos", "circle-play"),
        "paused": State(_("Paused"), "warn", _PAUSED),
        "closed": State(_("Closed"), "neutral", "circle-slash"),
    },
    "affiliate": {
        "active": State(_("Active"), "pos", "circle-check"),
        "frozen": State(_("Frozen"), "warn", _PAUSED),
        "closed": State(_("Closed"), "neutral", "circle-slash"),
    },
    "link": {
        "active": State(_("Active"), "pos", "circle-check"),
        "retired": State(_("Retired"), "neutral", "archive"),
    },
    "domain": {
        "pending": State(_("Waiting for DNS"), "warn", "clock"),
        "verified": State(_("Verified"), "pos", "badge-check"),
        "failed": State(_("Failed"), "neg", "circle-x"),
    },
    "payout_method": {
        "pending": State(_("Being checked"), "warn", "clock", _("Being checked until %(date)s")),
        "verified": State(_("Verified"), "pos", "badge-check"),
        "restricted": State(_("Needs attention"), "neg", "triangle-alert"),
    },
    "rule": {
        "live": State(pgettext_lazy("rule", "Live"), "pos", "circle-play"),
        "scheduled": State(_("Scheduled"), "info", "calendar", _("Starts %(date)s")),
        "ended": State(_("Ended"), "neutral", "archive"),
        "draft": State(_("Draft"), "neutral", "pencil"),
    },
    "coupon": {
        "live": State(pgettext_lazy("coupon", "Live"), "pos", "circle-play"),
        "planned": State(_("Planned"), "info", "calendar"),
        "ended": State(_("Ended"), "neutral", "archive"),
    },
    "shop": {
        "active": State(_("Active"), "pos", "circle-play"),
        "paused": State(_("Paused"), "warn", "circle-pause"),
    },
    "key": {
        "active": State(_("Active"), "pos", "key-round"),
        "revoked": State(_("Revoked"), "neg", "ban"),
    },
    "claim": {
        "open": State(pgettext_lazy("claim", "Waits for the merchant"), "warn", "clock"),
        "incomplete": State(pgettext_lazy("claim", "Waits for the partner"), "info", "circle-pause"),
        "appealed": State(pgettext_lazy("claim", "With the network"), "info", "scale"),
        "accepted": State(pgettext_lazy("claim", "Accepted"), "pos", "circle-check"),
        "declined": State(pgettext_lazy("claim", "Declined"), "neg", "circle-x"),
        "withdrawn": State(pgettext_lazy("claim", "Withdrawn"), "neutral", "archive"),
    },
    "finding": {
        "noted": State(pgettext_lazy("finding", "Noted"), "neutral", "eye"),
        "open": State(pgettext_lazy("finding", "To be looked at"), "warn", "search"),
        "held": State(pgettext_lazy("finding", "Held"), "warn", "hand", _("Held, answer by %(date)s")),
        "appealed": State(pgettext_lazy("finding", "Appealed"), "info", "scale", _("Appealed, answer by %(date)s")),
        "released": State(pgettext_lazy("finding", "Released"), "pos", "circle-check", _("Released %(date)s")),
        "confirmed": State(pgettext_lazy("finding", "Confirmed"), "neg", "circle-x", _("Confirmed %(date)s")),
    },
    "upload": {
        "mapping": State(_("Columns to be named"), "warn", "table-properties"),
        "trying": State(_("Being tried"), "info", "loader"),
        "tried": State(_("Tried, not recorded"), "warn", "list-checks"),
        "recording": State(_("Being recorded"), "info", "loader"),
        "done": State(pgettext_lazy("upload", "Recorded"), "pos", "circle-check"),
        "discarded": State(_("Discarded"), "neutral", "circle-slash"),
    },
    "job": {
        "waiting": State(_("Waiting"), "neutral", "clock"),
        "running": State(_("Running"), "info", "loader"),
        "done": State(_("Done"), "pos", "circle-check"),
        "failed": State(_("Failed"), "neg", "circle-x"),
        "cancelled": State(_("Cancelled"), "neutral", "circle-slash"),
    },
}

# A commission is the amount it stands for.
STATES["commission"] = STATES["money"]
STATES["inbox"] = STATES["conversion"]

#: What a place in the workspace switcher is.
WORKSPACE_KINDS: dict[str, str | Promise] = {
    "partner": _("Partner"),
    "merchant": _("Merchant"),
    "finance": _("Finance desk"),
    "network": _("Network office"),
    "cms": _("Public pages"),
    "editor": _("Public pages"),
}


def state_of(kind: str, value: str) -> State:
    """How `value` of a `kind` is shown; a state this list does not know yet shows its own name."""
    known = STATES.get(kind, {}).get(value)
    return known or State(value.replace("_", " ").capitalize(), "neutral", "circle-dot")

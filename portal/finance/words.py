"""Codes of runs and payouts in the finance desk's words: what it means, and what happens next."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from payouts.queries.finance import ABOVE_MEDIAN, LARGE
from portal.reasons import REASONS, reason_of

type Text = str | Promise


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a payout did not go through: in words, and the next step with who takes it."""

    title: Text
    text: Text
    next_step: Text
    is_ours: bool = False


_PARTNER_REPAIRS = _(
    "The partner has been told. The amount is payable again and goes with the next run after the account is mended."
)
_NEXT_RUN = _("Nothing to do: the amount is payable again and goes with the next run.")

CAUSES: dict[str, Cause] = {
    "unsure": Cause(
        _("Outcome unknown"),
        _("Stripe has not told us whether this was sent. Sending it again could pay twice, so it is locked."),
        _("Nothing to do: we look it up at Stripe by ourselves, and send again only when it is certain that nothing left."),
    ),
    "balance_insufficient": Cause(
        _("Waiting for funds"),
        _("The Stripe balance did not cover it. It keeps its place, and nobody behind it overtakes."),
        _("Top up the Stripe balance in this currency. Sending goes on by itself within a minute."),
        is_ours=True,
    ),
    "account_closed": Cause(_("Account closed"), _("The partner's account at Stripe is closed."), _PARTNER_REPAIRS),
    "account_invalid": Cause(_("Account cannot be used"), _("Stripe does not know the account, or it is closed."), _PARTNER_REPAIRS),
    "no_account": Cause(_("No such account"), _("Stripe does not know the account."), _PARTNER_REPAIRS),
    "invalid_payout_method": Cause(_("Account cannot be used"), _("Stripe does not accept the account."), _PARTNER_REPAIRS),
    "capability_not_enabled": Cause(_("Account restricted"), _("Stripe does not let the account receive transfers."), _PARTNER_REPAIRS),
    "insufficient_capabilities_for_transfer": Cause(
        _("Account restricted"), _("Stripe does not let the account receive transfers at the moment."), _PARTNER_REPAIRS
    ),
    "payouts_not_allowed": Cause(_("Account restricted"), _("Stripe does not pay this account out."), _PARTNER_REPAIRS),
    "transfers_not_allowed": Cause(_("Account restricted"), _("Stripe does not let the account receive transfers."), _PARTNER_REPAIRS),
    "amount_too_small": Cause(_("Amount too small"), _("Stripe does not transfer so little in this currency."), _NEXT_RUN),
    "amount_too_large": Cause(
        _("Amount too large"), _("Stripe does not transfer so much at once."), _("Ask Stripe to raise the limit, or pay by another way."), is_ours=True
    ),
    "payee_not_payable": Cause(
        _("Partner cannot be paid"),
        _("The membership was frozen, or the account was restricted, after the run was prepared."),
        _("The amount is payable again. It goes with the next run once the partner can be paid."),
    ),
    "destination_changed": Cause(
        _("Account changed"),
        _("The partner's bank account was changed after the run was prepared, so it was not paid."),
        _("The new account waits its days, then the amount goes with the next run. The contact address was told of the change."),
    ),
    "transfer_reversed": Cause(_("Transfer came back"), _("Stripe reversed the transfer."), _PARTNER_REPAIRS),
    "run_cancelled": Cause(_("Run cancelled"), _("The run was cancelled before this was sent."), _NEXT_RUN),
    "excluded": Cause(_("Excluded"), _("Taken out of the run under review."), _NEXT_RUN),
    "idempotency_error": Cause(
        _("Request differs"),
        _("Stripe says that this request differs from an earlier one under the same key. That is a fault of this software."),
        _("Compare the payout with Stripe's dashboard before you resume it, and report the fault."),
        is_ours=True,
    ),
}  # fmt: skip


def cause_of(code: str) -> Cause:
    """A cause in words; a code that nobody knows waits for a person and says so."""
    known = CAUSES.get(code)
    if known is not None:
        return known
    return Cause(
        _("Refused by Stripe"),
        code.replace("_", " "),
        _("The money stays reserved. Look at Stripe's dashboard for the reason, then resume the payout."),
        is_ours=True,
    )


def left_out_words(code: str) -> tuple[Text, Text]:
    """Why somebody is not in a run: a title and a sentence."""
    if code == "affiliate_closed":
        return _("Membership closed"), _("The membership is closed. What is owed stays owed.")
    reason = reason_of(code)
    return reason.title, reason.merchant if code in REASONS else ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a line that deserves a look: in words, with its usual cause."""

    label: Text
    text: Text
    usual: Text


_FINDINGS: dict[str, Finding] = {
    "fraud_suspected": Finding(_("Under suspicion"), _("A finding about commissions in this payout has not been answered."), _("Accept it with a reason or exclude it: until then the run does not go on.")),
    "first_payout": Finding(_("First payout"), _("This partner was never paid in this currency."), _("Usual cause: a new partner. Look at the orders once.")),
    "above_median": Finding(_("Far above usual"), _("More than %(times)s times the median of the partner's former payouts."), _("Usual cause: a campaign or a large order.")),
    "method_changed": Finding(_("Account changed"), _("The bank account is another one than at the last payout."), _("Usual cause: the partner changed banks. Ask when in doubt.")),
    "large": Finding(_("Large"), _("More than %(times)s times the median of this run."), _("Usual cause: a strong partner.")),
}  # fmt: skip
#: The views of a run's lines, by what they look for.
FINDING_NAMES: dict[str, Text] = {
    "any": _("To check"),
    **{name: found.label for name, found in _FINDINGS.items()},
    "clean": _("Without findings"),
}
_TIMES = {"above_median": ABOVE_MEDIAN, "large": LARGE}


def finding_of(name: str, *, usual: SafeString | None = None) -> Finding:
    """A finding in words; with the usual amount that it is compared with, where there is one."""
    found = _FINDINGS[name]
    if name == "above_median" and usual is not None:
        text: Text = format_html(
            gettext("More than {times} times the usual {amount}."), times=ABOVE_MEDIAN, amount=usual
        )
        return Finding(found.label, text, found.usual)
    text = str(found.text) % {"times": _TIMES[name]} if name in _TIMES else found.text
    return Finding(found.label, text, found.usual)


#: What happened, in the log of a run, a payout or an entry.
EVENTS: dict[str, Text] = {
    "run.prepared": _("Prepared"),
    "run.submitted": _("Submitted for approval"),
    "run.returned": _("Returned for review"),
    "run.approved": _("Approved"),
    "run.started": _("Sending began"),
    "run.closed": _("Closed: everything has come to its end"),
    "run.cancelled": _("Cancelled"),
    "run.alarm": _("Alarm: our books and Stripe disagree"),
    "run.alarm_cleared": _("Alarm cleared"),
    "payout.excluded": _("Excluded"),
    "payout.suspicion_accepted": _("Accepted although a finding about it stands"),
    "payout.cancelled": _("Called off, the money is payable again"),
    "payout.sent": _("Accepted by Stripe"),
    "payout.paid": _("Settled"),
    "payout.blocked": _("Not paid"),
    "payout.unsure": _("Outcome unknown"),
    "payout.resumed": _("Resumed"),
    "statement.issued": _("Statement issued"),
    "commission.accrued": _("Commission earned"),
    "commission.approved": _("Hold over, commission approved"),
    "commission.reversed": _("Commission taken back"),
    "conversion.recorded": _("Order recorded"),
    "conversion.attributed": _("Order attributed to a partner"),
    "conversion.refunded": _("Order refunded"),
    "deposit.received": _("Deposit received"),
    "enrolment.applied": _("Partner applied to a program"),
    "enrolment.approved": _("Partner admitted to a program"),
    "enrolment.declined": _("Partner declined by a program"),
    "enrolment.suspended": _("Partner suspended in a program"),
    "enrolment.left": _("Partner left a program"),
    "program.drafted": _("Program drafted"),
    "program.opened": _("Program opened"),
    "program.paused": _("Program paused"),
    "program.closed": _("Program closed"),
    "terms.published": _("Terms published"),
    "rules.published": _("Rules published"),
    "merchant.created": _("Merchant created"),
    "key.issued": _("Key made"),
    "key.revoked": _("Key revoked"),
    "role.granted": _("Role granted"),
    "role.revoked": _("Role revoked"),
}

#: What an account is for, by its kind.
KINDS: dict[str, tuple[Text, Text]] = {
    "receivable": (_("Receivable"), _("What merchants owe for commissions; a negative figure is paid ahead.")),
    "deposit": (_("Deposits"), _("What merchants placed in advance.")),
    "pending": (_("Pending"), _("Earned by partners, still on hold.")),
    "payable": (_("Payable"), _("Approved, and owed to partners now.")),
    "recoverable": (_("To recover"), _("Paid for orders that came back; netted from later payouts.")),
    "in_transit": (_("In runs"), _("Reserved for payouts that have not settled.")),
    "cash": (_("Cash at Stripe"), _("The network's balance at Stripe, as our book has it.")),
    "fees": (_("Fees"), _("What the network earned.")),
}

#: What an entry says, by its kind.
ENTRIES: dict[str, Text] = {
    "commission.accrual": _("Commission earned"),
    "commission.approval": _("Hold over, commission approved"),
    "commission.reversal": _("Commission taken back"),
    "payout.reserved": _("Reserved for a payout"),
    "payout.settlement": _("Payout settled"),
    "payout.release": _("Payout given back"),
    "payout.return": _("Transfer came back"),
    "merchant.deposit": _("Deposit received"),
    "merchant.deposit_applied": _("Deposit applied to what is owed"),
}


#: What came of one try to send a payout.
OUTCOMES: dict[str, Text] = {
    "": _("no answer yet"),
    "accepted": _("accepted"),
    "settled": _("accepted and settled"),
    "no_answer": _("no answer came"),
    "unanswered": _("no answer came"),
    "provider_failed": _("Stripe failed"),
    "busy": _("too many requests"),
}


def outcome_words(code: str) -> Text:
    """What came of a try: a refusal in the words of its cause."""
    return OUTCOMES[code] if code in OUTCOMES else cause_of(code).title


def kind_words(kind: str) -> tuple[Text, Text]:
    """An account's kind: its name, and what it is for."""
    return KINDS.get(kind, (kind.replace("_", " ").capitalize(), ""))


def entry_words(kind: str) -> Text:
    """What an entry says."""
    return ENTRIES.get(kind, kind)


def event_words(name: str) -> Text:
    """What an event says."""
    return EVENTS.get(name, name)

"""Claims as all three sides see them: the clock, the thread, the forms; the pages stand with their audiences."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from babel.dates import format_timedelta
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from ledger.errors import Refusal
from ledger.money import Money
from payouts.claims import papers
from payouts.queries.claims import CLAIM_KINDS, CLAIM_VIEWS, DECLINE_REASONS
from portal.formats import format_moment, locale_of
from portal.states import state_of
from portal.why_not import Told, told

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from payouts.models import Claim, ClaimNote

_KIND_WORDS: dict[str, str | Promise] = {
    "untracked": gettext_lazy("Missing sale"),
    "declined": gettext_lazy("Sale not given to the partner"),
    "incorrect": gettext_lazy("Wrong order amount"),
    "amount": gettext_lazy("Wrong commission"),
}

#: What a step of the thread is called.
_STEPS: dict[str, str | Promise] = {
    "opened": gettext_lazy("Claim made"),
    "commented": gettext_lazy("Comment"),
    "asked_back": gettext_lazy("Asked back: the clock stands still"),
    "answered": gettext_lazy("Answered: the clock runs on"),
    "accepted": gettext_lazy("Accepted"),
    "declined": gettext_lazy("Declined"),
    "appealed": gettext_lazy("Taken to the network"),
    "escalated": gettext_lazy("Handed to the network: the merchant's time was over"),
    "confirmed": gettext_lazy("Declined by the network"),
    "withdrawn": gettext_lazy("Withdrawn"),
}

_SIDES: dict[str, str | Promise] = {
    "partner": gettext_lazy("Partner"),
    "merchant": gettext_lazy("Merchant"),
    "network": gettext_lazy("Network"),
    "house": gettext_lazy("By itself"),
}


@dataclass(frozen=True, slots=True)
class Clock:
    """What a claim waits for, until when, and whether that is over. `tone` colours the badge."""

    text: str
    until: datetime | None
    tone: str
    icon: str
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the thread in words."""

    what: str
    who: str
    at: datetime
    text: str
    state: str


def kind_words(kind: str) -> str:
    """What a kind of claim is called."""
    return str(_KIND_WORDS.get(kind, dict(CLAIM_KINDS).get(kind, kind)))


def reason_words(claim: "Claim") -> str:
    """Why a claim was declined."""
    return str(dict(DECLINE_REASONS).get(claim.decline_reason, "")) if claim.decline_reason else ""


def clock_of(claim: "Claim", *, at: datetime) -> Clock:
    """What comes next with a claim: the promised reply, the deadline, or nothing more."""
    if claim.status == "incomplete":
        return Clock(_("The clock stands still until the partner answers"), None, "info", "circle-pause")
    if claim.status == "appealed":
        return Clock(_("The network decides"), None, "info", "scale")
    if claim.status != "open":
        return Clock("", None, "neutral", "circle-dot")
    if claim.first_reply_at is None:
        return _promise(claim, at=at)
    left = claim.deadline_at - at
    if left <= timedelta(0):
        return Clock(_("The deadline is over: it is accepted by itself now"), claim.deadline_at, "warn", "clock", True)
    return Clock(_("Decision within %(time)s") % {"time": _span(left)}, claim.deadline_at, "info", "clock")


def _promise(claim: "Claim", *, at: datetime) -> Clock:
    left = claim.reply_due_at - at
    if left <= timedelta(0):
        text = _("Reply late by %(time)s") % {"time": _span(-left)}
        return Clock(text, claim.reply_due_at, "neg", "triangle-alert", is_late=True)
    return Clock(_("First reply within %(time)s") % {"time": _span(left)}, claim.reply_due_at, "warn", "clock")


def lines_of(notes: Iterable["ClaimNote"], *, viewer: str) -> list[Line]:
    """The thread in words. A partner and a merchant read each other's side, their own people by name."""
    found = []
    for one in notes:
        who = str(_SIDES.get(one.side, one.side))
        if one.author is not None and (viewer == one.side or viewer == "network"):
            who = f"{who} · {one.author.get_short_name()}"
        state = "bad" if one.step in {"declined", "confirmed"} else "done"
        found.append(Line(str(_STEPS.get(one.step, one.step)), who, one.at, one.text, state))
    return found


def evidence_words(claim: "Claim") -> Told | None:
    """What the event log said when the claim was made."""
    evidence: dict[str, Any] = claim.evidence or {}
    situation = evidence.get("situation", "")
    return told(situation, evidence.get("reason", ""), evidence.get("numbers")) if situation else None


def view_choices() -> list[tuple[str, str]]:
    """The filters of a list of claims."""
    words = {"waiting": _("Wait for an answer"), "late": _("Reply late")}
    return [("", _("All")), *((name, words.get(name) or str(state_of("claim", name).label)) for name in CLAIM_VIEWS)]


def minutes_text(minutes: int | None) -> str:
    """A number of minutes as a span of time."""
    return _span(timedelta(minutes=minutes)) if minutes is not None else "–"


def paper_response(paper: Any) -> HttpResponse:
    """A paper as a download that no browser runs or guesses at."""
    response = HttpResponse(papers.content_of(paper), content_type=paper.content_type)
    response["Content-Disposition"] = content_disposition_header(True, paper.name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def moment_text(moment: datetime) -> str:
    """A moment with its clock."""
    return format_moment(moment, style="time")


def read_paper(upload: UploadedFile | None) -> list[papers.Paper]:
    """An uploaded file, read no further than what may be kept and one byte more."""
    if upload is None:
        return []
    return [papers.Paper(upload.name or "proof", upload.read(papers.LARGEST + 1))]


def _span(length: timedelta) -> str:
    return str(format_timedelta(length, granularity="minute", locale=locale_of()))


# ── Forms ────────────────────────────────────────────────────────────────────────────────


class MoneyField(forms.CharField):
    """An amount of one currency, written in major units."""

    def __init__(self, *, currency: str = "USD", **more: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=24, widget=widget, **more)
        self.currency = currency

    def clean(self, value: Any) -> Any:
        """Money, or None when it may be left out and is."""
        text = super().clean(value).strip()
        if not text:
            return None
        try:
            amount = Money.parse(text, self.currency)
        except Refusal:
            amount = Money.zero(self.currency)
        if amount.minor <= 0:
            raise forms.ValidationError(
                _("%(label)s: write an amount such as %(example)s.")
                % {"label": self.label, "example": Money(6_200, self.currency).major}
            )
        return amount


class CommentForm(forms.Form):
    """A word to the other side."""

    text = forms.CharField(label=gettext_lazy("Comment"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 3}))


class DeclineClaimForm(forms.Form):
    """Why a claim is declined: one of nine reasons, and words of one's own."""

    reason = forms.ChoiceField(label=gettext_lazy("Reason"), choices=lambda: list(DECLINE_REASONS))
    text = forms.CharField(
        label=gettext_lazy("In your own words"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The partner reads both."),
    )


class AcceptClaimForm(forms.Form):
    """What is granted: as claimed, or another amount."""

    amount = MoneyField(label=gettext_lazy("Order amount"), required=False)
    extra = MoneyField(
        label=gettext_lazy("Or: commission to add"),
        required=False,
        help_text=gettext_lazy("Fill this in only to add a sum of your own, whatever the rules give."),
    )
    text = forms.CharField(
        label=gettext_lazy("In your own words"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, data: Any = None, *, claim: "Claim", **more: Any) -> None:
        super().__init__(data, **more)
        for name in ("amount", "extra"):
            field = self.fields[name]
            assert isinstance(field, MoneyField)
            field.currency = claim.currency
            field.label = f"{field.label} ({claim.currency})"
        if claim.kind not in {"untracked", "incorrect"}:
            del self.fields["amount"]
        elif claim.amount is not None:
            self.fields["amount"].initial = claim.amount.major


class ClaimFilterForm(forms.Form):
    """The question to a list of claims."""

    q = forms.CharField(label=gettext_lazy("Order or name"), required=False, max_length=128, widget=forms.SearchInput)
    view = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=view_choices)


def silence_text(claim: "Claim", *, to_merchant: bool = False) -> str:
    """What happens when the merchant says nothing."""
    sentence = (
        _("If you have not decided by %(time)s, the claim is accepted by itself.")
        if to_merchant
        else _("If the merchant has not decided by %(time)s, the claim is accepted by itself.")
    )
    return sentence % {"time": moment_text(claim.deadline_at)}


def share_text(share: float | None) -> str:
    """A share as whole percent, or a dash."""
    return pgettext("share", "%(percent)s%%") % {"percent": round(share * 100)} if share is not None else "–"

"""Rules: what partners earn, now and before, and the next version."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from affiliates.access import open_program_of
from affiliates.errors import NotVisible
from affiliates.queries import programs_of, terms_at
from ledger.errors import Refusal
from payouts.access import open_rule_version_in
from payouts.queries.rule_history import Change, LineFacts, VersionFacts, history_of
from payouts.rules.versions import publish_rules
from portal.errors import sentence_of
from portal.explain import event_words, rate_text
from portal.formats import format_moment
from portal.merchant.pages import here, show
from portal.merchant.rule_forms import VersionForm, line_forms
from portal.requests import MerchantRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Program, Terms


@dataclass(frozen=True, slots=True)
class ProgramRules:
    """A program with its rules over time and the terms in force."""

    program: "Program"
    versions: list["ShownVersion"]
    terms: "Terms | None"
    new_url: str

    @property
    def live(self) -> "ShownVersion | None":
        """The version in force."""
        return next((one for one in self.versions if one.facts.state == "live" and not one.facts.is_replaced), None)


@dataclass(frozen=True, slots=True)
class ShownVersion:
    """A version in words."""

    facts: VersionFacts
    sentences: list[str]
    changes: list[str]
    url: str


@require_safe
def rules(request: MerchantRequest) -> HttpResponse:
    """Each program's rules in force as sentences, and its versions."""
    at = timezone.now()
    context = {"programs": [_rules_of(request, program, at=at) for program in programs_of(request.merchant)]}
    return show(
        request, "rules.html", context, place="rules", title=_("Rules"),
        lead=_("What partners earn. A version is never changed: a new one takes over at its start, and every order is paid by the rules of its own time."),
    )  # fmt: skip


@require_safe
def rule(request: MerchantRequest, rule_id: str) -> HttpResponse:
    """One version: its sentences, what it changed, who published it."""
    version = open_rule_version_in(request.merchant, rule_id)
    program = version.program
    shown = [_shown(request, facts) for facts in history_of(program, at=timezone.now())]
    found = next(one for one in shown if one.facts.id == version.public_id)
    context = {"shown": found, "program": program, "others": [one for one in shown if one is not found]}
    return show(
        request, "rule.html", context, place="rules",
        title=_("%(program)s, version %(version)s") % {"program": program.name, "version": found.facts.version},
        crumbs=[(_("Rules"), here(request, "rules"))],
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """Publish the next version of a program's rules."""
    program = open_program_of(request.merchant, program_slug)
    at = timezone.now()
    history = history_of(program, at=at)
    live = next(
        (one for one in history if one.state == "live" and not one.is_replaced), history[0] if history else None
    )
    data = request.POST if request.method == "POST" else None
    form = VersionForm(data, zone=request.merchant.time_zone)
    lines = line_forms(data, live.lines if live else (), currency=program.currency)
    if data is not None and _publish(request, program, form, lines, at=at):
        return redirect("merchant:rules", request.merchant.slug)
    context = {
        "form": form,
        "lines": lines,
        "program": program,
        "live": live,
        "next_version": history[0].version + 1 if history else 1,
    }
    return show(
        request, "rule_new.html", context, place="rules", status=200 if data is None else 400,
        title=_("New rules for %(program)s") % {"program": program.name}, crumbs=[(_("Rules"), here(request, "rules"))],
    )  # fmt: skip


def _publish(request: MerchantRequest, program: "Program", form: VersionForm, lines: list, *, at: datetime) -> bool:  # type: ignore[type-arg]
    """Publish what was written; whether that worked. What is wrong is said at its field."""
    if not all([form.is_valid(), *(line.is_valid() for line in lines)]):
        return False
    drafts = [line.cleaned_data["draft"] for line in lines if line.cleaned_data["draft"] is not None]
    if not drafts:
        form.add_error(None, _("Write at least one line with a value."))
        return False
    try:
        version = publish_rules(
            program, drafts, starts_at=form.starts(at), at=at, by=request.user, note=form.cleaned_data["note"]
        )
    except Refusal as refusal:
        form.add_error("starts_at" if refusal.field == "starts_at" else None, sentence_of(refusal))
        return False
    when = format_moment(version.starts_at, style="time")
    messages.success(
        request, _("Version %(version)s is published and starts %(when)s.") % {"version": version.version, "when": when}
    )
    return True


def _rules_of(request: MerchantRequest, program: "Program", *, at: datetime) -> ProgramRules:
    return ProgramRules(
        program,
        [_shown(request, facts) for facts in history_of(program, at=at)],
        terms_at(program, at),
        here(request, "rule-new", program.slug),
    )


def _shown(request: MerchantRequest, facts: VersionFacts) -> ShownVersion:
    return ShownVersion(
        facts,
        [line_words(line) for line in facts.lines],
        [change_words(change) for change in facts.changes],
        here(request, "rule", facts.id),
    )


def line_words(line: LineFacts) -> str:
    """A line as a sentence: "Every sale pays 20% of the order." """
    if line.flat is not None:
        return _("%(name)s: each %(event)s pays %(rate)s.") % {
            "name": line.name, "event": event_words(line.event), "rate": rate_text(line),
        }  # fmt: skip
    return _("%(name)s: each %(event)s pays %(rate)s of the order.") % {
        "name": line.name, "event": event_words(line.event), "rate": rate_text(line),
    }  # fmt: skip


def change_words(change: Change) -> str:
    """What became of a line."""
    if change.before is None and change.after is not None:
        return _("New: %(line)s") % {"line": line_words(change.after)}
    if change.after is None and change.before is not None:
        return _("Gone: %(line)s") % {"line": line_words(change.before)}
    if change.before is None or change.after is None:
        raise NotVisible("change")
    return _("%(name)s: %(before)s became %(after)s.") % {
        "name": change.after.name, "before": rate_text(change.before), "after": rate_text(change.after),
    }  # fmt: skip

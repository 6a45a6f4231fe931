"""Findings as merchant, network and partner see them: words, numbers, the drawing, the steps and the forms."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.money import Money
from payouts.queries import fraud as fraud_queries
from portal import charts
from portal.chart_bars import bars
from portal.formats import format_percent
from portal.fraud_words import (
    ACTIONS,
    SIDES,
    STEPS,
    false_share_text,
    luck_of,
    rule_words,
    sentence_for,
    small,
    title_of,
)
from portal.states import state_of
from tracking.queries.fraud import times_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from tracking.models import FraudFinding, FraudStep

#: Rules about how long after the click an order comes: people look at the times.
_ABOUT_TIMES = frozenset({"F1", "F2", "F3", "F4", "F13"})

_CLASSES: tuple[str | Promise, ...] = (
    gettext_lazy("10 s"), gettext_lazy("30 s"), gettext_lazy("2 min"), gettext_lazy("10 min"), gettext_lazy("1 h"),
    gettext_lazy("6 h"), gettext_lazy("1 day"), gettext_lazy("3 days"), gettext_lazy("7 days"), gettext_lazy("later"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding in a list."""

    finding: "FraudFinding"
    title: str
    sentence: str
    luck: str
    held: Money
    url: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class TestRow:
    """One test that was run on the partner."""

    rule: str
    title: str
    sentence: str
    luck: str
    corrected: str
    fired: bool
    is_few: bool


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step in words."""

    what: str
    who: str
    at: datetime
    text: str
    state: str


def rows_of(findings: "Sequence[FraudFinding]", *, reader: str, url_of: Any) -> list[FindingRow]:
    """A page of a list, in words; one query more."""
    held = fraud_queries.held_by_finding(findings)
    return [
        FindingRow(
            one,
            title_of(one.rule),
            sentence_for(reader, one.rule, one.numbers),
            luck_of(one.p_value),
            held[one.pk],
            url_of(one),
            until_of(one),
        )
        for one in findings
    ]


def until_of(finding: "FraudFinding") -> datetime | None:
    """The date that the word of its state takes: the promised answer, or the decision."""
    return finding.decided_at if finding.state in {"released", "confirmed"} else finding.answer_due_at


def tests_of(finding: "FraudFinding") -> list[TestRow]:
    """Every test that was run, those that did not fire too, the least likely first."""
    rows: list[tuple[float, TestRow]] = []
    for one in finding.tested:
        p_value = one.get("p")
        numbers = one.get("numbers") or {}
        is_few = bool(numbers.get("few"))
        rows.append(
            (
                -1.0 if one.get("fired") and p_value is None else 2.0 if p_value is None else p_value,
                TestRow(
                    one["rule"],
                    title_of(one["rule"]),
                    sentence_for("merchant", one["rule"], numbers),
                    _("too little to test") if is_few else luck_of(p_value),
                    "" if p_value is None else small(min(1.0, p_value * max(finding.tests, 1))),
                    bool(one.get("fired")),
                    is_few,
                ),
            )
        )
    return [row for _order, row in sorted(rows, key=lambda pair: pair[0])]


def lines_of(steps: "Iterable[FraudStep]", *, viewer: str) -> list[StepLine]:
    """What was done, in words. Each side reads its own people by name; the network reads everybody's."""
    found = []
    for one in steps:
        who = str(SIDES.get(one.side, one.side))
        if one.author is not None and viewer in {one.side, "network"}:
            who = f"{who} · {one.author.get_short_name()}"
        text = one.text
        if one.step == "grew":
            count = int(text) if text.isdigit() else 0
            text = ngettext("%(count)s order", "%(count)s orders", count) % {"count": count}
        elif one.step == "released" and one.side == "house":
            text = _("Nobody answered by the promised date, so it ended by itself.")
        elif viewer == "partner" and one.step == "asked":
            # What the merchant says to the network is for the network.
            text = ""
        state = "bad" if one.step in {"confirmed", "found", "held", "grew"} else "done"
        found.append(StepLine(str(STEPS.get(one.step, one.step)), who, one.at, text, state))
    return found


def chart_of(finding: "FraudFinding") -> charts.Chart | None:
    """What people would rather look at: the times beside the program's, or the share beside the usual one."""
    if finding.rule in _ABOUT_TIMES:
        times = times_of(
            finding.program_id,
            finding.enrolment_id,
            starts_at=finding.window_starts_at,
            ends_at=finding.window_ends_at,
        )
        if not sum(times.own):
            return None
        return charts.lines(
            [str(name) for name in _CLASSES],
            [
                charts.Series(_("This partner"), times.shares(times.own)),
                charts.Series(_("Other partners"), times.shares(times.others)),
            ],
            title=_("From click to order: this partner beside the others"),
            unit=_("share of orders"),
            label_name=_("Within"),
            shown=_percent,
            axis=_percent,
        )
    numbers = finding.numbers
    count, whole, usual = numbers.get("count"), numbers.get("of"), numbers.get("usual")
    if not whole or usual is None:
        return None
    parts = [
        charts.Part(_("This partner"), float(count or 0) / float(whole)),
        charts.Part(_("Usual in the program"), float(usual)),
    ]
    if numbers.get("allowed") is not None:
        parts.append(charts.Part(_("Allowed before a test begins"), float(numbers["allowed"])))
    return bars(
        parts, title=title_of(finding.rule), name=_("Share"), label_name=_("Of"), shown=_percent,
    )  # fmt: skip


def finding_context(finding: "FraudFinding", *, viewer: str) -> dict[str, Any]:
    """What merchant and network see of one finding."""
    words = rule_words(finding.rule)
    return {
        "finding": finding,
        "title": str(words.title),
        "looks_at": words.looks_at,
        "sentence": sentence_for("merchant", finding.rule, finding.numbers),
        "staff_sentence": sentence_for("staff", finding.rule, finding.numbers),
        "luck": luck_of(finding.p_value),
        "cut": small(finding.cut),
        "false_share": false_share_text(p_value=finding.p_value, tests=finding.tests, cut=finding.cut),
        "tests": tests_of(finding),
        "lines": lines_of(fraud_queries.steps_of(finding), viewer=viewer),
        "chart_drawn": chart_of(finding),
        "until": until_of(finding),
        "held": fraud_queries.held_by_finding([finding])[finding.pk],
        "orders": fraud_queries.orders_of(finding),
        "others": [(one, title_of(one.rule), until_of(one)) for one in fraud_queries.other_findings(finding)],
    }


def csv_header() -> list[object]:
    """The columns of a list's export."""
    return [
        _("Found"), _("Finding"), _("Rule"), _("What"), _("State"), _("Partner"), _("Program"), _("Numbers"), _("By luck"),
        _("Orders"), _("At risk"), _("Kept back"), _("Currency"), _("Answer by"), _("Decided"),
    ]  # fmt: skip


def csv_rows(findings: "Iterable[FraudFinding]") -> Iterator[list[object]]:
    """The rows of a list's export, as the list shows them."""
    for row in rows_of(list(findings), reader="merchant", url_of=lambda _one: ""):
        one = row.finding
        yield [
            one.found_at.isoformat(), one.public_id, one.rule, row.title, str(state_of("finding", one.state).label),
            one.enrolment.affiliate.name, one.program.name, row.sentence, row.luck, len(one.subjects),
            one.at_risk.to_decimal(), row.held.to_decimal(), one.currency,
            one.answer_due_at.isoformat() if one.answer_due_at else "",
            one.decided_at.isoformat() if one.decided_at else "",
        ]  # fmt: skip


def view_words(view: str) -> str:
    """What a filter by state is called."""
    special = {"live": _("Not decided"), "asked": _("The network decides")}
    return special.get(view) or str(state_of("finding", view).label)


def action_words(action: str) -> str:
    """What a finding of a rule does."""
    return str(ACTIONS.get(action, action))


def _percent(value: float) -> str:
    return format_percent(value, digits=1)


# ── Forms ────────────────────────────────────────────────────────────────────────────────


class FindingFilterForm(forms.Form):
    """The question to a list of findings."""

    q = forms.CharField(label=gettext_lazy("Partner"), required=False, max_length=128, widget=forms.SearchInput)
    view = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=lambda: [("", _("All")), *((name, view_words(name)) for name in fraud_queries.FINDING_VIEWS)],
    )
    rule = forms.ChoiceField(
        label=gettext_lazy("Rule"),
        required=False,
        choices=lambda: [
            ("", _("All")),
            *((rule, f"{rule} · {title_of(rule)}") for rule in fraud_queries.FINDING_RULES),
        ],
    )

    program = forms.ChoiceField(label=gettext_lazy("Program"), required=False)

    def __init__(self, data: Any = None, *, programs: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(data)
        if programs:
            self.fields["program"].choices = [("", _("All")), *programs]  # type: ignore[attr-defined]
        else:
            del self.fields["program"]

    def question(self) -> fraud_queries.FindingQuestion:
        """The question that was understood."""
        self.is_valid()
        said = self.cleaned_data
        return fraud_queries.FindingQuestion(
            said.get("view", ""), said.get("rule", ""), said.get("q", ""), said.get("program", "")
        )

    def chip_labels(self) -> dict[str, str]:
        """What is asked, in words, by key."""
        asked = self.question()
        return {
            "q": asked.text,
            "view": view_words(asked.view) if asked.view else "",
            "rule": f"{asked.rule} · {title_of(asked.rule)}" if asked.rule else "",
            "program": dict(self.fields["program"].choices).get(asked.program, "") if asked.program else "",  # type: ignore[attr-defined]
        }


class ReasonForm(forms.Form):
    """Why something is done; the other side reads it."""

    text = forms.CharField(
        label=gettext_lazy("Why"), required=False, max_length=4_000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, label: str = "", help_text: str = "", **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["text"].label = label or self.fields["text"].label
        self.fields["text"].help_text = help_text


class NeededReasonForm(ReasonForm):
    """The same where words are needed."""

    def __init__(self, data: Any = None, **more: Any) -> None:
        super().__init__(data, **more)
        self.fields["text"].required = True

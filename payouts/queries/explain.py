"""Why an amount is what it is: one Explanation of a commission for partner, merchant and finance.

All three show the same amounts, state and dates, because all three read this. What differs is
whose names are told: a partner reads "another partner", merchant and finance read the name.

    explanation = explanation_of(commission, viewer="merchant")      # "partner", "merchant", "finance"
    context["explain"] = explain_context(explanation, places=...)    # portal/explain.py: words and links

Lists ask `states_of(commissions)` for the state of each row and `in_state(queryset, name)` for a
filter; both stand in payouts/queries/states.py and are offered here too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from affiliates.queries import affiliates_by_id
from ledger.entries import postings_about
from ledger.money import Money
from payouts.commissions import figures_of
from payouts.models import Claim, Commission, Payout, PayoutItem, Statement
from payouts.queries.changes import changes_of
from payouts.queries.crediting import crediting_of
from payouts.queries.explanations import (
    BaseStep,
    Explanation,
    FindingFact,
    Grant,
    LedgerLine,
    OrderFacts,
    PayoutFacts,
    Reversal,
    Rival,
    RuleFacts,
    Skipped,
    Step,
    Touch,
    Viewer,
)
from payouts.queries.fraud import facts_about
from payouts.queries.states import (
    COMMISSION_STATES,
    MoneyState,
    expected_payout_at,
    in_state,
    state_of,
    state_of_payout,
    states_of,
)
from payouts.queries.timeline import steps_of
from payouts.rules.prices import price
from payouts.shares import shares_of
from tracking.models import (
    Attribution,
    AttributionShare,
    Click,
    Conversion,
    ConversionRevision,
    Dispute,
    Link,
    Refund,
)

__all__ = [
    "COMMISSION_STATES",
    "BaseStep",
    "Explanation",
    "LedgerLine",
    "MoneyState",
    "OrderFacts",
    "PayoutFacts",
    "Reversal",
    "Rival",
    "RuleFacts",
    "Skipped",
    "Step",
    "Touch",
    "Viewer",
    "expected_payout_at",
    "explanation_of",
    "explanations_of_order",
    "in_state",
    "state_of",
    "state_of_payout",
    "states_of",
]


@dataclass(frozen=True, slots=True)
class _Matter:
    """All that explains an order's commissions, read once however many there are."""

    rows: Sequence[Commission]
    conversion: Conversion
    attribution: Attribution | None
    shares: Sequence[AttributionShare]
    refunds: Sequence[Refund]
    revisions: Sequence[ConversionRevision]
    disputes: Sequence[Dispute]
    claims: Sequence[Claim]
    findings: Mapping[UUID, tuple[FindingFact, ...]]
    ledger: Mapping[str, tuple[LedgerLine, ...]]
    items: Mapping[UUID, PayoutItem]
    states: Mapping[UUID, MoneyState]
    clicks: Mapping[UUID, Click]
    links: Mapping[UUID, Link]
    names: Mapping[str, str]


def explanation_of(commission: Commission, *, viewer: Viewer, at: datetime | None = None) -> Explanation:
    """The explanation of a commission the caller has opened through payouts/access.py; a fixed number of queries.

    `at` (default: this moment) decides which dates are still to come.
    """
    at = at or timezone.now()
    matter = _matter(commission.conversion_id, viewer=viewer, at=at)
    row = next(one for one in matter.rows if one.pk == commission.pk)
    return _explained(row, matter, viewer=viewer, at=at)


def explanations_of_order(conversion: Conversion, *, viewer: Viewer, at: datetime | None = None) -> list[Explanation]:
    """The explanation of every commission of an order the caller has opened; as many queries as for one."""
    at = at or timezone.now()
    matter = _matter(conversion.pk, viewer=viewer, at=at)
    return [_explained(row, matter, viewer=viewer, at=at) for row in matter.rows]


def _matter(conversion_id: UUID, *, viewer: Viewer, at: datetime) -> _Matter:
    rows = list(
        Commission.objects.filter(conversion=conversion_id)
        .select_related("affiliate", "merchant", "program", "rule_line__rule_version", "conversion")
        .order_by("pk")
    )
    attribution = Attribution.objects.filter(conversion=conversion_id).select_related("terms").first()
    shares = shares_of(Conversion(pk=conversion_id)) if rows else []
    candidates = attribution.candidates if attribution else []
    keys = {Click.key_of(row["click"]) for row in candidates if row["click"]}
    keys |= {share.click_id for share in shares if share.click_id}
    if attribution and attribution.click_id:
        keys.add(attribution.click_id)
    clicks = {click.pk: click for click in Click.objects.filter(pk__in=keys)} if keys else {}
    links = Link.objects.filter(pk__in={click.link_id for click in clicks.values()}) if clicks else []
    others = {row["affiliate"] for row in candidates if row["affiliate"]} if viewer != "partner" else set()
    known = {row.affiliate.public_id: row.affiliate.name for row in rows}
    missing = others - known.keys()
    found = {key: one.name for key, one in affiliates_by_id(missing).items()} if missing else {}
    live = PayoutItem.objects.filter(commission__in=[row.pk for row in rows], released_at=None)
    items = {item.commission_id: item for item in live.select_related("payout__run", "payout__statement")}
    is_revised = bool(rows) and rows[0].conversion.version > 1
    about = Q(conversion=conversion_id) | Q(granted__conversion=conversion_id)
    return _Matter(
        rows=rows,
        conversion=rows[0].conversion if rows else Conversion(pk=conversion_id),
        attribution=attribution,
        shares=shares,
        refunds=list(Refund.objects.filter(conversion=conversion_id).order_by("at", "pk")),
        revisions=list(ConversionRevision.objects.filter(conversion=conversion_id).order_by("number"))
        if is_revised
        else [],
        disputes=list(Dispute.objects.filter(conversion=conversion_id).order_by("opened_at")),
        claims=list(Claim.objects.filter(about).order_by("opened_at")),
        findings=facts_about(rows, viewer=viewer),
        ledger=_ledger([row.public_id for row in rows]),
        items=items,
        states=states_of(rows, at=at, items=items),
        clicks=clicks,
        links={link.pk: link for link in links},
        names=known | found,
    )


def _explained(row: Commission, matter: _Matter, *, viewer: Viewer, at: datetime) -> Explanation:
    attribution = matter.attribution
    state = matter.states[row.pk]
    share = next((one for one in matter.shares if one.enrolment_id == row.enrolment_id), None)
    ledger = matter.ledger.get(row.public_id, ())
    payout = _payout(matter.items.get(row.pk))
    touch = _touch(row, share, matter)
    base, base_steps, whole = _base(row, attribution)
    reversals = tuple(_reversals(row, matter.refunds, ledger))
    return Explanation(
        id=row.public_id,
        viewer=viewer,
        affiliate=row.affiliate.public_id,
        affiliate_name=row.affiliate.name,
        merchant=row.merchant.name,
        merchant_slug=row.merchant.slug,
        state=state,
        amount=row.amount,
        taken_back=row.amount - row.remaining,
        remaining=row.remaining,
        base=base,
        base_steps=base_steps,
        rule=_rule(row, share or attribution),
        order=_order(row.conversion),
        model=attribution.model if attribution else "",
        touch=touch,
        rivals=tuple(_rivals(row, attribution, matter.names, viewer=viewer)),
        skipped=tuple(_skipped(row.trace)),
        reversals=reversals,
        payout=payout,
        steps=tuple(steps_of(row, attribution, touch, reversals, payout, state, at=at)),
        ledger=ledger,
        credit=crediting_of(
            row,
            matter.rows,
            attribution,
            matter.shares,
            names=matter.names,
            uncounted={click.public_id: click.uncounted_reason for click in matter.clicks.values()},
            whole=whole,
            viewer=viewer,
        ),
        changes=changes_of(
            row,
            refunds=matter.refunds,
            revisions=matter.revisions,
            disputes=matter.disputes,
            claims=matter.claims,
            findings=matter.findings.get(row.pk, ()),
            ledger=ledger,
            viewer=viewer,
        ),
        grant=_grant(row.trace),
        adds_to=str(row.trace.get("adds_to", "")),
        findings=matter.findings.get(row.pk, ()),
    )


def _grant(trace: dict[str, Any]) -> Grant | None:
    if not trace.get("claim"):
        return None
    return Grant(str(trace["claim"]), str(trace.get("of_order", "")), bool(trace.get("difference")))


def _order(conversion: Conversion) -> OrderFacts:
    return OrderFacts(
        conversion.public_id,
        conversion.order_ref,
        conversion.event,
        conversion.occurred_at,
        conversion.amount,
        conversion.refunded,
    )


def _rule(commission: Commission, attribution: Attribution | AttributionShare | None) -> RuleFacts:
    line, version = commission.rule_line, commission.rule_line.rule_version
    terms = attribution.terms if attribution else None
    return RuleFacts(
        id=version.public_id,
        program=commission.program.name,
        program_slug=commission.program.slug,
        name=line.name,
        version=version.version,
        position=line.position,
        since=version.starts_at,
        kind=line.kind,
        rate=line.rate,
        flat=Money(line.flat_minor, commission.currency) if line.kind == line.Kind.FLAT else None,
        event=line.event,
        basis=terms.basis if terms else "net",
        terms_version=terms.version if terms else None,
        hold_days=terms.hold_days if terms else None,
    )


def _base(commission: Commission, attribution: Attribution | None) -> tuple[Money, tuple[BaseStep, ...], Money | None]:
    """The base, its lines, and what the rule gives for it: as decided when it was booked, or as the order now is."""
    trace: dict[str, Any] = commission.trace
    whole = _money(trace["whole"], commission.currency) if trace.get("whole") else None
    conversion = commission.conversion
    if (conversion.refunded_minor or conversion.version > 1) and not trace.get("difference"):
        basis = attribution.terms.basis if attribution and attribution.terms else "net"
        priced = price([commission.rule_line], figures_of(conversion), basis=basis)
        if priced is not None:
            trace, whole = priced.trace, priced.amount
    steps = tuple(BaseStep(step["what"], _money(step["amount"], commission.currency)) for step in trace["base_steps"])
    return _money(trace["base"], commission.currency), steps, whole


def _money(text: str, currency: str) -> Money:
    return Money.parse(text, currency, negative=True)


def _touch(commission: Commission, share: AttributionShare | None, matter: _Matter) -> Touch | None:
    """The click behind this partner's part; never another partner's."""
    attribution = matter.attribution
    click = matter.clicks.get(
        (share.click_id if share else attribution.click_id if attribution else None) or UUID(int=0)
    )
    if click is None or click.affiliate_id != commission.affiliate_id:
        return None
    link = matter.links.get(click.link_id)
    rows: list[dict[str, Any]] = attribution.candidates if attribution else []
    stored = next((row for row in rows if row["click"] == click.public_id), {})
    terms = (share.terms if share else None) or (attribution.terms if attribution else None)
    return Touch(
        id=click.public_id,
        at=click.clicked_at,
        window_days=stored.get("window_days") or (terms.window_days if terms else None),
        link_code=link.code if link else "",
        link_label=link.label if link else "",
        page=click.destination,
    )


def _rivals(
    commission: Commission, attribution: Attribution | None, names: Mapping[str, str], *, viewer: Viewer
) -> Iterable[Rival]:
    own = commission.affiliate.public_id
    for row in attribution.candidates if attribution else []:
        if row["won"]:
            continue
        is_own = row["affiliate"] == own
        name = names.get(row["affiliate"], "") if viewer != "partner" and not is_own else ""
        yield Rival(at=datetime.fromisoformat(row["at"]), reason=row["reason"], name=name, is_own=is_own)


def _skipped(trace: dict[str, Any]) -> Iterable[Skipped]:
    for row in trace.get("did_not_apply", []):
        yield Skipped(row["name"], row["why"], str(row.get("wants", "")), str(row.get("is", "")))


def _ledger(subjects: Sequence[str]) -> dict[str, tuple[LedgerLine, ...]]:
    """The postings about each commission, by its public id."""
    found: dict[str, list[LedgerLine]] = defaultdict(list)
    for posting in postings_about(subjects):
        entry = posting.entry
        found[entry.reference.partition(":")[0]].append(
            LedgerLine(
                entry.effective_at,
                posting.debit.name,
                posting.credit.name,
                posting.amount,
                entry.reference,
                entry.public_id,
            )
        )
    return {subject: tuple(lines) for subject, lines in found.items()}


def _reversals(commission: Commission, refunds: Sequence[Refund], ledger: Iterable[LedgerLine]) -> Iterable[Reversal]:
    """What each refund took back: its own entry in the book says so."""
    taken: dict[str, int] = {}
    for line in ledger:
        taken[line.reference] = taken.get(line.reference, 0) + line.amount.minor
    for refund in refunds:
        if refund.is_told_twice:
            continue
        entry = f"{commission.public_id}:reversal:{refund.public_id}"
        minor = taken.get(entry, 0) + taken.get(f"{entry}:apart", 0)
        of_order = Money(refund.amount_minor, commission.currency)
        yield Reversal(refund.at, Money(minor, commission.currency), of_order, refund.reason, refund.reference)


def _payout(item: PayoutItem | None) -> PayoutFacts | None:
    if item is None:
        return None
    payout: Payout = item.payout
    statement: Statement | None = getattr(payout, "statement", None)
    return PayoutFacts(
        id=payout.public_id,
        run=payout.run.public_id,
        run_label=payout.run.label,
        share=Money(item.amount_minor, payout.currency),
        prepared_at=payout.created_at,
        sent_at=payout.sent_at,
        settled_at=payout.settled_at,
        transfer_id=payout.transfer_id or "",
        statement=statement.public_id if statement else "",
    )

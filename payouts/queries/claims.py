"""What pages show about claims: lists, the thread, and how well a merchant keeps its promises."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.db.models.expressions import OrderBy

from affiliates.models import Affiliate, Merchant
from payouts.models import Claim, ClaimFile, ClaimNote, OrderQuestion

_S = Claim.Status

#: The filters of the lists: all, what waits for an answer, what is late, and each status.
CLAIM_VIEWS = ("waiting", "late", *Claim.Status.values)
CLAIM_KINDS = Claim.Kind.choices
DECLINE_REASONS = Claim.DeclineReason.choices

#: Over so long a time a merchant's promises are counted.
COUNTED = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ClaimFigures:
    """How a merchant treats claims, over a year; shares are None where nothing was due.

    `in_time` ÷ `replies_due`: first replies within the promise, of claims whose promise fell due.
    `accepted` ÷ `decided`: granted by the merchant, the network or silence, of all that were decided.
    """

    claims: int
    replies_due: int
    in_time: int
    decided: int
    accepted: int
    by_silence: int
    median_minutes: int | None

    @property
    def in_time_share(self) -> float | None:
        """The share of first replies that came in time."""
        return self.in_time / self.replies_due if self.replies_due else None

    @property
    def accepted_share(self) -> float | None:
        """The share of decided claims that were accepted."""
        return self.accepted / self.decided if self.decided else None


def claims_of(affiliate: Affiliate, *, view: str = "") -> QuerySet[Claim]:
    """A partner's claims, those that wait for it first, then the newest."""
    found = Claim.objects.filter(affiliate=affiliate).select_related("merchant", "program", "granted", "affiliate")
    first = Case(When(status=_S.INCOMPLETE, then=Value(0)), default=Value(1), output_field=IntegerField())
    return _viewed(found, view).order_by(first, "-opened_at", "-pk")


def claims_in(merchant: Merchant, *, view: str = "", text: str = "", at: datetime) -> QuerySet[Claim]:
    """A merchant's claims, what waits for it first: the oldest promise on top."""
    found = Claim.objects.filter(merchant=merchant).select_related("affiliate", "program", "granted")
    if text:
        found = found.filter(Q(order_ref__icontains=text) | Q(affiliate__name__icontains=text))
    return _viewed(found, view, at=at).order_by(*_queue())


def claims_of_the_network(*, view: str = "", text: str = "", at: datetime) -> QuerySet[Claim]:
    """Every claim, those that were brought before the network first."""
    found = Claim.objects.select_related("affiliate", "merchant", "program", "granted")
    if text:
        found = found.filter(
            Q(order_ref__icontains=text) | Q(affiliate__name__icontains=text) | Q(merchant__name__icontains=text)
        )
    first = Case(When(status=_S.APPEALED, then=Value(0)), default=Value(1), output_field=IntegerField())
    return _viewed(found, view, at=at).order_by(first, *_queue())


def waiting_in(merchant: Merchant) -> int:
    """How many claims wait for the merchant."""
    return Claim.objects.filter(merchant=merchant, status=_S.OPEN).count()


def waiting_for_the_network() -> int:
    """How many claims wait for the network."""
    return Claim.objects.filter(status=_S.APPEALED).count()


def asked_back_of(affiliate: Affiliate) -> int:
    """How many claims wait for the partner's answer."""
    return Claim.objects.filter(affiliate=affiliate, status=_S.INCOMPLETE).count()


def notes_of(claim: Claim) -> list[ClaimNote]:
    """The thread, oldest first."""
    return list(claim.notes.select_related("author").order_by("at", "pk"))


def papers_of(claim: Claim) -> list[ClaimFile]:
    """The proof, oldest first."""
    return list(claim.files.order_by("added_at", "pk"))


def questions_of(affiliate: Affiliate, *, limit: int = 20) -> list[OrderQuestion]:
    """The last questions about orders, newest first."""
    found = OrderQuestion.objects.filter(affiliate=affiliate).select_related("enrolment__program")
    return list(found.order_by("-asked_at", "-pk")[:limit])


def open_claim_about(affiliate: Affiliate, merchant: Merchant, order_ref: str) -> Claim | None:
    """The partner's live claim about an order."""
    found: Claim | None = Claim.objects.filter(
        affiliate=affiliate, merchant=merchant, order_ref=order_ref, status__in=Claim.LIVE
    ).first()
    return found


def claims_about(conversion_id: object) -> list[Claim]:
    """Every claim about a conversion, oldest first."""
    return list(Claim.objects.filter(conversion_id=conversion_id).select_related("affiliate").order_by("opened_at"))


def figures_of(merchant: Merchant, *, at: datetime) -> ClaimFigures:
    """How a merchant kept its promises over the last year. One query."""
    rows = list(
        Claim.objects.filter(merchant=merchant, opened_at__gt=at - COUNTED)
        .exclude(status=_S.WITHDRAWN)
        .values_list("opened_at", "reply_due_at", "first_reply_at", "status", "is_automatic")
    )
    due = [row for row in rows if row[2] is not None or row[1] <= at]
    decided = [row for row in rows if row[3] in {_S.ACCEPTED, _S.DECLINED}]
    waits = [(row[2] - row[0]).total_seconds() / 60 for row in rows if row[2] is not None]
    return ClaimFigures(
        claims=len(rows),
        replies_due=len(due),
        in_time=sum(row[2] is not None and row[2] <= row[1] for row in due),
        decided=len(decided),
        accepted=sum(row[3] == _S.ACCEPTED for row in decided),
        by_silence=sum(row[4] for row in decided),
        median_minutes=round(median(waits)) if waits else None,
    )


def _queue() -> tuple[Case | OrderBy | str, ...]:
    """Open ones by promise, then those that were answered and wait for a decision, then the rest."""
    rank = Case(
        When(status=_S.OPEN, first_reply_at=None, then=Value(0)),
        When(status=_S.OPEN, then=Value(1)),
        When(status__in=[_S.APPEALED, _S.INCOMPLETE], then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    promised = Case(When(status__in=Claim.LIVE, then=F("reply_due_at")))
    return (rank, promised.asc(nulls_last=True), "-decided_at", "-pk")


def _viewed(found: QuerySet[Claim], view: str, *, at: datetime | None = None) -> QuerySet[Claim]:
    if view == "waiting":
        return found.filter(status=_S.OPEN)
    if view == "late" and at is not None:
        return found.filter(status=_S.OPEN, first_reply_at=None, reply_due_at__lte=at)
    return found.filter(status=view) if view in Claim.Status.values else found


@dataclass(frozen=True, slots=True)
class ClaimNews:
    """What a letter about a claim has to know."""

    claim: str
    affiliate: Affiliate
    merchant: Merchant
    program: str
    order_ref: str
    kind: str
    reply_due_at: datetime
    deadline_at: datetime
    decline_reason: str
    is_automatic: bool


def claim_news(public_id: str) -> ClaimNews:
    """The facts of a claim, by its public id."""
    one: Claim = Claim.objects.select_related("affiliate", "merchant", "program").get(pk=Claim.key_of(public_id))
    return ClaimNews(
        one.public_id,
        one.affiliate,
        one.merchant,
        one.program.name,
        one.order_ref,
        one.kind,
        one.reply_due_at,
        one.deadline_at,
        one.decline_reason,
        one.is_automatic,
    )

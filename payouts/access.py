"""What a door may get of commissions and payouts: by whose they are, or by a finance role."""

from typing import TYPE_CHECKING

from affiliates.access import require
from affiliates.errors import NotVisible
from affiliates.models import Affiliate, Merchant, User
from ledger.queries import EntryFacts, account_by_id, entry_by_id
from payouts.models import Claim, ClaimFile, Commission, OrderQuestion, Payout, PayoutRun, RuleVersion, Statement
from tracking.models import Conversion, FraudFinding

if TYPE_CHECKING:
    from ledger.models import Account


def open_commission_of(affiliate: Affiliate, public_id: str) -> Commission:
    """One of an affiliate's commissions. Raises NotVisible."""
    commission = _commission(public_id)
    if commission.affiliate_id != affiliate.pk:
        raise NotVisible("commission")
    return commission


def open_order_of(affiliate: Affiliate, public_id: str) -> Conversion:
    """An order of which an affiliate has a part. Raises NotVisible."""
    try:
        key = Conversion.key_of(public_id)
    except ValueError:
        raise NotVisible("conversion") from None
    found: Conversion | None = Conversion.objects.filter(pk=key, commissions__affiliate=affiliate).first()
    if found is None:
        raise NotVisible("conversion")
    return found


def open_commission_in(merchant: Merchant, public_id: str) -> Commission:
    """A commission a merchant owes. Raises NotVisible."""
    commission = _commission(public_id)
    if commission.merchant_id != merchant.pk:
        raise NotVisible("commission")
    return commission


def open_any_commission(user: User, public_id: str) -> Commission:
    """Any commission, for finance. Raises NotVisible."""
    require(user, "finance.view")
    return _commission(public_id)


def open_run(user: User, public_id: str, *, action: str = "finance.view") -> PayoutRun:
    """A payout run, for a person with the finance role for the action. Raises NotVisible, NotAllowed."""
    require(user, action)
    people = ("prepared_by", "submitted_by", "approved_by", "sent_by")
    try:
        run: PayoutRun = PayoutRun.objects.select_related(*people).get(pk=PayoutRun.key_of(public_id))
    except (PayoutRun.DoesNotExist, ValueError):
        raise NotVisible("run") from None
    return run


def open_payout(user: User, public_id: str, *, action: str = "finance.view") -> Payout:
    """Any payout, for finance. Raises NotVisible, NotAllowed."""
    require(user, action)
    return _payout(public_id)


def open_account(user: User, public_id: str) -> "Account":
    """An account of the book, for finance. Raises NotVisible, NotAllowed."""
    require(user, "finance.view")
    account = account_by_id(public_id)
    if account is None:
        raise NotVisible("account")
    return account


def open_entry(user: User, public_id: str) -> EntryFacts:
    """An entry of the book, for finance. Raises NotVisible, NotAllowed."""
    require(user, "finance.view")
    entry = entry_by_id(public_id)
    if entry is None:
        raise NotVisible("entry")
    return entry


def open_payout_of(affiliate: Affiliate, public_id: str) -> Payout:
    """One of an affiliate's payouts. Raises NotVisible."""
    payout = _payout(public_id)
    if payout.affiliate_id != affiliate.pk:
        raise NotVisible("payout")
    return payout


def open_statement_of(affiliate: Affiliate, public_id: str) -> Statement:
    """One of an affiliate's statements. Raises NotVisible."""
    try:
        statement: Statement = Statement.objects.by_public_id(public_id)
    except Statement.DoesNotExist:
        raise NotVisible("statement") from None
    if statement.affiliate_id != affiliate.pk:
        raise NotVisible("statement")
    return statement


def open_rule_version_in(merchant: Merchant, public_id: str) -> RuleVersion:
    """A version of the rules of one of a merchant's programs. Raises NotVisible."""
    try:
        version: RuleVersion = RuleVersion.objects.by_public_id(public_id)
    except RuleVersion.DoesNotExist:
        raise NotVisible("rule") from None
    if version.program.merchant_id != merchant.pk:
        raise NotVisible("rule")
    return version


def open_question_of(affiliate: Affiliate, public_id: str) -> OrderQuestion:
    """One of an affiliate's questions about orders. Raises NotVisible."""
    try:
        question: OrderQuestion = OrderQuestion.objects.select_related(
            "enrolment__program__merchant", "affiliate", "conversion"
        ).get(pk=OrderQuestion.key_of(public_id))
    except (OrderQuestion.DoesNotExist, ValueError):
        raise NotVisible("question") from None
    if question.affiliate_id != affiliate.pk:
        raise NotVisible("question")
    return question


def open_claim_of(affiliate: Affiliate, public_id: str) -> Claim:
    """One of an affiliate's claims. Raises NotVisible."""
    claim = _claim(public_id)
    if claim.affiliate_id != affiliate.pk:
        raise NotVisible("claim")
    return claim


def open_claim_in(merchant: Merchant, public_id: str) -> Claim:
    """A claim about one of a merchant's programs. Raises NotVisible."""
    claim = _claim(public_id)
    if claim.merchant_id != merchant.pk:
        raise NotVisible("claim")
    return claim


def open_any_claim(user: User, public_id: str, *, action: str = "network.view") -> Claim:
    """Any claim, for network staff. Raises NotVisible, NotAllowed."""
    require(user, action)
    return _claim(public_id)


def open_paper_of(claim: Claim, public_id: str) -> ClaimFile:
    """A paper of a claim that the caller has opened. Raises NotVisible."""
    try:
        paper: ClaimFile = ClaimFile.objects.get(pk=ClaimFile.key_of(public_id), claim=claim)
    except (ClaimFile.DoesNotExist, ValueError):
        raise NotVisible("paper") from None
    return paper


def open_finding_of(affiliate: Affiliate, public_id: str) -> FraudFinding:
    """A finding about an affiliate that it was told of. Raises NotVisible."""
    finding = _finding(public_id)
    if finding.enrolment.affiliate_id != affiliate.pk or finding.answer_due_at is None:
        raise NotVisible("finding")
    return finding


def open_finding_in(merchant: Merchant, public_id: str) -> FraudFinding:
    """A finding in one of a merchant's programs. Raises NotVisible."""
    finding = _finding(public_id)
    if finding.program.merchant_id != merchant.pk:
        raise NotVisible("finding")
    return finding


def open_any_finding(user: User, public_id: str, *, action: str = "network.view") -> FraudFinding:
    """Any finding, for network staff. Raises NotVisible, NotAllowed."""
    require(user, action)
    return _finding(public_id)


def _finding(public_id: str) -> FraudFinding:
    try:
        finding: FraudFinding = FraudFinding.objects.select_related("enrolment__affiliate", "program__merchant").get(
            pk=FraudFinding.key_of(public_id)
        )
    except (FraudFinding.DoesNotExist, ValueError):
        raise NotVisible("finding") from None
    return finding


def _claim(public_id: str) -> Claim:
    joined = ("affiliate", "merchant", "program", "enrolment", "conversion", "commission", "granted", "decided_by")
    try:
        claim: Claim = Claim.objects.select_related(*joined).get(pk=Claim.key_of(public_id))
    except (Claim.DoesNotExist, ValueError):
        raise NotVisible("claim") from None
    return claim


def _commission(public_id: str) -> Commission:
    try:
        commission: Commission = Commission.objects.by_public_id(public_id)
    except Commission.DoesNotExist:
        raise NotVisible("commission") from None
    return commission


def _payout(public_id: str) -> Payout:
    joined = ("run", "affiliate", "method", "statement")
    try:
        payout: Payout = Payout.objects.select_related(*joined).get(pk=Payout.key_of(public_id))
    except (Payout.DoesNotExist, ValueError):
        raise NotVisible("payout") from None
    return payout

"""Whatever people do with findings, the books balance; and a hold that is released costs the partner nothing (F1-F17)."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.audit import verify_books
from ledger.errors import Refusal
from ledger.money import Money
from payouts import runs
from payouts.commissions import approve_due_commissions
from payouts.fraud import answering
from payouts.models import Commission
from payouts.sales import refund_sale
from tests.factories.fraud import find_or_none
from tests.factories.world import make_sale, make_user, make_world
from tracking.models import FraudFinding

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
STEPS = ("hold", "hold", "review", "appeal", "release", "confirm", "overdue", "refund", "approve", "pay")
plan = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=10)
quick = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Story:
    """Three orders of one partner, and everything that people and time do with them."""

    def __init__(self):
        self.world = make_world(AT)
        self.staff, self.maker = make_user("staff"), make_user("maker")
        self.orders = [make_sale(self.world, "100.00", at=AT).conversion for _ in range(3)]
        self.at = AT
        self.confirmed = False
        self.refunds = 0

    def play(self, step: str, order: int, number: int) -> None:
        self.at += timedelta(days=5)
        with suppress(Refusal):
            self._do(step, order, number)

    def _do(self, step: str, order: int, number: int) -> None:
        rule = ("F1", "F8", "F11")[number % 3]
        finding = FraudFinding.objects.order_by("-found_at", "-pk").first()
        if step in {"hold", "review"}:
            find_or_none(self.world, *self.orders[: order + 1], at=self.at, rule=rule, action=step, p=None)
        elif step == "refund":
            self.refunds += 1
            refund_sale(
                self.orders[order], amount=Money(700 + number, "USD"), reference=f"re_{self.refunds}", at=self.at
            )
        elif step == "approve":
            approve_due_commissions(at=self.at)
        elif step == "pay":
            runs.prepare_run(f"run-{self.at:%Y%m%d}", starts_at=AT, ends_at=self.at, by=self.maker, at=self.at)
        elif step == "overdue":
            answering.release_overdue_findings(at=self.at)
        elif finding is not None:
            self._answer(step, finding)

    def _answer(self, step: str, finding: FraudFinding) -> None:
        if step == "appeal":
            answering.appeal_finding(finding, "My newsletter.", by=self.world.partner, at=self.at)
        elif step == "release":
            answering.release_finding(finding, side="network", by=self.staff, at=self.at)
        else:
            answering.confirm_finding(finding, "Own orders.", by=self.staff, at=self.at)
            self.confirmed = True


@quick
@given(plan)
def test_the_books_balance_whatever_is_found_answered_refunded_approved_and_paid(steps):
    story = Story()

    for step in steps:
        story.play(*step)

    assert [str(difference) for difference in verify_books()] == []
    for row in Commission.objects.filter(fraud_holds__state="confirmed"):
        assert row.remaining == Money.zero("USD")
    assert not Commission.objects.filter(status="approved", fraud_holds__state="held", approved_at=None).exists()


@quick
@given(plan)
def test_what_is_released_pays_exactly_what_it_would_have_paid_without_the_hold(steps):
    held, free = Story(), Story()
    without_confirming = [one for one in steps if one[0] not in {"confirm", "pay"}]

    for step in without_confirming:
        held.play(*step)
        if step[0] in {"refund", "approve"}:
            free.play(*step)
        else:
            free.at += timedelta(days=5)
    end = held.at + 100 * DAY
    answering.release_overdue_findings(at=end)
    for finding in FraudFinding.objects.filter(state__in=["open", "held", "appealed"]):
        answering.release_finding(finding, side="network", by=held.staff, at=end)
    approve_due_commissions(at=end)

    def worth(story):
        rows = Commission.objects.filter(conversion__in=story.orders, status="approved").order_by("conversion")
        return [row.remaining for row in rows]

    assert worth(held) == worth(free)
    assert [str(difference) for difference in verify_books()] == []

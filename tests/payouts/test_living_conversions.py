"""Orders live after they were reported (C17, faults 25 and 26): amended, refunded, disputed; the book follows."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.accounts import balance_of
from ledger.audit import verify_books
from ledger.money import Money
from payouts import chart, commissions, sales
from payouts.dues import dues_until
from payouts.errors import NotYetDue
from payouts.models import Commission
from payouts.queries.merchant import brought_by
from tests.factories import paying
from tests.factories.world import World, facts, make_click, make_sale, make_world
from tracking.conversions import facts_of
from tracking.errors import AmendmentRefused, InputRefused, OrderConflict, RefundTooLarge
from tracking.models import Conversion, ConversionRevision

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("books_agree")]

HOLD = timedelta(days=31)
ITEMS = [
    {"sku": "A", "category": "", "quantity": 3, "amount": "10.00"},
    {"sku": "B", "category": "", "quantity": 1, "amount": "90.00"},
]


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


def amend(sale, amount: str, *, at, reference: str = "", **more):
    conversion = Conversion.objects.get(pk=sale.conversion.pk)
    wanted = facts_of(conversion, amount=usd(amount), **more)
    return sales.amend_sale(conversion, wanted, reference=reference or f"to-{amount}", door="api", at=at)


def earns(sale) -> Money:
    rows = Commission.objects.filter(conversion=sale.conversion)
    return sum((row.remaining for row in rows), usd("0.00"))


def standing(world: World) -> tuple[str, str, str]:
    """pending, payable, recoverable."""
    names = (chart.pending(world.affiliate), chart.payable(world.affiliate), chart.recoverable(world.affiliate))
    return tuple(balance_of(name, "USD").major for name in names)


def pay(world: World, at):
    run = paying.prepare(at)
    bank = paying.Bank()
    paying.settle(paying.send(paying.start(run, at=at), bank, at=at), bank, at=at)


def test_an_order_that_grows_earns_more_and_one_that_shrinks_earns_less_while_it_is_pending(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)

    amend(sale, "150.00", at=at)
    assert (earns(sale), standing(world)) == (usd("30.00"), ("30.00", "0.00", "0.00"))

    amend(sale, "40.00", at=at)
    assert (earns(sale), standing(world)) == (usd("8.00"), ("8.00", "0.00", "0.00"))


def test_an_amendment_is_kept_with_what_it_replaced_and_by_which_door(at):
    sale = make_sale(make_world(at), "100.00", at=at)

    revision, is_new = amend(sale, "150.00", at=at, reference="am-1")
    again, is_new_again = amend(sale, "150.00", at=at, reference="am-1")

    assert (is_new, is_new_again, again) == (True, False, revision)
    assert (revision.number, revision.door, revision.changes) == (2, "api", {"amount": ["100.00", "150.00"]})
    assert ConversionRevision.objects.count() == 1


def test_an_amendment_that_says_nothing_new_makes_no_revision(at):
    sale = make_sale(make_world(at), "100.00", at=at)

    assert amend(sale, "100.00", at=at) == (None, False)


def test_an_earlier_version_reported_again_is_a_duplicate_and_another_content_still_a_conflict(at):
    world = make_world(at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    first = facts("o-1", "100.00", at=at, click=click)
    sale = sales.record_sale(world.merchant, first, at=at)
    amend(sale, "150.00", at=at)

    assert sales.record_sale(world.merchant, first, at=at).is_new is False
    assert sales.record_sale(world.merchant, facts("o-1", "150.00", at=at, click=click), at=at).is_new is False
    with pytest.raises(OrderConflict):
        sales.record_sale(world.merchant, facts("o-1", "151.00", at=at, click=click), at=at)
    assert Conversion.objects.get().amount == usd("150.00")


def test_an_order_amended_after_its_commission_was_paid_pays_the_difference_as_a_second_commission(at):
    """The payout keeps its frozen amount; what is added is approved and paid like any other."""
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    commissions.approve_due_commissions(at=at + HOLD)
    pay(world, at + HOLD + timedelta(days=1))

    amend(sale, "150.00", at=at + HOLD + timedelta(days=2))

    first, second = Commission.objects.order_by("number")
    assert (first.remaining, second.number, second.remaining) == (usd("20.00"), 2, usd("10.00"))
    commissions.approve_due_commissions(at=at + HOLD + timedelta(days=3))
    [due] = dues_until(at + HOLD + timedelta(days=4))
    assert due.amount == usd("10.00")


def test_an_order_amended_down_after_payment_is_recovered_and_amended_up_again_owes_nothing(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    commissions.approve_due_commissions(at=at + HOLD)
    pay(world, at + HOLD + timedelta(days=1))
    later = at + HOLD + timedelta(days=2)

    amend(sale, "60.00", at=later, reference="down")
    assert (earns(sale), standing(world)) == (usd("12.00"), ("0.00", "0.00", "8.00"))

    amend(sale, "100.00", at=later, reference="up")
    assert (earns(sale), standing(world)) == (usd("20.00"), ("0.00", "0.00", "0.00"))
    assert Commission.objects.count() == 1


def test_an_order_cannot_be_amended_below_what_was_refunded(at):
    sale = make_sale(make_world(at), "100.00", at=at)
    sales.refund_sale(sale.conversion, amount=usd("60.00"), reference="r", at=at)

    with pytest.raises(AmendmentRefused) as refused:
        amend(sale, "50.00", at=at)

    assert (refused.value.code, refused.value.field) == ("amount_below_refunded", "amount")
    assert earns(sale) == usd("8.00")


def test_whose_an_order_is_cannot_be_amended_once_it_is_somebodys(at):
    sale = make_sale(make_world(at), "100.00", at=at)

    with pytest.raises(AmendmentRefused) as refused:
        amend(sale, "100.00", at=at, coupon="LATE")

    assert refused.value.code == "attribution_settled"


def test_an_order_of_nobodys_is_decided_again_when_its_click_becomes_known(at):
    world = make_world(at)
    sale = sales.record_sale(world.merchant, facts("o-1", "100.00", at=at), at=at)
    assert sale.conversion.verdict == "unattributed"
    click = make_click(world.link, at=at - timedelta(minutes=5))

    amend(sale, "100.00", at=at, click_id=click.pk)

    assert sale.conversion.refreshed().verdict == "accepted"
    assert earns(sale) == usd("20.00")


def test_items_come_back_piece_by_piece_and_are_together_worth_their_whole_line(at):
    """C17: three pieces of a line of 10.00 come back one after the other."""
    sale = make_sale(make_world(at), "100.00", at=at, items=ITEMS)

    parts = [
        sales.refund_sale(sale.conversion, items=[{"sku": "A", "quantity": 1}], reference=f"r{n}", at=at)[0].amount
        for n in range(3)
    ]

    assert [part.major for part in parts] == ["3.33", "3.34", "3.33"]
    assert earns(sale) == usd("18.00")
    with pytest.raises(InputRefused) as refused:
        sales.refund_sale(sale.conversion, items=[{"sku": "A", "quantity": 1}], reference="r4", at=at)
    assert (refused.value.code, refused.value.field) == ("item_not_left", "items.0.quantity")


def test_an_item_that_the_order_has_not_is_refused_by_name(at):
    sale = make_sale(make_world(at), "100.00", at=at, items=ITEMS)

    with pytest.raises(InputRefused) as refused:
        sales.refund_sale(sale.conversion, items=[{"sku": "Z", "quantity": 1}], reference="r", at=at)

    assert (refused.value.code, refused.value.field) == ("item_unknown", "items.0.sku")


def test_while_a_dispute_is_open_nothing_of_its_order_is_approved(at):
    sale = make_sale(make_world(at), "100.00", at=at)

    sales.dispute_opened(sale.conversion, reference="dp_1", at=at)

    assert commissions.approve_due_commissions(at=at + HOLD) == 0
    with pytest.raises(NotYetDue):
        commissions.approve_commission(sale.commissions[0], at=at + HOLD)
    sales.dispute_won(sale.conversion, reference="dp_1", at=at + HOLD)
    assert commissions.approve_due_commissions(at=at + HOLD) == 1


@pytest.mark.parametrize("stage", ["pending", "approved", "paid"])
def test_a_lost_dispute_takes_the_commission_back_and_a_won_one_gives_it_back(at, stage):
    """Fault 26: a dispute won back, at every stage of the commission's life."""
    world, later = make_world(at), at + HOLD + timedelta(days=2)
    sale = make_sale(world, "100.00", at=at)
    if stage != "pending":
        commissions.approve_due_commissions(at=at + HOLD)
    if stage == "paid":
        pay(world, at + HOLD + timedelta(days=1))
    before = standing(world)

    sales.dispute_lost(sale.conversion, reference="dp_1", at=later)
    lost = (earns(sale), sale.conversion.refreshed().refunds.get().reason)
    sales.dispute_lost(sale.conversion, reference="dp_1", at=later)
    sales.dispute_won(sale.conversion, reference="dp_1", at=later)
    sales.dispute_won(sale.conversion, reference="dp_1", at=later)

    assert lost == (usd("0.00"), "chargeback")
    assert (earns(sale), standing(world)) == (usd("20.00"), before)
    assert sale.conversion.refreshed().refunded == usd("0.00")


def test_a_dispute_won_after_its_amount_was_netted_is_paid_again_as_a_commission_of_its_own(at):
    world, later = make_world(at), at + HOLD + timedelta(days=2)
    sale = make_sale(world, "100.00", at=at)
    commissions.approve_due_commissions(at=at + HOLD)
    pay(world, at + HOLD + timedelta(days=1))
    sales.dispute_lost(sale.conversion, reference="dp_1", at=later)
    make_sale(world, "300.00", at=later)
    commissions.approve_due_commissions(at=later + HOLD)
    pay(world, later + HOLD + timedelta(days=1))

    sales.dispute_won(sale.conversion, reference="dp_1", at=later + HOLD + timedelta(days=2))

    commissions.approve_due_commissions(at=later + HOLD + timedelta(days=3))
    [due] = dues_until(later + HOLD + timedelta(days=4))
    assert (due.amount, earns(sale), standing(world)) == (usd("20.00"), usd("20.00"), ("0.00", "20.00", "0.00"))


def test_a_void_order_earns_nothing_and_voiding_it_twice_is_once(at):
    sale = make_sale(make_world(at), "100.00", at=at)

    assert sales.void_sale(sale.conversion, reference="void", at=at) is True
    assert sales.void_sale(sale.conversion, reference="void", at=at) is False
    assert (earns(sale), sale.conversion.refreshed().refunded) == (usd("0.00"), usd("100.00"))


def test_a_test_order_can_be_amended_refunded_and_disputed_and_books_nothing(at):
    """C18: test orders live the same life outside of every total."""
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at, is_test=True)

    amend(sale, "150.00", at=at)
    sales.refund_sale(sale.conversion, amount=usd("10.00"), reference="r", at=at)
    sales.dispute_lost(sale.conversion, reference="dp", at=at)

    assert (Commission.objects.count(), standing(world)) == (0, ("0.00", "0.00", "0.00"))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("amend"), st.integers(0, 30_000)),
        st.tuples(st.just("refund"), st.integers(1, 8_000)),
        st.tuples(st.just("lost"), st.integers(0, 1)),
        st.tuples(st.just("won"), st.integers(0, 1)),
        st.tuples(st.just("approve"), st.just(0)),
        st.tuples(st.just("pay"), st.just(0)),
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_happens_to_an_order_it_earns_what_is_left_of_it_and_the_books_agree(at, steps):
    """PROP (faults 25, 26): commission = 20 % of what the order is now, at any stage, in any order of steps."""
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    for number, (what, value) in enumerate(steps):
        moment = at + HOLD + timedelta(days=number)
        conversion = Conversion.objects.get(pk=sale.conversion.pk)
        try:
            if what == "amend":
                wanted = facts_of(conversion, amount=Money(value, "USD"))
                sales.amend_sale(conversion, wanted, reference=f"a{number}", at=moment)
            elif what == "refund":
                sales.refund_sale(conversion, amount=Money(value, "USD"), reference=f"r{number}", at=moment)
            elif what == "lost":
                sales.dispute_lost(conversion, reference=f"d{value}", at=moment)
            elif what == "won":
                sales.dispute_won(conversion, reference=f"d{value}", at=moment)
            elif what == "approve":
                commissions.approve_due_commissions(at=moment)
            elif any(not due.why_not(at=moment) for due in dues_until(moment)):
                pay(world, moment)
        except (AmendmentRefused, InputRefused, RefundTooLarge):
            pass

        now = Conversion.objects.get(pk=sale.conversion.pk)
        assert earns(sale).minor == (now.amount - now.refunded).share(sale.commissions[0].rule_line.rate).minor
        assert [str(one) for one in verify_books()] == []
        assert all(due.why_not(at=moment) != "books_disagree" for due in dues_until(moment))


def test_what_is_added_after_a_payout_is_no_second_order_in_a_partners_totals(at):
    world = make_world(at)
    sale = make_sale(world, "100.00", at=at)
    commissions.approve_due_commissions(at=at + HOLD)
    pay(world, at + HOLD + timedelta(days=1))
    amend(sale, "150.00", at=at + HOLD + timedelta(days=2))

    [brought] = brought_by([world.enrolment]).values()

    assert (brought.orders, brought.revenue, brought.commission) == (1, usd("150.00"), usd("30.00"))

"""Two people at once: real threads on PostgreSQL, and each thing happens once (fault 17)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from affiliates import coupons, programs
from affiliates.attribution_terms import AttributionChoices
from affiliates.errors import CouponRefused
from affiliates.models import Coupon
from ledger.audit import verify_books
from ledger.errors import Refusal
from ledger.models import Event
from ledger.money import Money
from payouts import sales
from payouts.claims import deciding, opening
from payouts.errors import ClaimNotInState, ClaimOpenAlready
from payouts.models import Claim, Commission
from tests.factories.attribution import make_scene
from tests.factories.world import facts, make_click, make_user, make_world
from tracking import domains, links
from tracking.attribution.store import decide_again
from tracking.errors import CodeTaken
from tracking.models import Attribution, Conversion, Link, LinkCode, Refund, TrackingDomain

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What each act gave, or the refusal it met; all begin at the same moment, each with a connection of its own."""
    barrier = threading.Barrier(len(acts))

    def play(act: Callable[[], object]) -> object:
        try:
            barrier.wait()
            return act()
        except Refusal as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(play, acts))


def _refusals(results: list[object]) -> list[type]:
    return [type(one) for one in results if isinstance(one, Refusal)]


def test_two_codes_alike_at_once_are_one_code():
    at = timezone.now()
    world = make_world(at)

    results = at_once(*(lambda code=code: coupons.issue_coupon(world.program, code, at=at) for code in ("MAYA10", "maya10", "Maya10")))  # fmt: skip

    assert _refusals(results) == [CouponRefused, CouponRefused]
    assert Coupon.objects.count() == 1
    assert Event.objects.filter(name="coupon.issued").count() == 1


def test_a_code_given_to_another_while_orders_come_belongs_to_one_partner_an_order():
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Bobby", coupon_policy="always")
    coupon = scene.coupon("MAYA10", "Annabel")

    def give():
        coupons.change_coupon(
            coupon, enrolment=scene.places["Bobby"], is_exclusive=False, policy="", starts_at=coupon.starts_at,
            ends_at=None, at=at,
        )  # fmt: skip

    def order(number):
        return sales.record_sale(scene.world.merchant, facts(f"o{number}", "100.00", at=at, coupon="MAYA10"), at=at)

    results = at_once(give, *(lambda number=number: order(number) for number in range(5)))

    assert _refusals(results) == []
    owners = set()
    for conversion in Conversion.objects.all():
        [commission] = Commission.objects.filter(conversion=conversion)
        decided = Attribution.objects.get(conversion=conversion)
        assert (commission.amount, commission.enrolment_id) == (Money(2000, "USD"), decided.enrolment_id)
        owners.add(commission.enrolment_id)
    assert owners <= {place.pk for place in scene.places.values()}
    assert Conversion.objects.count() == 5
    assert list(verify_books()) == []


def test_terms_that_change_while_orders_come_share_each_order_by_one_version():
    at = timezone.now()
    scene = make_scene(at, "Annabel", "Bobby", attribution_model="last_click")
    first = scene.click("Annabel", days=3)
    last = scene.click("Bobby", days=1)

    def change():
        programs.revise_terms(
            scene.world.program, starts_at=at, at=at, attribution=AttributionChoices(attribution_model="linear")
        )

    def order(number):
        return sales.record_sale(scene.world.merchant, facts(f"o{number}", "100.00", at=at, click=last), at=at)

    at_once(change, *(lambda number=number: order(number) for number in range(5)))

    assert first.pk != last.pk
    for attribution in Attribution.objects.all():
        shares = list(attribution.shares.order_by("position"))
        earned = [one.amount.minor for one in Commission.objects.filter(conversion=attribution.conversion_id)]
        assert (len(shares), sum(earned)) == ({"last_click": 1, "linear": 2}[attribution.model], 2000)
        # What is stored is a whole decision: decided again from its inputs it is the same.
        again = decide_again(attribution)
        assert again is not None
        assert again.outcome() == attribution.outcome
    assert Attribution.objects.count() == 5


def _draft(at, order_ref="1042"):
    return opening.ClaimDraft(order_ref, (at - timedelta(days=1)).date(), Money(6200, "USD"))


def test_the_same_claim_filed_twice_at_once_is_one_claim():
    at = timezone.now()
    world = make_world(at)

    results = at_once(*[lambda: opening.claim_order(world.enrolment, _draft(at), by=world.partner, at=at)] * 3)

    assert _refusals(results) == [ClaimOpenAlready, ClaimOpenAlready]
    assert Claim.objects.count() == 1
    assert Event.objects.filter(name="claim.opened").count() == 1


def test_a_claim_that_two_people_answer_at_once_has_one_answer():
    at = timezone.now()
    world = make_world(at)
    claim = opening.claim_order(world.enrolment, _draft(at), by=world.partner, at=at)
    colleague = make_user("colleague")

    results = at_once(
        lambda: deciding.accept_claim(claim, by=world.owner, at=at),
        lambda: deciding.accept_claim(claim, by=colleague, at=at),
        lambda: deciding.decline_claim(claim, "order_unknown", by=colleague, at=at, text="No such order."),
    )

    assert _refusals(results) == [ClaimNotInState, ClaimNotInState]
    status = Claim.objects.get().status
    assert Commission.objects.count() == (1 if status == Claim.Status.ACCEPTED else 0)
    assert Event.objects.filter(name__in=["claim.accepted", "claim.declined"]).count() == 1
    assert list(verify_books()) == []


def test_a_code_that_two_links_want_at_once_is_one_links():
    at = timezone.now()
    world = make_world(at)
    mine, other = (links.create_link(world.enrolment, label=name, at=at) for name in ("one", "two"))

    results = at_once(
        lambda: links.rename_link(mine, "summer", at=at),
        lambda: links.add_alias(other, "summer", at=at),
        lambda: links.create_link(world.enrolment, label="three", code="summer", at=at),
    )

    assert _refusals(results) == [CodeTaken, CodeTaken]
    assert LinkCode.objects.filter(code="summer").count() == 1


def test_a_link_renamed_twice_at_once_keeps_every_code():
    at = timezone.now()
    world = make_world(at)
    before = world.link.code

    results = at_once(
        lambda: links.rename_link(world.link, "first-name", at=at),
        lambda: links.rename_link(world.link, "second-name", at=at),
        lambda: links.add_alias(world.link, "third-name", at=at),
    )

    assert _refusals(results) == []
    codes = {Link.objects.get(pk=world.link.pk).code, *world.link.aliases.values_list("code", flat=True)}
    assert codes == {before, "first-name", "second-name", "third-name"}


def test_a_host_named_and_looked_up_by_two_at_once_is_verified_once(settings, monkeypatch):
    at = timezone.now()
    world, other = make_world(at), make_world(at)
    settings.CLICK_BASE_URL = "https://go.network.example"

    named = at_once(
        lambda: domains.add_domain(world.merchant, "go.tents.example", by=world.owner, at=at),
        lambda: domains.add_domain(other.merchant, "go.tents.example", by=other.owner, at=at),
    )
    assert len(_refusals(named)) == 1
    domain = TrackingDomain.objects.get()
    # What DNS says is proved by a real name server elsewhere; here it is the row that two want.
    monkeypatch.setattr(domains, "look_up", lambda _domain: domains.Finding(""))

    at_once(*[lambda: domains.verify_domain(domain, at=at)] * 3)

    assert TrackingDomain.objects.get().status == TrackingDomain.Status.VERIFIED
    assert Event.objects.filter(name="domain.verified").count() == 1


def test_a_refund_told_by_two_ways_at_once_counts_once():
    at = timezone.now()
    world = make_world(at)
    click = make_click(world.link, at=at - timedelta(minutes=5))
    sale = sales.record_sale(world.merchant, facts("o1", "100.00", at=at, click=click), at=at)

    at_once(
        lambda: sales.refund_sale(sale.conversion, amount=Money(6000, "USD"), reference="rf-1", way="api", at=at),
        lambda: sales.refund_sale(
            sale.conversion, amount=Money(6000, "USD"), reference="shopify:9#1", origin="shopify:9", at=at
        ),
    )

    assert Conversion.objects.get().refunded == Money(6000, "USD")
    assert Refund.objects.filter(twin=None).count() == 1
    assert Commission.objects.get().remaining == Money(800, "USD")
    assert list(verify_books()) == []

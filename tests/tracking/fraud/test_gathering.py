"""What the tables say of a partner: rows made by the real verbs and doors, and a whole world written to them."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from affiliates import teams
from affiliates.models import RoleGrant
from benchmarks.fraud_partners import make_world as make_fraud_world
from benchmarks.fraud_rows import load_world
from benchmarks.fraud_world import END, START, facts_of
from ledger.base32 import encode
from ledger.money import Money
from payouts import sales
from payouts.fraud.policies import facts_of as facts_of_program
from tests.factories.attribution import make_scene
from tests.factories.world import make_click, make_user
from tests.portal.partner import client_of
from tests.portal.shop import open_shop, order
from tracking.fraud.gathering import gather
from tracking.fraud.judging import examine
from tracking.fraud.policies import DEFAULTS
from tracking.fraud.sign_ins import REMEMBERED, network_of, note_sign_in
from tracking.models import Conversion, SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene(at):
    return make_scene(at, "Ann", "Bob")


def facts(scene, name="Ann", **more):
    """One partner's facts over the thirty days before the scene's next day."""
    ends_at = scene.at + timedelta(days=1)
    found = gather(
        scene.world.program, starts_at=ends_at - timedelta(days=30), ends_at=ends_at, earned={}, fingerprints={}, **more
    )
    return next(one for one in found if one.place == str(scene.places[name].pk))


def test_an_order_has_its_time_its_taker_and_its_countries(scene):
    """F1, F4, F14: five minutes after Ann's click, which came four seconds after Bob's."""
    scene.click("Bob", days=4 / 86_400)
    click = scene.click("Ann", country="DE", ip="192.0.2.77")
    scene.order("50.00", click=click, country="US")

    one = facts(scene)

    (found,) = one.orders
    assert found.seconds == 300.0
    assert found.other_click_before == pytest.approx(4.0, abs=1.0)
    assert (found.click_country, found.country) == ("DE", "US")
    assert (found.network, found.home) == ("192.0.2.0/24", "192.0.2.77")
    assert (found.visitor, found.is_coupon, found.refunded_days) == (str(scene.visitor), False, None)
    assert facts(scene, "Bob").orders == []


def test_an_own_earlier_click_takes_over_nobody(scene):
    scene.click("Ann", days=3 / 86_400)
    scene.order("50.00", click=scene.click("Ann"))

    assert facts(scene).orders[0].other_click_before is None


def test_a_code_leaks_when_another_partner_brought_the_order_and_its_owner_did_not(scene):
    """F10."""
    scene.coupon("ANN10", "Ann")
    scene.order("50.00", click=scene.click("Bob"), coupon="ANN10")
    scene.visitor = uuid4()
    scene.order("50.00", click=scene.click("Ann"), coupon="ANN10")
    scene.visitor = uuid4()
    scene.order("50.00", click=scene.click("Bob", days=3), coupon="ANN10")

    found = facts(scene).orders

    assert [(one.is_coupon, one.is_leaked) for one in found] == [(True, True), (True, False), (True, False)]


def test_a_refund_has_its_day_and_a_settled_order_is_told_from_outside(scene):
    """F11: what was taken back, and what counts as honest in a trial."""
    taken = scene.order("50.00", click=scene.click("Ann")).conversion
    scene.order("60.00", click=scene.click("Ann"))
    sales.refund_sale(taken, amount=Money.parse("10.00", "USD"), reference="r1", at=scene.at + timedelta(days=3))

    one = facts(scene)
    place = scene.places["Ann"].pk
    told = facts(scene, settled={(taken.pk, place)})

    assert [(order.refunded_days, order.is_settled) for order in one.orders] == [(3.0, False), (None, True)]
    assert [order.is_settled for order in told.orders] == [True, False]


def test_clicks_are_counted_by_what_the_door_said_of_them(scene):
    """F6, F7, F14, F15, F16."""
    common = {"visitor": None, "country": "DE", "language": "de-DE,de;q=0.9"}
    for number in range(4):
        scene.click("Ann", ip=f"198.51.100.{number}", days=number, **common)
    scene.click(
        "Ann", ip="203.0.113.9", days=5, params='{"foreign": {"gclid": "x"}}', **(common | {"language": "tr-TR"})
    )
    for reason in ("bot", "crawler", "datacenter", "not_a_page"):
        scene.click("Ann", is_counted=False, uncounted_reason=reason, ip="203.0.113.10")
    scene.click("Ann", kind="view")
    scene.click("Ann", days=60)

    one = facts(scene)

    assert (one.clicks, one.counted, one.invalid, one.embedded, one.paid) == (9, 5, 3, 1, 1)
    assert (one.spoken, one.foreign) == (5, 1)
    assert (one.networks.clicks, one.networks.distinct, one.networks.largest) == (5, 2, 4)
    assert one.networks.first == {"198.51.100.0/24", "203.0.113.0/24"}
    assert one.gaps == 4
    assert one.gap_mean == pytest.approx(5 * 86_400 / 4)


def test_a_forged_postback_is_told_by_the_click_it_names():
    """F17: nobody's key proves it, so it is nobody's request; the click says whom it was to pay."""
    shop = open_shop()
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    values = {"click_id": click.public_id, "amount": "1.00", "key": "sk_live_00000000", "ts": int(shop.at.timestamp())}
    for number in range(3):
        answer = Client().get(f"/postback?{urlencode({**values, 'order_id': number, 'sig': 'f' * 64})}")
        assert answer.json()["code"] == "signature_wrong"

    (one,) = facts_of_program(shop.world.program, ends_at=shop.at + timedelta(hours=1))

    assert one.forged == 3
    (verdict,) = examine([one], DEFAULTS)
    assert [found.rule for found in verdict.findings] == ["F17"]


def test_an_order_older_than_its_click_is_noted(scene):
    """F17."""
    click = scene.click("Ann")
    scene.order("50.00", click=click, days_later=-0.5)

    assert facts(scene).older_than_click == 1


def _buy(shop, click, address, number):
    body = order(f"o{number}", click_id=click.public_id, customer={"id": f"c-{number}", "email": address})
    answer = shop.post(body)
    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("spelling", ["{name}+gift@{domain}", "{dotted}@{domain}", "{upper}@{domain}"])
def test_a_partner_who_buys_under_another_spelling_of_its_address_is_known(spelling):
    """F8, through the door: no address is kept, and still it is told."""
    shop = open_shop()
    name, _at, domain = shop.world.partner.email.partition("@")
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    _buy(shop, click, spelling.format(name=name, domain=domain, dotted=f"{name[0]}.{name[1:]}", upper=name.upper()), 1)
    _buy(shop, click, "somebody.else@gmail.com", 2)

    (one,) = facts_of_program(shop.world.program, ends_at=shop.at + timedelta(hours=1))
    (verdict,) = examine([one], DEFAULTS)

    (found,) = verdict.findings
    assert (found.rule, found.numbers["by_address"], len(found.subjects)) == ("F8", 1, 1)
    assert found.at_risk > 0
    row = Conversion.objects.get(order_ref="o1")
    assert "@" not in f"{row.customer_ref}{row.customer_email_key}{row.customer_signs}"
    assert name not in row.customer_signs


def test_what_an_address_was_is_kept_and_the_address_is_not():
    """F12."""
    shop = open_shop()
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4))
    for number, address in enumerate(("a@mailinator.com", "xk7q2vz9wq4p@gmail.com", "anna.becker@web.de")):
        _buy(shop, click, address, number)

    (one,) = facts_of_program(shop.world.program, ends_at=shop.at + timedelta(hours=1))

    assert sorted(found.address_kind for found in one.orders) == ["disposable", "ordinary", "random"]


def test_who_signs_in_with_the_browser_that_bought_is_known():
    """F8: the click door's own cookie, seen at the sign-in."""
    shop = open_shop()
    visitor = uuid4()
    click = make_click(shop.world.link, at=shop.at - timedelta(minutes=4), visitor=visitor)
    _buy(shop, click, "somebody.else@gmail.com", 1)
    client = Client(REMOTE_ADDR="2001:db8:1:2:3::4")
    client.cookies["afv"] = encode(visitor)
    person = shop.world.partner
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)

    client.post("/accounts/login/", {"login": person.email, "password": "a-long-password"})

    (row,) = SignIn.objects.all()
    assert (row.user, row.visitor_id, row.network) == (person, visitor, "2001:db8:1:2::")
    (one,) = facts_of_program(shop.world.program, ends_at=shop.at + timedelta(hours=1))
    (verdict,) = examine([one], DEFAULTS)
    assert [(found.rule, found.numbers["by_device"]) for found in verdict.findings] == [("F8", 1)]


def test_an_own_network_counts_within_a_day_of_a_sign_in_and_only_thrice(scene):
    """F8: one order from the same address may be chance, three are not; a week later it is somebody else's."""
    person = RoleGrant.objects.filter(affiliate=scene.places["Ann"].affiliate).get().user
    note_sign_in(person, address="198.51.100.7", visitor=None, at=scene.at)
    for number in range(3):
        scene.order("50.00", click=scene.click("Ann", ip="198.51.100.7"), customer_ref=f"c{number}")
        (verdict,) = [
            one
            for one in examine([facts(scene), facts(scene, "Bob")], DEFAULTS)
            if one.place == str(scene.places["Ann"].pk)
        ]
        assert bool(verdict.findings) == (number == 2)
    old = facts(scene)
    old.homes = tuple((network, moment - timedelta(days=7)) for network, moment in old.homes)
    (verdict,) = examine([old], DEFAULTS)
    assert verdict.findings == ()


def test_a_network_that_strangers_share_is_nobodys_home(scene):
    """F8: behind a carrier's address are thousands."""
    person = RoleGrant.objects.filter(affiliate=scene.places["Ann"].affiliate).get().user
    note_sign_in(person, address="198.51.100.7", visitor=None, at=scene.at)
    for number in range(4):
        scene.visitor = uuid4()
        scene.order("50.00", click=scene.click("Ann", ip="198.51.100.7"), customer_ref=f"a{number}")
        scene.visitor = uuid4()
        scene.order("50.00", click=scene.click("Bob", ip="198.51.100.7"), customer_ref=f"b{number}")

    verdicts = examine([facts(scene), facts(scene, "Bob")], DEFAULTS)

    assert [verdict.findings for verdict in verdicts] == [(), ()]


def test_one_person_with_two_places_openly_is_no_duplicate_and_two_names_on_one_browser_are(scene):
    """F9: an agency signs in as itself."""
    browser = uuid4()
    for name in ("Ann", "Bob"):
        person = RoleGrant.objects.filter(affiliate=scene.places[name].affiliate).get().user
        note_sign_in(person, address="198.51.100.7", visitor=browser, at=scene.at)
    both = [facts(scene), facts(scene, "Bob")]

    assert [[found.rule for found in one.findings] for one in examine(both, DEFAULTS)] == [["F9"], ["F9"]]

    agency = make_user("agency")
    for name in ("Ann", "Bob"):
        teams.grant_role(agency, RoleGrant.Role.PARTNER, affiliate=scene.places[name].affiliate, at=scene.at)
    both = [facts(scene), facts(scene, "Bob")]

    assert [one.findings for one in examine(both, DEFAULTS)] == [(), ()]


def test_a_sign_in_is_kept_once_a_day_and_ninety_days_long_and_nobody_elses_is(at):
    world = make_scene(at).world

    first = note_sign_in(world.partner, address="198.51.100.7", visitor=None, at=at)
    again = note_sign_in(world.partner, address="198.51.100.7", visitor=None, at=at + timedelta(minutes=1))
    note_sign_in(world.owner, address="198.51.100.8", visitor=None, at=at)

    assert first == again
    assert SignIn.objects.count() == 1
    note_sign_in(world.partner, address="198.51.100.9", visitor=None, at=at + REMEMBERED + timedelta(days=1))
    assert [row.network for row in SignIn.objects.all()] == ["198.51.100.9"]
    assert client_of(world.partner).get("/").status_code < 500


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.9", "192.0.2.9"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("2001:db8::1:2", "2001:db8::"),
        ("", None),
        ("x", None),
    ],
)
def test_a_network_is_an_address_or_a_slash_64(address, network):
    assert network_of(address) == network


def test_a_world_in_the_database_gives_the_facts_it_was_made_of():
    """Every figure that the rules are told, against the same figures added up event by event."""
    world = make_fraud_world(1, partners=14, cheats=1, kinds=("F1", "F4", "F8", "F9", "F10", "F11", "F14", "F16"))
    loaded = load_world(world)

    found = gather(loaded.program, starts_at=START, ends_at=END, earned=loaded.earned, fingerprints=loaded.fingerprints)

    known = {one.place: one for one in facts_of(world)}
    kept = {loaded.names[one.place]: one for one in found if one.place in loaded.names}
    assert set(kept) == set(known)
    for name, one in kept.items():
        mine = known[name]
        for figure in ("clicks", "counted", "invalid", "embedded", "paid", "spoken", "foreign", "gaps", "hours"):
            assert getattr(one, figure) == getattr(mine, figure), (name, figure)
        for figure in ("gap_mean", "gap_deviation", "gap_log"):
            assert getattr(one, figure) == pytest.approx(getattr(mine, figure), rel=1e-4), (name, figure)
        assert replace(one.networks, bits=0, first=frozenset()) == replace(mine.networks, bits=0, first=frozenset())
        assert one.networks.bits == pytest.approx(mine.networks.bits)
        for row, order_made in zip(one.orders, sorted(mine.orders, key=lambda order: order.at), strict=True):
            for figure in ("commission", "is_coupon", "is_leaked", "click_country", "country", "address_kind"):
                assert getattr(row, figure) == getattr(order_made, figure), (name, figure)
            assert row.seconds == pytest.approx(order_made.seconds, abs=0.01)
            assert (row.other_click_before is None) == (order_made.other_click_before is None)
    verdicts = {loaded.names.get(one.place): {found.rule for found in one.findings} for one in examine(found, DEFAULTS)}
    wanted = {one.place: {found.rule for found in one.findings} for one in examine(list(known.values()), DEFAULTS)}
    assert {name: verdicts[name] for name in wanted} == wanted


def test_a_program_of_any_size_takes_the_same_number_of_questions(scene):
    def questions():
        with CaptureQueriesContext(connection) as captured:
            facts(scene)
        return len(captured)

    scene.order("50.00", click=scene.click("Ann"))
    few = questions()
    for name in ("Cat", "Dan", "Eve"):
        scene.join(name)
        for _number in range(3):
            scene.visitor = uuid4()
            scene.order("50.00", click=scene.click(name))

    assert questions() == few <= 10


def test_an_empty_program_has_partners_without_anything(scene):
    one = facts(scene)

    assert (one.orders, one.clicks, one.hours) == ([], 0, {})
    assert UUID(one.affiliate) == scene.places["Ann"].affiliate_id

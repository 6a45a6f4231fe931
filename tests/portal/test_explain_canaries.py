"""Nobody reads another's business in an explanation (X1, D8, D12): canaries in every field of another partner, sought everywhere.

A partner's pages, data, files, letters and postbacks are read whole; so are a merchant's, with another merchant's canaries.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from affiliates import endpoints, enrolments, keys
from affiliates.models import Call, OutgoingMail
from ledger.journal import deliver_waiting_events
from ledger.money import Money
from payouts import sales
from payouts.claims import deciding, opening
from payouts.models import Commission
from payouts.queries.calls import MACROS
from portal.calling.postbacks import read_template
from portal.outbound.letters import send_letter
from tests.factories.attribution import Scene, make_scene
from tests.factories.world import facts, make_click, make_sale, make_world
from tests.portal.partner import client_of
from tracking import links

pytestmark = pytest.mark.django_db

#: Sought without regard to case, in everything that is written with words.
WORD = "canary"
AMOUNT = re.compile(r"\d+\.\d\d")


@pytest.fixture
def scene() -> Scene:
    """Three partners share an order; two of them are full of canaries, and so is another merchant."""
    at = timezone.now()
    scene = make_scene(at, "Canarybird", "Annabel", "Canaryfinch", attribution_model="position")
    for name in ("Canarybird", "Canaryfinch"):
        place = scene.places[name]
        scene.links[name] = links.create_link(
            place, destination=f"https://shop.example/canary-{name}", label=f"canary label {name}",
            code=f"canary-{name.lower()}", presets={"sub1": "canary-sub"}, utm={"utm_source": "canary-utm"}, at=at,
        )  # fmt: skip
        links.add_alias(scene.links[name], f"canary-alias-{name.lower()}", at=at)
        scene.coupon(f"CANARY{name[-3:].upper()}", name)
    return scene


def _canary_click(scene: Scene, name: str, *, days: float):
    return scene.click(
        name, days=days, referrer="https://canary.example/review", params='{"sub1": "canary-sub", "q": "canary-query"}',
        destination="https://shop.example/canary-page", user_agent="canary-agent", country="CC",
    )  # fmt: skip


@pytest.fixture
def played(scene):
    """The order, amended, refunded in part, disputed and won, claimed by a canary; with what no answer may hold."""
    at = scene.at
    clicks = [_canary_click(scene, "Canarybird", days=14), scene.click("Annabel", days=7)]
    clicks.append(_canary_click(scene, "Canaryfinch", days=1))
    known = {"customer_ref": "canary-customer", "customer_email_key": "canary-key", "metadata": {"note": "canary-note"}}
    sale = scene.order("123.45", click=clicks[2], ref="order-77", **known)
    changed = facts("order-77", "130.65", at=at, click=clicks[2], **known)
    sales.amend_sale(sale.conversion, changed, at=at + timedelta(hours=1), reference="v2")
    sales.refund_sale(
        sale.conversion, amount=Money(1000, "USD"), reference="r1", reason="item_returned", at=at + timedelta(hours=2)
    )
    sales.dispute_opened(sale.conversion, reference="d1", amount=Money(500, "USD"), at=at + timedelta(hours=3))
    sales.dispute_won(sale.conversion, reference="d1", amount=Money(500, "USD"), at=at + timedelta(hours=4))
    bird = scene.places["Canarybird"]
    part = Commission.objects.get(conversion=sale.conversion, enrolment=bird)
    draft = opening.ClaimDraft("order-77", at.date(), amount=Money(20000, "USD"), text="canary-claim text")
    user = bird.affiliate.grants.first().user
    claim = opening.question_amount(part, "incorrect", draft, by=user, at=at + timedelta(hours=5))
    deciding.comment_as_merchant(claim, "canary-answer", by=scene.world.owner, at=at + timedelta(hours=6))
    return SimpleNamespace(sale=sale, hidden=_hidden(scene, sale, clicks), at=at, claim=claim)


def _hidden(scene: Scene, sale, clicks) -> list[str]:
    """Ids and amounts of the others, which have no word in them."""
    rows = Commission.objects.filter(conversion=sale.conversion).exclude(enrolment=scene.places["Annabel"])
    own = Commission.objects.get(conversion=sale.conversion, enrolment=scene.places["Annabel"])
    found = [clicks[0].public_id, clicks[2].public_id, str(clicks[0].pk), str(clicks[2].pk)]
    for row in rows:
        found += [row.public_id, row.affiliate.public_id, row.enrolment.public_id, str(row.pk), str(row.affiliate_id)]
        found += [row.amount.major, row.remaining.major]
    found += [link.public_id for name, link in scene.links.items() if name != "Annabel"]
    assert {own.amount.major, own.remaining.major}.isdisjoint(found)
    return found


def _leaks(text: str, hidden: list[str]) -> list[str]:
    lowered = text.lower()
    around = lowered.find(WORD)
    words = [text[max(around - 60, 0) : around + 60]] if around >= 0 else []
    # Drawings have figures among their coordinates; an amount is sought in what is read.
    read = re.sub(r"<[^>]*>", " ", text)
    return words + [one for one in hidden if one in (read if AMOUNT.fullmatch(one) else text)]


def _body(response) -> str:
    assert response.status_code == 200, response
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


def _pages_of_annabel(scene: Scene, played) -> Iterator[tuple[str, str]]:
    place = scene.places["Annabel"]
    client = client_of(place.affiliate.grants.first().user)
    own = Commission.objects.get(conversion=played.sale.conversion, enrolment=place)
    for path in (
        "/partner/", "/partner/earnings/", f"/partner/earnings/{own.public_id}/", "/partner/earnings/export.csv",
        "/partner/claims/", "/partner/reports/", "/partner/reports/export.csv", "/partner/reports/paths/",
        "/partner/reports/paths/export.csv", "/partner/reports/cohorts/", "/partner/reports/cohorts/export.csv",
        "/partner/clicks/", "/partner/codes/", "/partner/links/", "/partner/links/export.csv", "/partner/payouts/",
        f"/partner/programs/{scene.world.program.slug}/",
    ):  # fmt: skip
        yield path, _body(client.get(path))
    day = (timezone.now() - timedelta(hours=1)).date()
    said = {"program": scene.world.program.slug, "order_ref": "order-77", "ordered_on": day, "amount": "123.45"}
    yield "why not me", _body(client.post("/partner/earnings/missing/", said, follow=True))


def _data_of(place, conversion_id: str) -> Iterator[tuple[str, str]]:
    secret = keys.issue_key("pk", name="blog", affiliate=place.affiliate, at=timezone.now())[1]
    client = Client(headers={"authorization": f"Bearer {secret}"})
    for path in (
        f"conversions/{conversion_id}/explain", "commissions", "links", "payouts", "coupons", "reports/performance",
        "reports/performance?group_by=link",
    ):  # fmt: skip
        response = client.get(f"/api/v1/{path}")
        if path == "coupons" and response.status_code in {403, 404}:
            continue
        yield path, _body(response)


def test_no_page_and_no_file_of_a_partner_holds_another_partners_canaries(scene, played):
    found = {path: _leaks(text, played.hidden) for path, text in _pages_of_annabel(scene, played)}

    assert {path: one for path, one in found.items() if one} == {}


def test_no_data_of_a_partner_hold_another_partners_canaries(scene, played):
    texts = dict(_data_of(scene.places["Annabel"], played.sale.conversion.public_id))

    assert {path: one for path, text in texts.items() if (one := _leaks(text, played.hidden))} == {}
    assert "order-77" not in texts[f"conversions/{played.sale.conversion.public_id}/explain"]


def test_no_letter_and_no_postback_to_a_partner_holds_another_partners_canaries(scene, played):
    annabel = scene.places["Annabel"].affiliate
    user = annabel.grants.first().user
    macros = "&".join(f"p{number}={{{name}}}" for number, name in enumerate(MACROS))
    endpoints.add_endpoint(
        kind="postback", name="tracker", url=read_template(f"https://tracker.example/?{macros}"),
        events=("commission.accrued", "commission.reversed"), method="GET", by=user, at=scene.at, affiliate=annabel,
    )  # fmt: skip
    deciding.accept_claim(
        played.claim, amount=Money.parse("300.00", "USD"), by=scene.world.owner, at=scene.at + timedelta(hours=7)
    )
    deliver_waiting_events(at=timezone.now() + timedelta(minutes=1))

    for letter in OutgoingMail.objects.filter(recipient=user.email.lower()):
        send_letter(letter)
    assert [one.to for one in mail.outbox], "nothing was written to the partner"
    letters = [f"{one.subject}\n{one.body}\n{one.alternatives[0][0]}" for one in mail.outbox]
    calls = [f"{call.url} {call.body}" for call in Call.objects.all()]

    assert calls
    assert [leak for text in letters + calls for leak in _leaks(text, played.hidden)] == []


@pytest.fixture
def at_rest():
    """Two partners without canaries who share an order."""
    scene = make_scene(timezone.now(), "Annabel", "Bobby", attribution_model="linear")
    scene.click("Annabel", days=2)
    return scene, scene.order("123.45", click=scene.click("Bobby", days=1), ref="order-77")


@pytest.fixture
def strangers(at_rest):
    """Another merchant full of canaries, whose program one of the partners is in and the same visitor saw."""
    scene, _sale = at_rest
    at = scene.at
    other = make_world(at)
    for row, name in ((other.merchant, "Canary Wharf Shop"), (other.program, "Canary program")):
        row.name = name
        row.save(update_fields=["name"])
    place = enrolments.join_program(scene.places["Annabel"].affiliate, other.program, at=at - timedelta(days=100))
    link = links.create_link(place, destination="https://shop.example/canary", code="canary-elsewhere", at=at)
    click = make_click(link, at=at - timedelta(hours=3), visitor=scene.visitor)
    sale = make_sale(other, "77.77", at=at, order_ref="canary-order")
    hidden = [click.public_id, str(click.pk), link.public_id, sale.conversion.public_id, "77.77", other.merchant.slug]
    return SimpleNamespace(world=other, sale=sale, hidden=[*hidden, other.program.public_id, place.public_id])


def test_a_merchant_reads_its_own_business_and_no_other_merchants(at_rest, strangers):
    scene, sale = at_rest
    merchant = scene.world.merchant
    client, base = client_of(scene.world.owner), f"/merchant/{merchant.slug}"
    secret = keys.issue_key("sk_live", name="shop", merchant=merchant, at=timezone.now())[1]
    data = Client(headers={"authorization": f"Bearer {secret}"})
    texts = {path: _body(client.get(f"{base}/{path}")) for path in (
        "", "conversions/", "conversions/export.csv", f"conversions/{sale.conversion.public_id}/", "reports/",
        "reports/export.csv", "reports/paths/", "reports/paths/export.csv", "partners/",
    )}  # fmt: skip
    texts |= {path: _body(data.get(f"/api/v1/{path}")) for path in (
        f"conversions/{sale.conversion.public_id}/explain", "commissions", "links", "affiliates", "payouts",
    )}  # fmt: skip

    assert {path: one for path, text in texts.items() if (one := _leaks(text, strangers.hidden))} == {}
    own = texts[f"conversions/{sale.conversion.public_id}/explain"]
    assert "Bobby" in texts[f"conversions/{sale.conversion.public_id}/"]
    assert scene.places["Annabel"].affiliate.public_id in own


def test_another_merchants_order_is_not_there_by_page_or_key(at_rest, strangers):
    scene, _sale = at_rest
    theirs = strangers.sale.conversion.public_id
    own, merchant = client_of(scene.world.owner), scene.world.merchant
    secret = keys.issue_key("sk_live", name="shop", merchant=merchant, at=timezone.now())[1]
    stranger = keys.issue_key("pk", name="x", affiliate=scene.places["Bobby"].affiliate, at=timezone.now())[1]

    assert own.get(f"/merchant/{merchant.slug}/conversions/{theirs}/").status_code == 404
    assert own.get(f"/merchant/{strangers.world.merchant.slug}/conversions/{theirs}/").status_code == 404
    for key in (secret, stranger):
        answer = Client(headers={"authorization": f"Bearer {key}"}).get(f"/api/v1/conversions/{theirs}/explain")
        assert answer.status_code == 404
        assert _leaks(answer.content.decode(), strangers.hidden[:1]) == []

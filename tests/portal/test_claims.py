"""Missing sale, claims and their screens: the partner's two clicks, the merchant's answer, nobody else's business (A9, D11)."""

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from affiliates.models import OutgoingMail, RoleGrant
from affiliates.teams import grant_role
from ledger.journal import deliver_waiting_events
from payouts.claims import deciding, opening
from payouts.models import Claim, OrderQuestion
from tests.factories.world import make_sale, make_user, make_world
from tests.portal.partner import client_of, plain_figures, text_of

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@pytest.fixture
def world():
    return make_world(timezone.now())


@pytest.fixture
def partner(world) -> Client:
    return client_of(world.partner)


@pytest.fixture
def merchant(world) -> Client:
    return client_of(world.owner)


@pytest.fixture
def staff() -> Client:
    user = make_user("staff")
    grant_role(user, RoleGrant.Role.NETWORK_STAFF, at=timezone.now())
    return client_of(user)


def yesterday() -> date:
    return timezone.now().date() - timedelta(days=1)


def ask(partner: Client, world, ref="1042", **more):
    said = {"program": world.program.slug, "order_ref": ref, "ordered_on": yesterday(), "amount": "62.00", **more}
    return partner.post("/partner/earnings/missing/", said, follow=True)


def test_the_answer_comes_first_and_only_then_a_claim(world, partner, merchant):
    answer = ask(partner, world)
    assert "The shop has not reported this order" in text_of(answer)
    assert b'data-situation="not_reported"' in answer.content
    question = OrderQuestion.objects.get()

    proof = SimpleUploadedFile("order.png", PNG, "image/png")
    url = f"/partner/earnings/missing/{question.public_id}/claim/"
    made = partner.post(url, {"amount": "62.00", "text": "My reader wrote to me.", "proof": proof}, follow=True)

    claim = Claim.objects.get()
    assert made.redirect_chain[-1][0] == f"/partner/claims/{claim.public_id}/"
    assert "order.png" in text_of(made)
    assert "First reply within" in text_of(partner.get("/partner/claims/")) or "Reply" in text_of(made)
    shown = text_of(merchant.get(f"/merchant/{world.merchant.slug}/claims/{claim.public_id}/"))
    assert "My reader wrote to me." in shown
    assert "The shop has not reported this order" in shown
    assert "$12.40" in shown


def test_the_merchant_accepts_and_the_partner_reads_why(world, partner, merchant):
    ask(partner, world)
    draft = opening.ClaimDraft("1042", yesterday(), _usd("62.00"))
    claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=timezone.now())
    url = f"/merchant/{world.merchant.slug}/claims/{claim.public_id}/"

    merchant.post(f"{url}ask/", {"text": "Which card?"})
    partner.post(f"/partner/claims/{claim.public_id}/comment/", {"text": "Visa."})
    done = merchant.post(f"{url}accept/", {"amount": "62.00", "extra": "", "text": "Thank you."}, follow=True)

    assert "Accepted" in text_of(done)
    assert claim.refreshed().granted.amount == _usd("12.40")
    page = partner.get(f"/partner/earnings/{claim.refreshed().granted.public_id}/")
    assert page.status_code == 200
    assert plain_figures(partner.get(f"/partner/claims/{claim.public_id}/")) == []
    again = merchant.post(f"{url}accept/", {"amount": "62.00"})
    assert again.status_code == 400
    assert "Somebody was quicker" in text_of(again)


def _usd(text):
    from ledger.money import Money  # noqa: PLC0415 - one helper needs it

    return Money.parse(text, "USD")


def test_a_declined_claim_goes_to_the_network_which_decides(world, partner, merchant, staff):
    draft = opening.ClaimDraft("1042", yesterday(), _usd("62.00"))
    claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=timezone.now())
    url = f"/merchant/{world.merchant.slug}/claims/{claim.public_id}/"

    merchant.post(f"{url}decline/", {"reason": "order_unknown", "text": "No such order."})
    partner.post(f"/partner/claims/{claim.public_id}/appeal/", {"text": "Here is the invoice."})
    assert "1042" in text_of(staff.get("/network/claims/?view=appealed"))
    staff.post(f"/network/claims/{claim.public_id}/accept/", {"amount": "62.00"})

    assert claim.refreshed().status == "accepted"


def test_every_earnings_line_can_be_questioned(world, partner):
    sale = make_sale(world, "62.00", at=timezone.now() - timedelta(days=1), order_ref="1042")
    commission = sale.commissions[0].public_id

    listed = partner.get("/partner/earnings/").content.decode()
    explained = partner.get(f"/partner/earnings/{commission}/").content.decode()
    question = f"/partner/earnings/{commission}/question/"
    assert question in listed
    assert question in explained

    made = partner.post(question, {"kind": "amount", "expected": "20.00", "text": "Rate of November."}, follow=True)
    assert "Wrong commission" in text_of(made)
    assert Claim.objects.get().expected == _usd("20.00")


def test_asking_again_about_a_claimed_order_leads_to_the_claim(world, partner):
    draft = opening.ClaimDraft("1042", yesterday(), _usd("62.00"))
    claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=timezone.now())

    assert f"/partner/claims/{claim.public_id}/" in ask(partner, world).content.decode()


def test_guessing_order_numbers_ends_with_a_clear_word(world, partner, settings):
    settings.ORDER_QUESTIONS_PER_HOUR = 1
    ask(partner, world)

    refused = ask(partner, world, "1043")

    assert refused.status_code == 400
    assert "many orders in this hour" in text_of(refused)


def test_a_file_that_is_no_picture_is_refused_and_the_words_are_kept(world, partner):
    ask(partner, world)
    url = f"/partner/earnings/missing/{OrderQuestion.objects.get().public_id}/claim/"

    refused = partner.post(
        url, {"amount": "62.00", "text": "My words", "proof": SimpleUploadedFile("a.png", b"<html>", "image/png")}
    )

    assert refused.status_code == 400
    assert "My words" in text_of(refused)
    assert not Claim.objects.exists()


def test_proof_is_a_download_for_the_three_sides_and_nobody_else(world, partner, merchant, staff):
    from payouts.claims.papers import Paper  # noqa: PLC0415 - one test needs it

    draft = opening.ClaimDraft("1042", yesterday(), _usd("62.00"), papers=[Paper("a.png", PNG)])
    claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=timezone.now())
    paper = claim.files.get().public_id
    other = make_world(timezone.now())

    for client, start in (
        (partner, "/partner/claims"),
        (merchant, f"/merchant/{world.merchant.slug}/claims"),
        (staff, "/network/claims"),
    ):
        response = client.get(f"{start}/{claim.public_id}/papers/{paper}/")
        assert response.content == PNG
        assert response["Content-Disposition"].startswith("attachment")
        assert response["X-Content-Type-Options"] == "nosniff"
    for client, start in (
        (client_of(other.partner), "/partner/claims"),
        (client_of(other.owner), f"/merchant/{other.merchant.slug}/claims"),
    ):
        assert client.get(f"{start}/{claim.public_id}/papers/{paper}/").status_code == 404
        assert client.get(f"{start}/{claim.public_id}/").status_code == 404


def test_both_sides_get_their_letters(world):
    at = timezone.now()
    draft = opening.ClaimDraft("1042", yesterday(), _usd("62.00"))
    claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=at)
    deciding.accept_claim(claim, by=world.owner, at=at)
    deliver_waiting_events(at=at + timedelta(minutes=1))

    written = dict(OutgoingMail.objects.filter(kind__startswith="claim.").values_list("kind", "recipient"))
    assert written == {
        "claim.opened.merchant": world.owner.email.lower(),
        "claim.accepted.partner": world.partner.email.lower(),
    }


@pytest.mark.parametrize("number", [1, 3])
def test_the_lists_ask_no_more_questions_the_longer_they_are(
    world, partner, merchant, staff, django_assert_max_num_queries, number
):
    for index in range(number):
        draft = opening.ClaimDraft(f"o{index}", yesterday(), _usd("62.00"))
        claim = opening.claim_order(world.enrolment, draft, by=world.partner, at=timezone.now())
    slug = world.merchant.slug
    for client, url in (
        (partner, "/partner/claims/"),
        (partner, f"/partner/claims/{claim.public_id}/"),
        (partner, "/partner/earnings/missing/"),
        (merchant, f"/merchant/{slug}/claims/"),
        (merchant, f"/merchant/{slug}/claims/{claim.public_id}/"),
        (merchant, f"/merchant/{slug}/claims/settings/"),
        (staff, "/network/claims/"),
        (staff, f"/network/claims/{claim.public_id}/"),
    ):
        with django_assert_max_num_queries(25):
            assert client.get(url).status_code == 200

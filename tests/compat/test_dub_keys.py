"""What a key of the wrong kind cannot do on Dub's surface, and what sending twice leaves behind."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from affiliates.enrolments import leave_program
from affiliates.keys import issue_key
from affiliates.models import Affiliate, User
from payouts.models import Commission
from tests.factories.world import World, make_sale, make_user, make_world
from tracking.models import Click, Conversion


@pytest.fixture
def world(db) -> World:
    return make_world(timezone.now())


def call(world: World, method: str, path: str, body: object = None, *, kind: str = "sk_live"):
    _key, token = issue_key(kind, name="dub", merchant=world.merchant, by=world.owner, at=timezone.now())
    return Client().generic(
        method, f"/compat/dub{path}", json.dumps(body or {}), content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )  # fmt: skip


def test_a_test_key_touches_nothing_real(world):
    sale = make_sale(world, at=timezone.now())
    commission = sale.commissions[0]

    answers = [
        call(world, "PATCH", f"/commissions/{commission.public_id}", {"status": "refunded"}, kind="sk_test"),
        call(world, "DELETE", f"/links/{world.link.public_id}", kind="sk_test"),
        call(world, "POST", "/partners/ban", {"partnerId": world.affiliate.public_id}, kind="sk_test"),
        call(world, "POST", "/partners", {"email": "new@partner.example"}, kind="sk_test"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert (commission.refreshed().reversed_minor, world.link.refreshed().status) == (0, "active")
    assert world.enrolment.refreshed().status == "approved"
    assert not User.objects.filter(email="new@partner.example").exists()


@pytest.mark.parametrize("path", ["/track/lead/client", "/track/sale/client"])
def test_a_live_secret_in_a_page_is_refused_and_told_to_be_revoked(world, path):
    answer = call(world, "POST", path, {"customerExternalId": "u", "amount": 5, "eventName": "x", "clickId": ""})

    assert answer.status_code == 403
    assert "revoke it" in answer.json()["error"]["message"]
    assert not Conversion.objects.exists()


def test_nobody_who_is_here_already_is_enrolled_or_named_by_a_merchant(world):
    other = make_world(timezone.now())
    staff = make_user("finance")

    for email in (other.partner.email, staff.email):
        answer = call(world, "POST", "/partners", {"email": email})
        assert answer.status_code == 422
        assert other.affiliate.name not in answer.content.decode()
    assert not world.program.enrolments.filter(affiliate=other.affiliate).exists()
    assert not Affiliate.objects.filter(contact_email=staff.email).exists()


def test_who_has_left_is_not_brought_back(world):

    leave_program(world.enrolment, by=world.partner, at=timezone.now())

    assert call(world, "POST", "/partners", {"email": world.partner.email}).status_code == 422
    assert world.enrolment.refreshed().status == "left"


def test_a_commission_reported_twice_is_one_with_one_click_and_never_a_quiet_other(world):
    said = {"type": "sale", "partnerId": world.affiliate.public_id, "customerId": "u1",
            "sale": {"amount": 700, "invoiceId": "in_7"}}  # fmt: skip
    first, again = call(world, "POST", "/commissions", said), call(world, "POST", "/commissions", said)
    other = call(world, "POST", "/commissions", {**said, "sale": {"amount": 900, "invoiceId": "in_7"}})

    assert [first.status_code, again.status_code, other.status_code] == [202, 202, 409]
    assert (Commission.objects.count(), Click.objects.filter(link_id=world.link.pk).count()) == (1, 1)


@pytest.mark.parametrize("amount", ["1e999", "1e300", "-1", "99999999999999999999", "true", '"5"', "0.5"])
def test_no_amount_makes_an_error_of_ours(world, amount):
    _key, token = issue_key("sk_live", name="dub", merchant=world.merchant, by=world.owner, at=timezone.now())
    for path, body in (
        ("/track/sale", f'{{"customerExternalId": "u", "currency": "USD", "amount": {amount}}}'),
        (
            "/commissions",
            f'{{"type": "sale", "partnerId": "{world.affiliate.public_id}", "customerId": "u", "sale": {{"amount": {amount}}}}}',
        ),
    ):
        answer = Client().post(
            f"/compat/dub{path}", body, content_type="application/json", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 422, path

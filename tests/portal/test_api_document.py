"""The API's document, and the API held against it by a fuzzer: no 5xx, no answer that the document does not know."""

import itertools
import json
from io import StringIO

import pytest
import schemathesis
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from portal.api.v1 import api
from tests.factories.world import make_click
from tests.portal.shop import open_shop
from tracking.models import InboxRequest

CONTRACT = {
    ("/api/v1/conversions", "post"), ("/api/v1/conversions/batch", "post"),
    ("/api/v1/conversions/{conversion_id}", "get"), ("/api/v1/conversions/{conversion_id}/explain", "get"),
    ("/api/v1/conversions/{conversion_id}/refund", "post"),
    ("/api/v1/conversions/{conversion_id}/refunds/apart", "post"), ("/api/v1/clicks/{click_id}", "get"),
    ("/api/v1/links", "get"), ("/api/v1/links", "post"), ("/api/v1/links/batch", "post"),
    ("/api/v1/links/{code}", "get"), ("/api/v1/links/{code}", "patch"), ("/api/v1/affiliates", "get"), ("/api/v1/commissions", "get"),
    ("/api/v1/payouts", "get"), ("/api/v1/reports/performance", "get"),
    ("/api/v1/fraud/findings", "get"), ("/api/v1/fraud/findings/{finding_id}", "get"),
    ("/api/v1/conversions/{conversion_id}", "patch"),
    ("/api/v1/coupons", "get"), ("/api/v1/coupons", "post"), ("/api/v1/clicks/{click_id}/receipt", "get"),
    ("/api/v1/conversions/{conversion_id}/receipts", "get"),
    ("/api/v1/creatives", "get"), ("/api/v1/deals", "get"), ("/api/v1/deals.csv", "get"), ("/api/v1/products", "get"),
}  # fmt: skip

CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


def test_the_command_prints_the_document_that_the_address_serves():
    out = StringIO()
    call_command("openapi", stdout=out)

    printed = json.loads(out.getvalue())

    assert printed == Client().get("/api/v1/openapi.json").json()
    assert printed["openapi"].startswith("3.1")


def test_the_document_has_every_call_of_the_contract_and_says_how_each_refuses():
    document = api.get_openapi_schema()

    found = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert found == CONTRACT
    for methods in document["paths"].values():
        for operation in methods.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]
            assert operation["security"] == [{"BearerKey": []}]
    posts = [methods["post"] for methods in document["paths"].values() if "post" in methods]
    assert all("Idempotency-Key" in {p["name"] for p in post["parameters"]} for post in posts)


def _fuzz(examples: int) -> int:
    """Send generated requests, good ones and bad ones, to every operation under each kind of key; how many."""
    shop = open_shop()
    make_click(shop.world.link, at=shop.at)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    sent = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode, secret in itertools.product(GenerationMode, (shop.live, shop.test, shop.partner)):
            sent += _send_some(operation.as_strategy(generation_mode=mode), secret, examples)
    return sent


def _send_some(cases, secret: str, examples: int) -> int:
    sent = 0

    @settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases)
    def send(case):
        nonlocal sent
        case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=list(CHECKS))
        sent += 1

    send()
    return sent


def _nothing_was_lost() -> None:
    """Every request that came to an intake has a verdict, and none was set aside for a fault of ours."""
    assert not InboxRequest.objects.filter(status_code__gte=500).exists()
    assert not InboxRequest.objects.filter(reason="being_read").exists()


@pytest.mark.django_db(transaction=True)
def test_generated_requests_are_all_answered_as_the_document_says():
    assert _fuzz(3) > 150
    _nothing_was_lost()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_very_many_generated_requests_are_all_answered_as_the_document_says():
    assert _fuzz(60) > 3_000
    _nothing_was_lost()

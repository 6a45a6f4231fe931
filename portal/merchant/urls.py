"""Addresses under /merchant/; who may open each stands in portal/policy.py."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from portal.merchant.views import billing, conversions, events, keys, overview, partners, rules, setup
from portal.requests import MerchantRequest

app_name = "merchant"


def page(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
    """An address of the workspace, whose days and clocks are those of the merchant's own time zone.

    The slug has done its work in the policy; views read request.merchant.
    """

    @wraps(view)
    def opened(request: MerchantRequest, merchant_slug: str, **rest: Any) -> HttpResponseBase:
        with timezone.override(ZoneInfo(request.merchant.time_zone)):
            return view(request, **rest)

    return path(route, opened, name=name)


urlpatterns: list[URLPattern | URLResolver] = [
    page("", overview.overview, "overview"),
    # Conversions
    page("conversions/", conversions.conversions, "conversions"),
    page("conversions/export.csv", conversions.export, "conversions-export"),
    page("conversions/<str:conversion_id>/", conversions.conversion, "conversion"),
    page("conversions/<str:conversion_id>/refund/", conversions.refund, "conversion-refund"),
    page("commissions/<str:commission_id>/", conversions.commission, "commission"),
    # Partners
    page("partners/", partners.partners, "partners"),
    page("partners/applications/", partners.applications, "applications"),
    page("partners/<str:enrolment_id>/approve/", partners.approve, "enrolment-approve"),
    page("partners/<str:enrolment_id>/decline/", partners.decline, "enrolment-decline"),
    page("partners/<str:enrolment_id>/suspend/", partners.suspend, "enrolment-suspend"),
    # Rules
    page("rules/", rules.rules, "rules"),
    page("rules/new/<slug:program_slug>/", rules.new, "rule-new"),
    page("rules/<str:rule_id>/", rules.rule, "rule"),
    # Events
    page("events/", events.events, "events"),
    page("events/<str:request_id>/", events.event, "event"),
    # Keys
    page("keys/", keys.keys, "keys"),
    page("keys/issue/", keys.issue, "key-issue"),
    page("keys/<str:key_id>/revoke/", keys.revoke, "key-revoke"),
    # The rest
    page("billing/", billing.billing, "billing"),
    page("setup/", setup.setup, "setup"),
]

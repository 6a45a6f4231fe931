"""Addresses under /merchant/; who may open each stands in portal/policy.py."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone

from portal.merchant.views import (
    assets,
    attribution,
    billing,
    claims,
    conversions,
    coupons,
    deals,
    endpoints,
    events,
    feeds,
    fraud,
    fraud_rules,
    keys,
    overview,
    own_codes,
    partners,
    reports,
    rules,
    setup,
    setup_doors,
    shops,
    tracking,
    uploads,
)
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
    page("conversions/<str:conversion_id>/refunds-apart/", conversions.tell_apart, "conversion-refunds-apart"),
    page("conversions/<str:conversion_id>/amend/", conversions.amend, "conversion-amend"),
    page("commissions/<str:commission_id>/", conversions.commission, "commission"),
    # Fraud
    page("fraud/", fraud.findings, "fraud"),
    page("fraud/export.csv", fraud.export, "fraud-export"),
    page("fraud/rules/", fraud_rules.overview, "fraud-rules"),
    page("fraud/rules/<slug:program_slug>/", fraud_rules.program, "fraud-program"),
    page("fraud/<str:finding_id>/", fraud.finding, "finding"),
    page("fraud/<str:finding_id>/hold/", fraud.hold, "finding-hold"),
    page("fraud/<str:finding_id>/release/", fraud.release, "finding-release"),
    page("fraud/<str:finding_id>/ask/", fraud.ask, "finding-ask"),
    # Claims
    page("claims/", claims.claims, "claims"),
    page("claims/settings/", claims.settings, "claim-settings"),
    page("claims/<str:claim_id>/", claims.claim, "claim"),
    page("claims/<str:claim_id>/comment/", claims.comment, "claim-comment"),
    page("claims/<str:claim_id>/ask/", claims.ask, "claim-ask"),
    page("claims/<str:claim_id>/accept/", claims.accept, "claim-accept"),
    page("claims/<str:claim_id>/decline/", claims.decline, "claim-decline"),
    page("claims/<str:claim_id>/papers/<str:paper_id>/", claims.paper, "claim-paper"),
    # Partners
    page("partners/", partners.partners, "partners"),
    page("partners/applications/", partners.applications, "applications"),
    page("partners/<str:enrolment_id>/approve/", partners.approve, "enrolment-approve"),
    page("partners/<str:enrolment_id>/decline/", partners.decline, "enrolment-decline"),
    page("partners/<str:enrolment_id>/suspend/", partners.suspend, "enrolment-suspend"),
    page("partners/<str:enrolment_id>/credit-class/", attribution.credit_class, "enrolment-credit-class"),
    # Attribution
    page("attribution/", attribution.attribution, "attribution"),
    page("attribution/<slug:program_slug>/new/", attribution.new, "attribution-new"),
    page("attribution/<slug:program_slug>/models/", attribution.compare, "attribution-compare"),
    page("attribution/<slug:program_slug>/models/export.csv", attribution.compare_export, "attribution-compare-export"),
    page("coupons/", coupons.coupons, "coupons"),
    page("coupons/export.csv", coupons.export, "coupons-export"),
    page("coupons/new/", coupons.new, "coupon-new"),
    page("coupons/import/", coupons.import_list, "coupon-import"),
    page("coupons/own/", own_codes.own_codes, "coupons-own"),
    page("coupons/unknown/", own_codes.unknown_codes, "coupons-unknown"),
    page("coupons/unknown/export.csv", own_codes.unknown_export, "coupons-unknown-export"),
    page("coupons/<str:coupon_id>/", coupons.coupon, "coupon"),
    page("coupons/<str:coupon_id>/end/", coupons.end, "coupon-end"),
    # Creatives and deals
    page("assets/", assets.creatives, "assets"),
    page("assets/new/", assets.new, "asset-new"),
    page("assets/<str:creative_id>/", assets.creative, "asset"),
    page("assets/<str:creative_id>/end/", assets.end, "asset-end"),
    page("deals/", deals.deals, "deals"),
    page("deals/new/", deals.new, "deal-new"),
    page("deals/<str:deal_id>/", deals.deal, "deal"),
    page("deals/<str:deal_id>/end/", deals.end, "deal-end"),
    # Reports
    page("reports/", reports.performance, "reports"),
    page("reports/export.csv", reports.performance_export, "reports-export"),
    page("reports/paths/", reports.paths, "reports-paths"),
    page("reports/paths/export.csv", reports.paths_export, "reports-paths-export"),
    page("reports/cohorts/", reports.cohorts, "reports-cohorts"),
    page("reports/cohorts/export.csv", reports.cohorts_export, "reports-cohorts-export"),
    # Rules
    page("rules/", rules.rules, "rules"),
    page("rules/new/<slug:program_slug>/", rules.new, "rule-new"),
    page("rules/<str:rule_id>/", rules.rule, "rule"),
    # Events
    page("events/", events.events, "events"),
    page("events/export.csv", events.export, "events-export"),
    page("events/replay/", events.replay_many, "events-replay"),
    page("events/replays/<str:job_id>/", events.job, "events-job"),
    page("events/replays/<str:job_id>/cancel/", events.job_cancel, "events-job-cancel"),
    page("events/<str:request_id>/", events.event, "event"),
    page("events/<str:request_id>/replay/", events.replay, "event-replay"),
    # Uploads
    page("uploads/", uploads.uploads, "uploads"),
    page("uploads/template.csv", uploads.template, "upload-template"),
    page("uploads/send/", uploads.send, "upload-send"),
    page("uploads/<str:upload_id>/", uploads.upload, "upload"),
    page("uploads/<str:upload_id>/columns/", uploads.columns, "upload-columns"),
    page("uploads/<str:upload_id>/record/", uploads.record, "upload-record"),
    page("uploads/<str:upload_id>/discard/", uploads.discard, "upload-discard"),
    page("uploads/<str:upload_id>/rows.csv", uploads.export, "upload-export"),
    # Products
    page("feeds/", feeds.feeds, "feeds"),
    page("feeds/template.csv", feeds.template, "feed-template"),
    page("feeds/<slug:program_slug>/", feeds.feed, "feed"),
    page("feeds/<slug:program_slug>/save/", feeds.save, "feed-save"),
    page("feeds/<slug:program_slug>/upload/", feeds.upload, "feed-upload"),
    page("feeds/<slug:program_slug>/fetch/", feeds.fetch, "feed-fetch"),
    page("feeds/<slug:program_slug>/withdraw/", feeds.withdraw, "feed-withdraw"),
    page("feeds/<slug:program_slug>/refused.csv", feeds.refused, "feed-refused"),
    # Webhooks
    page("webhooks/", endpoints.endpoints, "endpoints"),
    page("webhooks/new/", endpoints.new, "endpoint-new"),
    page("webhooks/<str:endpoint_id>/", endpoints.endpoint, "endpoint"),
    page("webhooks/<str:endpoint_id>/edit/", endpoints.edit, "endpoint-edit"),
    page("webhooks/<str:endpoint_id>/act/", endpoints.act, "endpoint-act"),
    page("webhooks/<str:endpoint_id>/calls/<str:call_id>/", endpoints.call, "endpoint-call"),
    page("webhooks/<str:endpoint_id>/calls/<str:call_id>/replay/", endpoints.replay, "endpoint-call-replay"),
    # Keys
    page("keys/", keys.keys, "keys"),
    page("keys/issue/", keys.issue, "key-issue"),
    page("keys/<str:key_id>/revoke/", keys.revoke, "key-revoke"),
    # Tracking
    page("tracking/", tracking.tracking, "tracking"),
    page("tracking/<slug:program_slug>/", tracking.program, "tracking-program"),
    page("tracking/<slug:program_slug>/save/", tracking.save, "tracking-save"),
    page("tracking/<slug:program_slug>/routing/", tracking.routing, "tracking-routing"),
    page("landing-pages/<str:page_id>/withdraw/", tracking.withdraw_page, "landing-page-withdraw"),
    page("domains/add/", tracking.add_domain, "domain-add"),
    page("domains/<str:domain_id>/check/", tracking.check_domain, "domain-check"),
    page("domains/<str:domain_id>/remove/", tracking.remove_domain, "domain-remove"),
    # Shops
    page("shops/", shops.shops, "shops"),
    page("shops/connect/", shops.connect, "shop-connect"),
    page("shops/<str:shop_id>/", shops.shop, "shop"),
    page("shops/<str:shop_id>/secret/", shops.rotate, "shop-rotate"),
    page("shops/<str:shop_id>/turn/", shops.turn, "shop-turn"),
    page("shops/<str:shop_id>/settings/", shops.change, "shop-change"),
    # The rest
    page("billing/", billing.billing, "billing"),
    page("setup/", setup.setup, "setup"),
    page("setup/tag/", setup_doors.tag, "setup-tag"),
    page("setup/tag/orders/", setup_doors.tag_orders, "setup-tag-orders"),
    page("setup/tag/waiting/", setup_doors.waiting, "setup-waiting"),
    page("setup/tag/waiting/<str:conversion_id>/", setup_doors.confirm, "setup-confirm"),
    page("setup/postback/", setup_doors.postback, "setup-postback"),
    page("setup/postback/test/", setup_doors.send_test, "setup-test"),
    page("setup/translator/", setup_doors.translator, "setup-translator"),
]

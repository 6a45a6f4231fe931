"""Addresses under /merchant/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.merchant.views import billing, conversions, events, keys, overview, partners, rules, setup

app_name = "merchant"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", overview.overview, name="overview"),
    # Conversions
    path("conversions/", conversions.conversions, name="conversions"),
    path("conversions/export.csv", conversions.export, name="conversions-export"),
    path("conversions/<str:conversion_id>/", conversions.conversion, name="conversion"),
    path("conversions/<str:conversion_id>/refund/", conversions.refund, name="conversion-refund"),
    path("commissions/<str:commission_id>/", conversions.commission, name="commission"),
    # Partners
    path("partners/", partners.partners, name="partners"),
    path("partners/applications/", partners.applications, name="applications"),
    path("partners/<str:enrolment_id>/approve/", partners.approve, name="enrolment-approve"),
    path("partners/<str:enrolment_id>/decline/", partners.decline, name="enrolment-decline"),
    path("partners/<str:enrolment_id>/suspend/", partners.suspend, name="enrolment-suspend"),
    # Rules
    path("rules/", rules.rules, name="rules"),
    path("rules/new/<slug:program_slug>/", rules.new, name="rule-new"),
    path("rules/<str:rule_id>/", rules.rule, name="rule"),
    # Events
    path("events/", events.events, name="events"),
    path("events/<str:request_id>/", events.event, name="event"),
    # Keys
    path("keys/", keys.keys, name="keys"),
    path("keys/issue/", keys.issue, name="key-issue"),
    path("keys/<str:key_id>/revoke/", keys.revoke, name="key-revoke"),
    # The rest
    path("billing/", billing.billing, name="billing"),
    path("setup/", setup.setup, name="setup"),
]

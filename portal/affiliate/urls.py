"""Addresses under /partner/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.affiliate.views import earnings, home, links, payouts, programs, settings, statements

app_name = "partner"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    # Links
    path("links/", links.links, name="links"),
    path("links/new/", links.new, name="link-new"),
    path("links/<slug:code>/", links.link, name="link"),
    path("links/<slug:code>/qr.svg", links.qr_code, name="link-qr"),
    path("links/<slug:code>/retire/", links.retire, name="link-retire"),
    # Earnings
    path("earnings/", earnings.earnings, name="earnings"),
    path("earnings/export.csv", earnings.export, name="earnings-export"),
    path("earnings/<str:commission_id>/", earnings.earning, name="earning"),
    # Payouts
    path("payouts/", payouts.payouts, name="payouts"),
    path("payouts/<str:payout_id>/", payouts.payout, name="payout"),
    path("statements/<str:statement_id>/", statements.statement, name="statement"),
    path("statements/<str:statement_id>/statement.pdf", statements.statement_pdf, name="statement-pdf"),
    # Programs
    path("programs/", programs.programs, name="programs"),
    path("programs/<slug:slug>/", programs.program, name="program"),
    path("programs/<slug:slug>/join/", programs.join, name="program-join"),
    path("programs/<slug:slug>/leave/", programs.leave, name="program-leave"),
    # Settings
    path("settings/", settings.profile, name="settings"),
    path("settings/payout/", settings.payout, name="settings-payout"),
    path("settings/payout/start/", settings.payout_start, name="payout-start"),
    path("settings/payout/return/", settings.payout_return, name="payout-return"),
    path("settings/switch/", settings.switch, name="switch"),
]

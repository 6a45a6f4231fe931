"""Addresses under /partner/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.affiliate.views import (
    assets,
    bulk_links,
    claims,
    codes,
    earnings,
    fraud,
    home,
    link_changes,
    links,
    missing,
    payouts,
    postbacks,
    products,
    programs,
    receipts,
    reports,
    settings,
    statements,
)

app_name = "partner"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    # Links
    path("links/", links.links, name="links"),
    path("links/new/", links.new, name="link-new"),
    path("links/bulk/", bulk_links.bulk, name="links-bulk"),
    path("links/export.csv", links.export, name="links-export"),
    path("links/<slug:code>/", links.link, name="link"),
    path("links/<slug:code>/edit/", link_changes.edit, name="link-edit"),
    path("links/<slug:code>/codes/", link_changes.add_code, name="link-codes"),
    path("links/<slug:code>/routing/", link_changes.routing, name="link-routing"),
    path("links/<slug:code>/check/", link_changes.check, name="link-check"),
    path("links/<slug:code>/qr.png", links.qr_picture, name="link-qr-png"),
    path("links/<slug:code>/restore/", links.restore, name="link-restore"),
    path("links/<slug:code>/qr.svg", links.qr_code, name="link-qr"),
    path("links/<slug:code>/retire/", links.retire, name="link-retire"),
    path("clicks/", receipts.receipts, name="receipts"),
    path("clicks/<str:click_id>/", receipts.receipt, name="receipt"),
    # Products
    path("products/", products.products, name="products"),
    path("products/export.csv", products.export_csv, name="products-csv"),
    path("products/export.json", products.export_json, name="products-json"),
    # Creatives and deals
    path("assets/", assets.creatives, name="assets"),
    path("assets/<str:creative_id>/", assets.creative, name="asset"),
    path("assets/<str:creative_id>/link/", assets.creative_link, name="asset-link"),
    path("deals/", assets.deals, name="deals"),
    path("deals/export.csv", assets.deals_export, name="deals-export"),
    path("deals/<str:deal_id>/link/", assets.deal_link, name="deal-link"),
    # Codes
    path("codes/", codes.codes, name="codes"),
    # Earnings
    path("earnings/", earnings.earnings, name="earnings"),
    path("earnings/export.csv", earnings.export, name="earnings-export"),
    path("earnings/missing/", missing.missing, name="missing"),
    path("earnings/missing/<str:question_id>/", missing.answer, name="missing-answer"),
    path("earnings/missing/<str:question_id>/claim/", missing.claim, name="claim-new"),
    path("earnings/<str:commission_id>/", earnings.earning, name="earning"),
    path("earnings/<str:commission_id>/question/", missing.question_amount, name="earning-question"),
    # Findings
    path("holds/", fraud.holds, name="holds"),
    path("holds/<str:finding_id>/", fraud.hold, name="hold"),
    path("holds/<str:finding_id>/appeal/", fraud.appeal, name="hold-appeal"),
    # Claims
    path("claims/", claims.claims, name="claims"),
    path("claims/<str:claim_id>/", claims.claim, name="claim"),
    path("claims/<str:claim_id>/comment/", claims.comment, name="claim-comment"),
    path("claims/<str:claim_id>/appeal/", claims.appeal, name="claim-appeal"),
    path("claims/<str:claim_id>/withdraw/", claims.withdraw, name="claim-withdraw"),
    path("claims/<str:claim_id>/papers/<str:paper_id>/", claims.paper, name="claim-paper"),
    # Reports
    path("reports/", reports.performance, name="reports"),
    path("reports/export.csv", reports.performance_export, name="reports-export"),
    path("reports/paths/", reports.paths, name="reports-paths"),
    path("reports/paths/export.csv", reports.paths_export, name="reports-paths-export"),
    path("reports/cohorts/", reports.cohorts, name="reports-cohorts"),
    path("reports/cohorts/export.csv", reports.cohorts_export, name="reports-cohorts-export"),
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
    path("postbacks/", postbacks.endpoints, name="endpoints"),
    path("postbacks/new/", postbacks.new, name="endpoint-new"),
    path("postbacks/<str:postback_id>/", postbacks.endpoint, name="endpoint"),
    path("postbacks/<str:postback_id>/edit/", postbacks.edit, name="endpoint-edit"),
    path("postbacks/<str:postback_id>/act/", postbacks.act, name="endpoint-act"),
    path("postbacks/<str:postback_id>/calls/<str:told_id>/", postbacks.call, name="endpoint-call"),
    path("postbacks/<str:postback_id>/calls/<str:told_id>/replay/", postbacks.replay, name="endpoint-call-replay"),
    path("settings/switch/", settings.switch, name="switch"),
]

"""Addresses under /network/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.network.views import attribution, claims, events, fraud, health, members, reports

app_name = "network"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", health.home, name="home"),
    path("partners/", members.partners, name="partners"),
    path("partners/<str:affiliate_id>/", members.partner, name="partner"),
    path("partners/<str:affiliate_id>/freeze/", members.partner_freeze, name="partner-freeze"),
    path("partners/<str:affiliate_id>/unfreeze/", members.partner_unfreeze, name="partner-unfreeze"),
    # Reports
    path("reports/", reports.performance, name="reports"),
    path("reports/export.csv", reports.performance_export, name="reports-export"),
    path("reports/paths/", reports.paths, name="reports-paths"),
    path("reports/paths/export.csv", reports.paths_export, name="reports-paths-export"),
    path("reports/cohorts/", reports.cohorts, name="reports-cohorts"),
    path("reports/cohorts/export.csv", reports.cohorts_export, name="reports-cohorts-export"),
    path("merchants/", members.merchants, name="merchants"),
    path("fraud/", fraud.findings, name="fraud"),
    path("fraud/export.csv", fraud.export, name="fraud-export"),
    path("fraud/<str:finding_id>/", fraud.finding, name="finding"),
    path("fraud/<str:finding_id>/hold/", fraud.hold, name="finding-hold"),
    path("fraud/<str:finding_id>/release/", fraud.release, name="finding-release"),
    path("fraud/<str:finding_id>/confirm/", fraud.confirm, name="finding-confirm"),
    path("claims/", claims.claims, name="claims"),
    path("claims/<str:claim_id>/", claims.claim, name="claim"),
    path("claims/<str:claim_id>/comment/", claims.comment, name="claim-comment"),
    path("claims/<str:claim_id>/accept/", claims.accept, name="claim-accept"),
    path("claims/<str:claim_id>/decline/", claims.decline, name="claim-decline"),
    path("claims/<str:claim_id>/papers/<str:paper_id>/", claims.paper, name="claim-paper"),
    path("attribution/", attribution.compare, name="attribution"),
    path("attribution/export.csv", attribution.export, name="attribution-export"),
    path("people/", members.people_list, name="people"),
    path("events/", events.events, name="events"),
    path("events/export.csv", events.export, name="events-export"),
    path("events/replay/", events.replay_many, name="events-replay"),
    path("events/replays/<str:office_job_id>/", events.job, name="events-job"),
    path("events/replays/<str:office_job_id>/cancel/", events.job_cancel, name="events-job-cancel"),
    path("events/<str:request_id>/", events.event, name="event"),
    path("events/<str:request_id>/replay/", events.replay, name="event-replay"),
]

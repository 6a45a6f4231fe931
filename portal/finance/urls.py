"""Addresses under /finance/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.finance.views import commissions, desk, failures, funding, ledger, payouts, run_steps, runs

app_name = "finance"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", desk.desk, name="desk"),
    path("runs/", runs.run_list, name="runs"),
    path("runs/prepare/", runs.run_prepare, name="run-prepare"),
    path("runs/<str:run_id>/", runs.run, name="run"),
    path("runs/<str:run_id>/lines/", runs.run_lines, name="run-lines"),
    path("runs/<str:run_id>/lines.csv", runs.run_export, name="run-export"),
    path("runs/<str:run_id>/submit/", run_steps.run_submit, name="run-submit"),
    path("runs/<str:run_id>/return/", run_steps.run_return, name="run-return"),
    path("runs/<str:run_id>/approve/", run_steps.run_approve, name="run-approve"),
    path("runs/<str:run_id>/send/", run_steps.run_start, name="run-start"),
    path("runs/<str:run_id>/cancel/", run_steps.run_cancel, name="run-cancel"),
    path("runs/<str:run_id>/reconcile/", run_steps.run_reconcile, name="run-reconcile"),
    path("runs/<str:run_id>/clear-alarm/", run_steps.run_clear_alarm, name="run-clear-alarm"),
    path("payouts/<str:payout_id>/", payouts.payout, name="payout"),
    path("payouts/<str:payout_id>/exclude/", payouts.payout_exclude, name="payout-exclude"),
    path("payouts/<str:payout_id>/accept/", payouts.payout_accept, name="payout-accept"),
    path("payouts/<str:payout_id>/resume/", payouts.payout_resume, name="payout-resume"),
    path("failures/", failures.failures, name="failures"),
    path("ledger/", ledger.ledger, name="ledger"),
    path("ledger/entries/<str:entry_id>/", ledger.entry, name="entry"),
    path("ledger/<str:account_id>/", ledger.account, name="account"),
    path("commissions/<str:commission_id>/", commissions.commission, name="commission"),
    path("funding/", funding.funding, name="funding"),
    path("funding/deposits/", funding.funding_deposit, name="funding-deposit"),
]

"""The desk: what is owed, what waits for whom, what failed, and whether the money is there."""

from datetime import UTC, timedelta
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from affiliates import access
from ledger.accounts import totals_by_kind
from payouts.queries import finance
from portal.finance.forms import last_month
from portal.finance.funds import Funds, funds_now
from portal.finance.pages import show
from portal.finance.run_page import waits_for
from portal.finance.words import cause_of
from portal.formats import month_of
from portal.requests import FinanceRequest

_RECENT = 3


@require_safe
def desk(request: FinanceRequest) -> HttpResponse:
    """The first page of the desk."""
    now = timezone.now()
    _first, last = last_month(now.astimezone(UTC).date())
    is_covered = finance.run_of_period(now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    open_rows = finance.with_totals(finance.runs(status="open")[:20])
    failures = finance.failures(since=now - timedelta(days=30))
    funds = funds_now()
    payable = [(balance, f"{reverse('finance:ledger')}?kind=payable&currency={currency}#accounts")
               for kind, currency, balance in totals_by_kind() if kind == "payable" and balance]  # fmt: skip
    context = {
        "payable": payable,
        "open_runs": [(row, waits_for(row.run, request.user)) for row in open_rows],
        "todo": _todo(request, open_rows, failures, funds, month=None if is_covered else month_of(last)),
        "is_covered": is_covered,
        "month": month_of(last),
        "failures": [
            (one, cause_of(one.cause), f"{reverse('finance:failures')}?cause={one.cause}#payouts") for one in failures
        ],
        "funds": funds,
        "recent": finance.with_totals(finance.runs(status="closed")[:_RECENT]),
        "several_currencies": True,
    }
    return show(request, "desk.html", context, place="desk", title=_("Finance desk"))


def _todo(
    request: FinanceRequest,
    rows: list[finance.RunRow],
    failures: list[finance.Failure],
    funds: Funds,
    *,
    month: str | None,
) -> list[dict[str, Any]]:
    """What somebody should do now, the most pressing first; each leads to where it is done."""
    todo: list[dict[str, Any]] = []
    for row in rows:
        url = reverse("finance:run", args=[row.run.public_id])
        if row.run.alarm:
            todo.append(
                _item(
                    _("Look at the alarm of run %(label)s") % {"label": row.run.label},
                    waits_for(row.run, request.user),
                    _("Open"),
                    url,
                    "bad",
                )
            )
    todo += [_item(gap.title, gap.text, _("Funding"), reverse("finance:funding"), "bad") for gap in funds.shortages]
    for row in rows:
        if row.run.alarm or row.run.status == "sending":
            continue
        names = {
            "prepared": _("Submit run %(label)s"),
            "submitted": _("Approve run %(label)s"),
            "approved": _("Send run %(label)s"),
        }
        url = reverse("finance:run", args=[row.run.public_id])
        todo.append(
            _item(
                names[row.run.status] % {"label": row.run.label},
                waits_for(row.run, request.user),
                _("Open"),
                url,
                "current",
            )
        )
    if month is not None and access.may(request.roles, "finance.prepare"):
        todo.append(
            _item(
                _("Prepare the run for %(month)s") % {"month": month},
                _("The month is over and nobody prepared it yet."),
                _("Prepare"),
                reverse("finance:run-prepare"),
                "current",
            )
        )
    held = [one for one in failures if one.is_held and one.cause not in {"unsure", "balance_insufficient"}]
    if held:
        number = sum(one.payouts for one in held)
        what = ngettext("%(number)s payout waits for a person", "%(number)s payouts wait for a person", number) % {
            "number": number
        }
        todo.append(_item(what, str(cause_of(held[0].cause).title), _("Open"), reverse("finance:failures"), "bad"))
    return todo


def _item(what: str, detail: str, action_label: str, action_url: str, state: str) -> dict[str, Any]:
    return {"what": what, "detail": detail, "action_label": action_label, "action_url": action_url, "state": state}

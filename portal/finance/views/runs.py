"""Payout runs: the list, preparing one, its page and its lines."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from ledger.money import Money
from payouts import access, runs
from payouts.queries import finance
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.finance.forms import LinesFilter, PeriodForm, PrepareForm, RunFilter, last_month
from portal.finance.pages import has_several, page_of, show
from portal.finance.run_page import left_out_groups, line_rows, run_context
from portal.finance.words import FINDING_NAMES
from portal.formats import format_day
from portal.requests import FinanceRequest

if TYPE_CHECKING:
    from payouts.models import Payout, PayoutRun


@require_safe
def run_list(request: FinanceRequest) -> HttpResponse:
    """All runs, latest period first."""
    form = RunFilter(request.GET)
    status = form.cleaned_data.get("status", "") if form.is_valid() else ""
    page = page_of(request, finance.runs(status=status))
    rows = finance.with_totals(page.object_list)
    context = {
        "rows": rows,
        "page": page,
        "filter": form,
        "chips": chips_of(request, {"status": dict(form.fields["status"].choices).get(status, "")}),  # type: ignore[attr-defined]
        "ignored": ignored_keys(request, form),
        "several_currencies": has_several([total.total for row in rows for total in row.totals]),
    }
    return show(request, "runs.html", context, place="runs", title=_("Payout runs"))


@require_http_methods(["GET", "HEAD", "POST"])
def run_prepare(request: FinanceRequest) -> HttpResponse:
    """Choose a period, see what would be in it, prepare it."""
    now = timezone.now()
    first, last = last_month(now.astimezone(UTC).date())
    if request.method == "POST":
        form = PrepareForm(request.POST)
        if form.is_valid():
            run = runs.prepare_run(
                form.cleaned_data["label"], starts_at=form.starts_at, ends_at=form.ends_at(now), by=request.user, at=now
            )
            if run.prepared_at == now:
                messages.success(request, _("The run is prepared. Look through it, then submit it."))
            else:
                messages.info(request, _("There is a run of this name already. This is it."))
            return HttpResponseRedirect(reverse("finance:run", args=[run.public_id]))
        period = PeriodForm({"first_day": request.POST.get("first_day"), "last_day": request.POST.get("last_day")})
    else:
        given = request.GET if "first_day" in request.GET else {"first_day": first, "last_day": last}
        period = PeriodForm(given)
        form = PrepareForm(initial={"first_day": first, "last_day": last})
    preview = None
    if period.is_valid():
        preview = runs.preview_run(ends_at=period.ends_at(now), at=now)
        if not form.is_bound:
            days = period.cleaned_data
            form = PrepareForm(initial={"label": finance.free_label(f"{days['first_day']:%Y-%m}"), **days})
    context = {
        "form": form,
        "period": period,
        "preview": preview,
        "totals": _sums(preview.amounts) if preview else [],
        "left_out": left_out_groups((one.affiliate, one.name, one.amount, one.reason) for one in preview.left_out)
        if preview
        else [],
        "known": finance.run_of_period(period.ends_at(now)) if period.is_valid() else None,
        "several_currencies": True,
    }
    return show(
        request, "prepare.html", context, place="runs", title=_("Prepare a run"),
        lead=_("It freezes amounts and destinations and reserves the money. Until it is sent, everything can be undone."),
        crumbs=[(_("Runs"), reverse("finance:runs"))], status=400 if form.is_bound and form.errors else 200,
    )  # fmt: skip


@require_safe
def run(request: FinanceRequest, run_id: str) -> HttpResponse:
    """A run: where it stands, what it pays, what deserves a look, what waits for whom."""
    found = access.open_run(request.user, run_id)
    return show(
        request, "run.html", run_context(found, request), place="runs",
        title=_("Run %(label)s") % {"label": found.label}, lead=period_words(found),
        crumbs=[(_("Runs"), reverse("finance:runs"))],
    )  # fmt: skip


@require_safe
def run_lines(request: FinanceRequest, run_id: str) -> HttpResponse:
    """The run's lines under a question."""
    found = access.open_run(request.user, run_id)
    totals = finance.totals_of(found)
    form = LinesFilter(request.GET, currencies=[total.currency for total in totals])
    view = request.GET.get("view", "")
    lines = _asked(found, form)
    page = page_of(request, lines)
    counts = finance.finding_counts(found)
    here = reverse("finance:run-lines", args=[found.public_id])
    tabs: list[tuple[str, str, bool, int]] = [(_("All"), here, not view, counts["everything"])]
    tabs += [
        (str(label), f"{here}?view={name}", view == name, counts[name])
        for name, label in FINDING_NAMES.items()
        if counts[name] or view == name
    ]
    context = {
        "run": found,
        "page": page,
        "rows": line_rows(page.object_list, found),
        "tabs": tabs,
        "filter": form,
        "chips": chips_of(request, _chip_labels(form)),
        "clear_url": f"{here}?view={view}" if view else here,
        "sums": finance.sums_of(lines),
        "ignored": ignored_keys(request, form),
        "here": request.get_full_path(),
        "export_url": f"{reverse('finance:run-export', args=[found.public_id])}?{request.GET.urlencode()}",
        "several_currencies": len(totals) > 1,
    }
    return show(
        request, "run_lines.html", context, place="runs", title=_("Lines of run %(label)s") % {"label": found.label},
        crumbs=[(_("Runs"), reverse("finance:runs")), (found.label, reverse("finance:run", args=[found.public_id]))],
    )  # fmt: skip


@require_safe
def run_export(request: FinanceRequest, run_id: str) -> StreamingHttpResponse:
    """The same lines as CSV."""
    found = access.open_run(request.user, run_id)
    form = LinesFilter(request.GET, currencies=[total.currency for total in finance.totals_of(found)])
    header = [
        "payout", "affiliate", "name", "currency", "amount", "netted", "commissions", "state", "reason", "destination",
        "transfer", "sent_at", "settled_at", "findings", "note",
    ]  # fmt: skip
    large_from = finance.large_amounts(found)
    rows = (_cells(line, large_from) for line in _asked(found, form).iterator(chunk_size=2_000))
    name = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in found.label)
    return csv_response(f"run-{name}.csv", header, rows)


def period_words(found: "PayoutRun") -> str:
    """The days a run pays for."""
    first = found.starts_at.astimezone(UTC).date()
    last = (found.ends_at - timedelta(microseconds=1)).astimezone(UTC).date()
    return _("Approved from %(first)s to %(last)s (UTC)") % {"first": format_day(first), "last": format_day(last)}


def _asked(found: "PayoutRun", form: LinesFilter) -> Any:
    lines = finance.lines_of(found).order_by("affiliate__name", "currency", "pk")
    asked = form.cleaned_data if form.is_valid() else {}
    view = form.data.get("view", "")
    if view in finance.FINDINGS:
        lines = lines.filter(finance.findings_filter(found, view)).exclude(state="cancelled")
    elif view == "any":
        lines = lines.filter(finance.findings_filter(found)).exclude(state="cancelled")
    elif view == "clean":
        lines = lines.exclude(finance.findings_filter(found)).exclude(state="cancelled")
    if asked.get("q"):
        lines = lines.filter(affiliate__name__icontains=asked["q"])
    if asked.get("currency"):
        lines = lines.filter(currency=asked["currency"])
    if asked.get("state"):
        lines = lines.filter(finance.standing_at(asked["state"]))
    return lines


def _chip_labels(form: LinesFilter) -> dict[str, str]:
    said = form.cleaned_data
    states = dict(form.fields["state"].choices)  # type: ignore[attr-defined]
    labels = {
        "q": _("Partner: %(text)s") % {"text": said.get("q")},
        "currency": str(said.get("currency")),
        "state": str(states.get(said.get("state"), "")),
    }
    return {name: label for name, label in labels.items() if said.get(name)}


def _sums(amounts: Iterable[Money]) -> list[tuple[Money, int]]:
    """The sum and the number of amounts, by currency."""
    sums: dict[str, tuple[Money, int]] = {}
    for amount in amounts:
        total, count = sums.get(amount.currency, (Money.zero(amount.currency), 0))
        sums[amount.currency] = (total + amount, count + 1)
    return [sums[currency] for currency in sorted(sums)]


def _cells(line: "Payout", large_from: dict[str, int]) -> list[object]:
    return [
        line.public_id, line.affiliate.public_id, line.affiliate.name, line.currency, line.amount.to_decimal(),
        Money(line.netted_minor, line.currency).to_decimal(), line.commissions, line.state, line.block_reason,  # type: ignore[attr-defined]
        line.destination, line.transfer_id or "", line.sent_at.isoformat() if line.sent_at else "",
        line.settled_at.isoformat() if line.settled_at else "", " ".join(finance.findings_of(line, large_from=large_from)),
        line.exclusion_note,
    ]  # fmt: skip

"""Where the money comes from: the Stripe balance against what runs need, and what merchants owe and placed."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates.access import open_any_merchant
from affiliates.queries import merchants
from ledger.accounts import balances_of_kind
from ledger.errors import Refusal
from ledger.money import Money
from ledger.queries import account_ids, latest_entries
from payouts import deposits
from portal.errors import sentence_of
from portal.finance.forms import DepositForm
from portal.finance.funds import funds_now
from portal.finance.pages import figure, show
from portal.requests import FinanceRequest


@require_safe
def funding(request: FinanceRequest) -> HttpResponse:
    """Funds, merchants, and the form for a deposit that arrived."""
    return _page(request, DepositForm(initial={"merchant": request.GET.get("merchant", "")}))


@require_POST
def funding_deposit(request: FinanceRequest) -> HttpResponse:
    """Book a deposit that arrived, once by its reference."""
    form = DepositForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=400)
    merchant = open_any_merchant(request.user, form.cleaned_data["merchant"])
    amount: Money = form.cleaned_data["money"]
    try:
        is_new = deposits.fund_merchant(
            merchant, amount, reference=form.cleaned_data["reference"], at=timezone.now(), by=request.user.public_id
        )
    except Refusal as refusal:
        field = "reference" if refusal.code == "reference_conflict" else refusal.field or "amount"
        taken = _("Reference: it was booked before with another amount. Look at the deposits below.")
        form.add_error(field, taken if refusal.code == "reference_conflict" else sentence_of(refusal))
        return _page(request, form, status=400)
    said = {"amount": figure(amount, reverse("finance:funding")), "name": merchant.name}
    if is_new:
        messages.success(request, format_html(_("{amount} of {name} is booked."), **said))
    else:
        known = _("{amount} of {name} was booked before under this reference. Nothing was changed.")
        messages.info(request, format_html(known, **said))
    return HttpResponseRedirect(reverse("finance:funding"))


def _page(request: FinanceRequest, form: DepositForm, *, status: int = 200) -> HttpResponse:
    shops = list(merchants())
    owners = {one.slug: one.owner_name for one in shops}
    owed = balances_of_kind("receivable", owners.values())
    placed = balances_of_kind("deposit", owners.values())
    names = [f"{owner}:{kind}" for owner in owners.values() for kind in ("receivable", "deposit")]
    ids = account_ids([*names, "house:cash"])
    rows = []
    for one in shops:
        key, nothing = (one.owner_name, one.currency), Money.zero(one.currency)
        rows.append({
            "merchant": one,
            "owed": owed.get(key, nothing),
            "owed_url": _account_url(ids, f"{one.owner_name}:receivable", one.currency),
            "placed": placed.get(key, nothing),
            "placed_url": _account_url(ids, f"{one.owner_name}:deposit", one.currency),
        })  # fmt: skip
    called = {one.public_id: one.name for one in shops}
    context = {
        "funds": funds_now(),
        "book": [
            (currency, _account_url(ids, "house:cash", currency))
            for name, currency in sorted(ids)
            if name == "house:cash"
        ],
        "rows": rows,
        "form": form,
        "deposits": [
            (entry, called.get(entry.reference.partition(":")[0], ""), entry.reference.split(":", 2)[-1])
            for entry in latest_entries("merchant.deposit", limit=12)
        ],
        "several_currencies": True,
    }
    return show(
        request, "funding.html", context, place="funding", title=_("Funding"),
        lead=_("Partners are paid from the network's Stripe balance. Merchants fill it."), status=status,
    )  # fmt: skip


def _account_url(ids: dict[tuple[str, str], str], name: str, currency: str) -> str:
    found = ids.get((name, currency))
    return reverse("finance:account", args=[found]) if found else reverse("finance:ledger")

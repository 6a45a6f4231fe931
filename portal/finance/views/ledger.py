"""The book: its accounts, their lines, its entries."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from affiliates.queries import affiliates_by_id, all_affiliates, merchants, merchants_by_slug
from ledger.accounts import totals_by_kind
from ledger.journal import events_about
from ledger.queries import accounts, balance_in, currencies_in_use, entries_of, lines_on, postings_of, sums_of
from payouts import access
from payouts.queries import finance
from portal.filters import chips_of, ignored_keys
from portal.finance.forms import AccountsFilter, DaysFilter
from portal.finance.pages import page_of, show
from portal.finance.words import KINDS, entry_words, event_words, kind_words
from portal.requests import FinanceRequest


@require_safe
def ledger(request: FinanceRequest) -> HttpResponse:
    """The trial balance, and the accounts under a question."""
    form = AccountsFilter(
        request.GET, kinds=[(name, words[0]) for name, words in KINDS.items()], currencies=currencies_in_use()
    )
    form.is_valid()
    said = form.cleaned_data
    owners = _owners(said["q"]) if said.get("q") else None
    asked = accounts(
        kind=said.get("kind", ""), currency=said.get("currency", ""), owners=owners,
        is_standing=not said.get("show") and owners is None,
    )  # fmt: skip
    page = page_of(request, asked)
    names = owner_names(one.owner for one in page.object_list)
    here = reverse("finance:ledger")
    totals = {(kind, currency): balance for kind, currency, balance in totals_by_kind()}
    currencies = sorted({currency for _kind, currency in totals})
    context = {
        "currencies": currencies,
        "trial": [
            (
                kind_words(kind),
                [
                    (totals.get((kind, one)), f"{here}?kind={kind}&currency={one}&show=all#accounts")
                    for one in currencies
                ],
            )
            for kind in sorted({kind for kind, _currency in totals}, key=_order_of)
        ],
        "page": page,
        # Only amounts of one kind add up to something.
        "sums": sums_of(asked) if said.get("kind") else [],
        "here": f"{request.get_full_path()}#accounts",
        "rows": [
            (one, names.get(one.owner, one.owner), kind_words(one.kind)[0], balance_in(one)) for one in page.object_list
        ],
        "filter": form,
        "chips": chips_of(request, _chip_labels(form)),
        "ignored": ignored_keys(request, form),
        "several_currencies": True,
    }
    return show(
        request, "ledger.html", context, place="ledger", title=_("Ledger"),
        lead=_("Every entry moves an amount from one account to another. Nothing posted is ever changed."),
    )  # fmt: skip


@require_safe
def account(request: FinanceRequest, account_id: str) -> HttpResponse:
    """One account's lines with the balance after each, newest first."""
    found = access.open_account(request.user, account_id)
    form = DaysFilter(request.GET)
    form.is_valid()
    start, end = form.bounds()
    page = page_of(request, postings_of(found, start=start, end=end))
    lines = lines_on(found, page.object_list)
    others = owner_names(line.other.rpartition(":")[0] for line in lines)
    owner = owner_names([found.owner]).get(found.owner, found.owner)
    kind, about = kind_words(found.kind)
    context = {
        "account": found,
        "balance": balance_in(found),
        "about": about,
        "rows": [(line, entry_words(line.kind), _other(line.other, others)) for line in lines],
        "page": page,
        "filter": form,
        "chips": chips_of(
            request,
            {
                "start": _("From %(day)s") % {"day": request.GET.get("start")},
                "end": _("To %(day)s") % {"day": request.GET.get("end")},
            },
        ),
        "ignored": ignored_keys(request, form),
    }
    return show(
        request, "account.html", context, place="ledger", title=f"{owner}: {kind} ({found.currency})",
        crumbs=[(_("Ledger"), reverse("finance:ledger"))],
    )  # fmt: skip


@require_safe
def entry(request: FinanceRequest, entry_id: str) -> HttpResponse:
    """One entry: its postings, its reference, its mirror image, and what it is about."""
    found = access.open_entry(request.user, entry_id)
    subject = found.reference.partition(":")[0]
    names = owner_names(name.rpartition(":")[0] for line in found.lines for name in (line.debit, line.credit))
    context = {
        "entry": found,
        "lines": [(line, _other(line.debit, names), _other(line.credit, names)) for line in found.lines],
        "words": entry_words(found.kind),
        "subjects": [(one, _place_of(one)) for one in found.subjects],
        "log": [
            {"what": event_words(event.name), "at": event.at, "state": "done"} for event in events_about(subject)[:20]
        ],
    }
    return show(
        request, "entry.html", context, place="ledger", title=entry_words(found.kind), lead=found.reference,
        crumbs=[(_("Ledger"), reverse("finance:ledger"))],
    )  # fmt: skip


def owner_names(owners: Iterable[str]) -> dict[str, str]:
    """What the owners of accounts are called, by their name in the book; at most three queries."""
    wanted: dict[str, set[str]] = {}
    for owner in set(owners):
        kind, _slash, key = owner.partition("/")
        wanted.setdefault(kind, set()).add(key)
    names = {"house": _("The network")}
    for key, one in affiliates_by_id(wanted.get("affiliate", ())).items():
        names[f"affiliate/{key}"] = one.name
    for key, shop in merchants_by_slug(wanted.get("merchant", ())).items():
        names[f"merchant/{key}"] = shop.name
    for key, label in finance.run_labels(wanted.get("run", ())).items():
        names[f"run/{key}"] = _("Run %(label)s") % {"label": label}
    return names


def _order_of(kind: str) -> tuple[int, str]:
    """The order in which the kinds are listed: as money goes, from the merchant to the partner."""
    known = list(KINDS)
    return (known.index(kind) if kind in known else len(known), kind)


def ledger_rows(subject: str) -> list[dict[str, Any]]:
    """The postings of a thing's entries in words, oldest first."""
    found = [(entry, line) for entry in entries_of(subject) for line in entry.lines]
    names = owner_names(name.rpartition(":")[0] for _entry, line in found for name in (line.debit, line.credit))
    return [
        {
            "at": entry.effective_at,
            "what": entry_words(entry.kind),
            "debit": _other(line.debit, names),
            "credit": _other(line.credit, names),
            "amount": line.amount,
            "url": reverse("finance:entry", args=[entry.id]),
        }
        for entry, line in found
    ]


def _owners(text: str) -> list[str]:
    """The owners whose name or id holds a text."""
    found = [one.owner_name for one in all_affiliates(text=text)[:500]]
    found += [one.owner_name for one in merchants() if text.lower() in one.name.lower()]
    found += [f"run/{key}" for key in finance.runs_called(text)]
    exact = text.strip().rpartition(":")[0] or text.strip()
    return [*found, exact]


def _other(name: str, names: dict[str, str]) -> str:
    owner, _colon, kind = name.rpartition(":")
    return f"{names.get(owner, owner)}: {kind_words(kind)[0]}"


def _place_of(subject: str) -> str:
    """The page about a public id, if the desk has one."""
    pages = {"comm": "finance:commission", "pay": "finance:payout", "run": "finance:run"}
    name = pages.get(subject.partition("_")[0])
    return reverse(name, args=[subject]) if name else ""


def _chip_labels(form: AccountsFilter) -> dict[str, str]:
    said = form.cleaned_data
    labels = {
        "q": _("Whose: %(text)s") % {"text": said.get("q")},
        "kind": str(kind_words(said.get("kind") or "")[0]),
        "currency": str(said.get("currency")),
    }
    return {name: label for name, label in labels.items() if said.get(name)}

"""Cohorts as a heat map in a table: every figure is written in its cell, colour only repeats it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from ledger.money import Money
from payouts.queries.cohorts import MOST_MONTHS, Age, Cohort, cohorts_of
from portal.exports import csv_response
from portal.formats import NO_VALUE, format_money, format_percent, month_of
from portal.reports.asking import Asked, read_question
from portal.reports.place import Place
from portal.reports.showing import chips_of_report, hidden_of, tabs_of

#: Steps of the heat map.
_STEPS = 9


@dataclass(frozen=True, slots=True)
class Cell:
    """One month of a cohort's life: its figures in words, and how hot it is (0 to 9)."""

    lines: list[str]
    heat: int
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One cohort."""

    name: str
    size: int
    cells: list[Cell]


def show_cohorts(request: HttpRequest, place: Place, *, at: datetime) -> dict[str, Any]:
    """Everything the page shows."""
    asked, of, shows = _read(request, place, at=at)
    found = _found(asked, of, at=at)
    return {
        "asked": asked,
        "rows": _rows(found, shows),
        "ages": list(range(MOST_MONTHS)),
        "of": of,
        "shows": shows,
        "kinds": _choices(request, "of", of, _kinds(place)),
        "figures": _choices(
            request, "show", shows, {"retention": _("Share that came back"), "revenue": _("Revenue")}
        ),
        "may_choose": len(_kinds(place)) > 1,
        "chips": chips_of_report(request, asked),
        "ignored": [name for name in asked.ignored if name not in {"of", "show"}],
        "hidden": hidden_of(request, asked),
        "clear_url": place.url("reports-cohorts"),
        "export_url": f"{place.url('reports-cohorts-export')}?{request.GET.urlencode()}",
        "tabs": tabs_of(place, "reports-cohorts"),
    }  # fmt: skip


def export_cohorts(request: HttpRequest, place: Place, *, at: datetime) -> StreamingHttpResponse:
    """The table as CSV: plain numbers, a line for each cohort and currency."""
    asked, of, shows = _read(request, place, at=at)
    found = _found(asked, of, at=at)
    codes = sorted({amount.currency for one in found for age in one.ages for amount in age.revenue})

    def lines() -> Iterator[list[object]]:
        for one in found:
            if shows == "retention":
                ages: list[object] = [_share(age, one) for age in one.ages]
                yield [one.month.isoformat(), one.size, "", *ages, *[""] * (MOST_MONTHS - len(ages))]
                continue
            for code in codes:
                amounts: list[object] = [_amount(age, code).to_decimal() for age in one.ages]
                yield [one.month.isoformat(), one.size, code, *amounts, *[""] * (MOST_MONTHS - len(amounts))]

    header = [
        _("Month"),
        _("Size"),
        _("Currency"),
        *(_("Month %(number)s") % {"number": age} for age in range(MOST_MONTHS)),
    ]
    return csv_response("cohorts.csv", header, lines())


def _read(request: HttpRequest, place: Place, *, at: datetime) -> tuple[Asked, str, str]:
    asked = read_question(request, place, at=at)
    of, shows = request.GET.get("of", ""), request.GET.get("show", "")
    kinds = _kinds(place)
    return asked, of if of in kinds else next(iter(kinds)), shows if shows == "revenue" else "retention"


def _kinds(place: Place) -> dict[str, str]:
    kinds = {"customers": _("Customers by first order"), "partners": _("Partners by joining")}
    return {"customers": kinds["customers"]} if place.kind == "partner" else kinds


def _found(asked: Asked, of: str, *, at: datetime) -> list[Cohort]:
    today = at.astimezone(ZoneInfo(asked.question.zone)).date()
    return cohorts_of(asked.question, of_partners=of == "partners", today=today)


def _choices(request: HttpRequest, name: str, chosen: str, labels: dict[str, str]) -> list[tuple[str, str, bool]]:
    found = []
    for key, label in labels.items():
        query = request.GET.copy()
        query[name] = key
        found.append((label, f"?{query.urlencode()}", key == chosen))
    return found


def _rows(found: list[Cohort], shows: str) -> list[Row]:
    amounts = [amount.minor for one in found for age in one.ages for amount in age.revenue]
    largest = max(amounts, default=0)
    rows = []
    for one in found:
        if shows == "retention":
            shares = [_share(age, one) for age in one.ages]
            cells = [Cell([format_percent(share, digits=0)], round(share * _STEPS)) for share in shares]
        else:
            cells = [_revenue_cell(age, largest) for age in one.ages]
        rest = [Cell([""], 0, is_there=False)] * (MOST_MONTHS - len(cells))
        rows.append(Row(month_of(one.month), one.size, [*cells[:MOST_MONTHS], *rest]))
    return rows


def _revenue_cell(age: Age, largest: int) -> Cell:
    texts = [format_money(amount, code=len(age.revenue) > 1) for amount in age.revenue] or [NO_VALUE]
    most = max((amount.minor for amount in age.revenue), default=0)
    return Cell(texts, round(_STEPS * most / largest) if largest > 0 and most > 0 else 0)


def _share(age: Age, one: Cohort) -> Decimal:
    # A partner may have sold before its place was approved again: never more than all of them.
    return min(Decimal(1), (Decimal(age.active) / one.size)).quantize(Decimal("0.0001")) if one.size else Decimal(0)


def _amount(age: Age, code: str) -> Money:
    return next((amount for amount in age.revenue if amount.currency == code), Money.zero(code))

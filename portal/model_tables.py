"""Models side by side as a page and as CSV: the same rows, whoever asks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.money import Money
from payouts.queries.models_compared import Compared, Measure, Row, compare_models_of
from portal.attribution_sentences import model_name
from portal.charts import Chart, Part, columns, stacked
from portal.formats import format_money

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import Program


#: What is compared when no period is asked for.
_DAYS = 90

_PERIODS = (
    ("", gettext_lazy("Last 90 days")),
    ("28d", gettext_lazy("Last 28 days")),
    ("month", gettext_lazy("This month")),
    ("last-month", gettext_lazy("Last month")),
    ("year", gettext_lazy("This year")),
)


class CompareForm(forms.Form):
    """What is compared; `programs` where one may be chosen."""

    program = forms.ChoiceField(label=gettext_lazy("Program"), required=False)
    period = forms.ChoiceField(label=gettext_lazy("Period"), required=False, choices=_PERIODS)
    measure = forms.ChoiceField(
        label=gettext_lazy("Shared"),
        required=False,
        choices=[("", gettext_lazy("Commission")), ("revenue", gettext_lazy("Revenue"))],
    )
    partner = forms.CharField(required=False, max_length=60, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any] | None = None, *, programs: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(data)
        if programs:
            field = self.fields["program"]
            assert isinstance(field, forms.ChoiceField)
            field.choices = list(programs)
        else:
            del self.fields["program"]


def compared_as_asked(program: "Program", form: CompareForm, *, zone: str, at: datetime) -> Compared:
    """Every model over the period that was asked for, in whole days of a time zone."""
    said = form.cleaned_data
    start, end = _span(said.get("period", ""), zone=zone, at=at)
    measure: Measure = "revenue" if said.get("measure") == "revenue" else "commission"
    return compare_models_of(program, start=start, end=end, measure=measure)


def partner_urls(compared: Compared, query: QueryDict) -> dict[str, str]:
    """For each partner this address with the partner's models drawn."""
    found = {}
    asked = query.copy()
    for row in compared.rows:
        asked["partner"] = row.affiliate
        found[row.affiliate] = f"?{asked.urlencode()}"
    return found


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A partner under every model: (amount, is the most any model gives it), and a page of its own."""

    name: str
    cells: tuple[tuple[Money, bool], ...]
    paid: Money
    url: str
    is_chosen: bool


def shown_comparison(compared: Compared, *, urls: Mapping[str, str], chosen: str = "") -> dict[str, Any]:
    """The context of portal/parts/models_compared.html; `chosen` is the partner whose models are drawn."""
    row = next((one for one in compared.rows if one.affiliate == chosen), compared.rows[0] if compared.rows else None)
    return {
        "compared": compared,
        "model_names": [model_name(model) for model in compared.models],
        "rows": [
            ShownRow(
                one.name,
                tuple((amount, bool(amount) and amount == one.largest and _differs(one)) for amount in one.amounts),
                one.paid,
                urls.get(one.affiliate, ""),
                one is row,
            )
            for one in compared.rows
        ],
        "paid_total": Money(sum(one.paid.minor for one in compared.rows), compared.total.currency),
        "partner_chart": _partner_chart(compared, row) if row is not None else None,
        "share_charts": [_share_chart(compared, number) for number in range(len(compared.models))]
        if compared.total
        else [],
    }


def csv_table(compared: Compared) -> tuple[list[str], Iterator[list[object]]]:
    """The header and the rows of the export: exactly the page's table."""
    header = [_("Partner"), *(model_name(model) for model in compared.models), _("Booked"), _("Currency")]
    currency = compared.total.currency

    def rows() -> Iterator[list[object]]:
        for row in compared.rows:
            amounts = (*row.amounts, row.paid)
            yield [row.name, *(amount.to_decimal() for amount in amounts), currency]
        paid = Money(sum(row.paid.minor for row in compared.rows), currency)
        yield [_("Sum"), *(compared.total.to_decimal() for _model in compared.models), paid.to_decimal(), currency]

    return header, rows()


def _differs(row: Row) -> bool:
    return len(set(row.amounts)) > 1


def _partner_chart(compared: Compared, row: Row) -> Chart:
    best = max(range(len(row.amounts)), key=lambda number: row.amounts[number].minor)
    values = {"name": row.name, "model": model_name(compared.models[best]), "amount": format_money(row.amounts[best])}
    title = (
        _("%(name)s would have the most under %(model)s: %(amount)s") % values
        if _differs(row)
        else _("%(name)s has the same under every model: %(amount)s") % values
    )
    currency = compared.total.currency
    return columns(
        [model_name(model) for model in compared.models],
        [float(amount.to_decimal()) for amount in row.amounts],
        title=title,
        name=row.name,
        unit=currency,
        label_name=_("Model"),
        shown=lambda value: format_money(_money(value, currency)),
    )


def _share_chart(compared: Compared, number: int) -> Chart:
    """Who shares the whole under one model: the four largest, and the rest as one."""
    ranked = sorted(compared.rows, key=lambda row: -row.amounts[number].minor)
    parts = [
        Part(row.name, float(row.amounts[number].to_decimal()), shown=format_money(row.amounts[number]))
        for row in ranked[:4]
        if row.amounts[number]
    ]
    rest = Money(sum(row.amounts[number].minor for row in ranked[4:]), compared.total.currency)
    if rest:
        parts.append(Part(_("Others"), float(rest.to_decimal()), shown=format_money(rest)))
    return stacked(parts, title=model_name(compared.models[number]), name=_("Partner"))


def _span(period: str, *, zone: str, at: datetime) -> tuple[datetime, datetime]:
    today = at.astimezone(ZoneInfo(zone)).date()
    month = today.replace(day=1)
    first, last = {
        "28d": (today - timedelta(days=27), today),
        "month": (month, today),
        "last-month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "year": (today.replace(month=1, day=1), today),
    }.get(period, (today - timedelta(days=_DAYS - 1), today))
    midnight = time(0, tzinfo=ZoneInfo(zone))
    start, end = datetime.combine(first, midnight), datetime.combine(last + timedelta(days=1), midnight)
    return start.astimezone(UTC), end.astimezone(UTC)


def _money(value: float, currency: str) -> Money:
    places = -int(Money(0, currency).to_decimal().as_tuple().exponent)
    return Money(round(value * 10**places), currency)

"""Paths of the past, for comparing and fitting: those that led to orders, and those that led to nothing."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from affiliates.models import Program, Terms
from ledger.ids import public_id_of
from ledger.money import Money
from tracking.attribution.compare import Journey, fit_markov, journey_of
from tracking.attribution.models.heuristics import Step
from tracking.attribution.touches import Inputs
from tracking.models import Attribution, ModelFit

#: How much of the past a model is fitted on.
FITTED_DAYS = timedelta(days=90)

_BATCH = 500

#: Visitors of the period without an order, as the partners they came by. The bounds of the key let the
#: database leave the other months' partitions alone.
_NOTHING = """
    WITH sold AS (
        SELECT DISTINCT touched.visitor_id
        FROM tracking_conversion AS sale JOIN tracking_click AS touched ON touched.id = sale.click_id
        WHERE sale.merchant_id = %(merchant)s AND sale.occurred_at >= %(start)s AND touched.visitor_id IS NOT NULL
    ), lost AS (
        SELECT array_agg(affiliate_id ORDER BY clicked_at, id) AS path
        FROM tracking_click
        WHERE program_id = %(program)s AND id >= %(first)s AND id < %(last)s AND is_counted AND kind = 'click'
          AND visitor_id IS NOT NULL AND visitor_id NOT IN (SELECT visitor_id FROM sold)
        GROUP BY visitor_id
    )
    SELECT path[greatest(1, cardinality(path) - 19):] AS ending, count(*) FROM lost GROUP BY ending
"""


def attributions_of(program: Program, *, start: datetime, end: datetime) -> "Iterator[Attribution]":
    """The decided orders of a program and a half-open period that are somebody's, oldest first."""
    found = (
        Attribution.objects.filter(
            conversion__program=program,
            conversion__occurred_at__gte=start,
            conversion__occurred_at__lt=end,
            conversion__is_test=False,
            enrolment__isnull=False,
            engine__gt=0,
        )
        .select_related("conversion")
        .order_by("conversion__occurred_at", "pk")
    )
    return found.iterator(chunk_size=_BATCH)


def sold_journeys(
    program: Program, *, start: datetime, end: datetime, values: Mapping[UUID, Money] | None = None
) -> list[Journey]:
    """The journeys behind a program's orders of a period, each worth `values` (default: the order's amount)."""
    found = []
    for one in attributions_of(program, start=start, end=end):
        value = one.conversion.amount if values is None else values.get(one.conversion_id)
        journey = journey_of(one.inputs, value or Money.zero(program.currency))
        if journey is not None:
            found.append(journey)
    return found


def lost_journeys(program: Program, *, start: datetime, end: datetime) -> list[Journey]:
    """The paths of recognised visitors of a period who bought nothing, each with how many took it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTHING,
            {
                "merchant": program.merchant_id,
                "program": program.pk,
                "start": start,
                "first": _first_key(start),
                "last": _first_key(end),
            },
        )
        rows = cursor.fetchall()
    nothing = Money.zero(program.currency)
    return [
        Journey(tuple(Step(public_id_of("aff", key)) for key in path), nothing, orders=0, nothing=count)
        for path, count in rows
    ]


@transaction.atomic
def fit_program(program: Program, *, ends_at: datetime, at: datetime) -> ModelFit:
    """Fit the Markov model on the 90 days before `ends_at`; a second call returns the first fit."""
    start = ends_at - FITTED_DAYS
    journeys = sold_journeys(program, start=start, end=ends_at) + lost_journeys(program, start=start, end=ends_at)
    values = fit_markov(journeys)
    fit: ModelFit = ModelFit.objects.get_or_create(
        program=program,
        model=Terms.Model.MARKOV.value,
        ends_at=ends_at,
        defaults={"starts_at": start, "fitted_at": at, "paths": len(journeys), "values": values},
    )[0]
    return fit


def fit_due_programs(*, at: datetime) -> int:
    """Fit every program that pays by Markov and has no fit of this month; how many were fitted."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    month = today.replace(day=1)
    fitted = 0
    for program in Program.objects.filter(terms__attribution_model=Terms.Model.MARKOV).distinct():
        terms = program.terms_at(at)
        if terms is None or terms.attribution_model != Terms.Model.MARKOV:
            continue
        if not ModelFit.objects.filter(program=program, ends_at__gte=month).exists():
            fit_program(program, ends_at=today, at=at)
            fitted += 1
    return fitted


def seen_by(attribution: Attribution) -> Inputs:
    """What a decision saw."""
    return Inputs.from_json(attribution.inputs)


def _first_key(at: datetime) -> UUID:
    """The smallest UUIDv7 of an instant."""
    return UUID(int=int(at.timestamp() * 1000) << 80)

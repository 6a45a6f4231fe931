"""Roll-up equals raw (K1, X1): whatever the zone, the groups and the moment, three sources give the figures of one."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.factories.statistics import touch
from tests.factories.world import make_world
from tracking.models import Click
from tracking.statistics import condensing
from tracking.statistics.clicks import count_clicks
from tracking.statistics.questions import Question, Scope, span_of_days
from tracking.statistics.spans import cut_hours, joined, within, without

#: Days begin on the hour, at half past, at a quarter to; hours go missing, come twice, or are half as long.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide",
    "Australia/Lord_Howe", "Pacific/Chatham",
)  # fmt: skip
#: The nights in which the clocks of Europe, America and Australia change.
NIGHTS = (
    date(2026, 3, 28),
    date(2026, 3, 7),
    date(2026, 4, 4),
    date(2026, 10, 3),
    date(2026, 10, 24),
    date(2026, 11, 1),
)
DAYS = 3
UNITS = {
    "hour": lambda at: at.strftime("%Y-%m-%d %H:00"),
    "day": lambda at: at.date().isoformat(),
    "week": lambda at: (at.date() - timedelta(days=at.weekday())).isoformat(),
    "month": lambda at: at.date().replace(day=1).isoformat(),
}

minutes = st.integers(0, (DAYS + 2) * 24 * 60 - 1)
clicks = st.lists(
    st.tuples(minutes, st.sampled_from(["", "a", "b"]), st.sampled_from(["DE", "US"]), st.booleans()),
    min_size=1, max_size=25,
)  # fmt: skip


def recount(
    start: datetime, end: datetime, zone: str, groups: tuple[str, ...]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """All clicks and counted ones by walking over the click table."""
    everything: Counter[tuple[str, ...]] = Counter()
    counted: Counter[tuple[str, ...]] = Counter()
    for click in Click.objects.filter(clicked_at__gte=start, clicked_at__lt=end):
        at = click.clicked_at.astimezone(ZoneInfo(zone))
        values = {"sub1": click.params.get("sub1", ""), "country": click.country}
        key = tuple(UNITS[group](at) if group in UNITS else values[group] for group in groups)
        everything[key] += 1
        counted[key] += click.is_counted
    return {key: (number, counted[key]) for key, number in everything.items()}


@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
@given(
    drawn=clicks, late=clicks, night=st.sampled_from(NIGHTS), zone=st.sampled_from(ZONES),
    state=st.sampled_from(["hours", "condensed", "condensed for busy owners", "half"]),
    first=st.integers(0, 1), ends=st.sampled_from([None, 7, 15, 30]),
)  # fmt: skip
def test_k1_condensed_days_hours_and_log_together_equal_the_log(drawn, late, night, zone, state, first, ends):
    begin = datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(days=2)
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        world = make_world(begin)
        patch.setattr(condensing, "WORTH_CONDENSING", 1)
        patch.setattr(condensing, "BUSY", 1 if "busy" in state else 10_000)
        for minute, sub1, country, is_counted in drawn:
            touch(world.link, at=begin + timedelta(minutes=minute), sub1=sub1, country=country, is_counted=is_counted,
                  is_unique=is_counted)  # fmt: skip
        if state != "hours":
            over = begin + timedelta(days=2 if state == "half" else 30)
            condensing.condense_clicks(at=over)
        # Late ones make their days wrong, and some days right again.
        for minute, sub1, country, is_counted in late:
            touch(world.link, at=begin + timedelta(minutes=minute), sub1=sub1, country=country, is_counted=is_counted)
        start, end = span_of_days(begin.date() + timedelta(days=first), begin.date() + timedelta(days=DAYS), zone)
        if ends is not None:
            # An end inside an hour, as a report up to now has it.
            end -= timedelta(minutes=ends)
        scopes = [
            Scope(affiliate_id=world.affiliate.pk),
            Scope(merchant_id=world.merchant.pk, program_ids=(world.program.pk,)),
            Scope(),
        ]
        for scope in scopes:
            for groups in (
                (),
                ("hour",),
                ("day",),
                ("week",),
                ("month",),
                ("sub1",),
                ("day", "sub1"),
                ("country", "hour"),
            ):
                found = count_clicks(Question(scope, start, end, zone, groups))

                wanted = recount(start, end, zone, groups)
                assert {key: sums[:2] for key, sums in found.items() if any(sums)} == wanted, (scope, groups)
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_k1_one_value_of_a_dimension_is_read_from_its_condensed_rows(django_assert_num_queries, monkeypatch):
    begin = datetime(2026, 2, 1, tzinfo=UTC)
    world = make_world(begin)
    monkeypatch.setattr(condensing, "WORTH_CONDENSING", 1)
    for hour in range(48):
        touch(world.link, at=begin + timedelta(hours=hour), sub1="a" if hour % 3 else "b", country="DE")
    condensing.condense_clicks(at=begin + timedelta(days=9))
    with connection.cursor() as cursor:
        # Nothing but the condensed rows could answer now.
        cursor.execute("ALTER TABLE tracking_click_hour DISABLE TRIGGER USER; DELETE FROM tracking_click_hour")
    asked = Question(
        Scope(affiliate_id=world.affiliate.pk),
        begin,
        begin + timedelta(days=2),
        groups=("day",),
        filters=(("sub1", "b"),),
    )

    with django_assert_num_queries(2):
        found = count_clicks(asked)

    assert {key: sums[0] for key, sums in found.items()} == {("2026-02-01",): 8, ("2026-02-02",): 8}


def test_hours_are_cut_where_days_begin_inside_of_them():
    start, end = span_of_days(date(2026, 2, 2), date(2026, 2, 3), "Asia/Kolkata")
    scope = Scope()

    cuts = cut_hours(Question(scope, start, end, "Asia/Kolkata", ("day",)))

    hours = [datetime(2026, 2, day, 18, tzinfo=UTC) for day in (1, 2, 3)]
    assert cuts == [(hour, hour + timedelta(hours=1)) for hour in hours]
    assert cut_hours(Question(scope, start, end, "Asia/Kolkata", ("sub1",))) == [cuts[0], cuts[2]]
    assert (
        cut_hours(Question(scope, *span_of_days(date(2026, 2, 2), date(2026, 2, 3), "Asia/Tokyo"), "Asia/Tokyo")) == []
    )


spans = st.lists(st.integers(0, 60), unique=True, max_size=12).map(
    lambda edges: [
        (
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=a),
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=b),
        )
        for a, b in zip(*[iter(sorted(edges))] * 2, strict=False)
    ]
)


@given(spans, spans)
def test_stretches_are_cut_and_joined_like_sets_of_minutes(one, other):
    def minutes_of(stretches):
        return {
            at + timedelta(minutes=n) for at, end in stretches for n in range(int((end - at).total_seconds()) // 60)
        }

    assert minutes_of(within(one, other)) == minutes_of(one) & minutes_of(other)
    assert minutes_of(without(one, other)) == minutes_of(one) - minutes_of(other)
    assert minutes_of(joined(one)) == minutes_of(one)

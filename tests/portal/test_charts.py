"""Drawings: right numbers, right places, the same numbers as a table, and nothing a strict policy refuses."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from django.template import engines
from hypothesis import given
from hypothesis import strategies as st

from portal import charts
from portal.charts import Part, Series


def drawing(chart):
    """The drawing as a tree; it must be well-formed."""
    return ET.fromstring(str(chart.drawing).replace("&nbsp;", " "))


def bars(chart):
    return [rect.attrib for rect in drawing(chart).iter("rect") if "c-fill" in rect.attrib["class"]]


EXAMPLES = [
    charts.columns(["Mon", "Tue"], [10, 20], title="Up", name="Sales"),
    charts.lines(["Mon", "Tue"], [Series("A", [1, 2]), Series("B", [2, None])], title="Up"),
    charts.lines(["Mon", "Tue"], [Series("A", [1, 2])], title="Up"),
    charts.funnel([Part("Clicks", 100), Part("Orders", 4)], title="4%"),
    charts.bridge(
        [
            Part("Oct", 10, is_total=True),
            Part("New", 5),
            Part("Gone", -2),
            Part("Nov", 13, is_total=True),
        ],
        title="Up",
    ),
    charts.stacked([Part("Young", 3), Part("Old", 1)], title="Young"),
]


@pytest.mark.parametrize("chart", EXAMPLES, ids=lambda chart: chart.kind)
def test_a_drawing_needs_no_inline_style(chart):
    text = str(chart.drawing)

    assert "style=" not in text
    assert not re.search(r'(fill|stroke)="#', text)
    drawing(chart)


@pytest.mark.parametrize("chart", EXAMPLES, ids=lambda chart: chart.kind)
def test_every_drawing_has_its_table(chart):
    page = engines["django"].from_string("{% load charts %}{% chart chart %}").render({"chart": chart})

    assert len(chart.table.rows) >= 2
    assert "<summary>" in page
    assert '<th scope="row">' in page
    assert all(len(row) == len(chart.table.columns) for row in chart.table.rows)


def test_columns_stand_on_the_ground_in_proportion():
    chart = charts.columns(["a", "b", "c"], [0, 10, 20], title="t", name="n")
    heights = [float(bar["height"]) for bar in bars(chart)]
    feet = {round(float(bar["y"]) + float(bar["height"]), 1) for bar in bars(chart)}

    assert heights[0] == 0
    assert heights[2] == pytest.approx(2 * heights[1])
    assert feet == {176.0}


def test_negative_columns_hang_below_the_ground():
    chart = charts.columns(["a", "b"], [10, -10], title="t", name="n")
    up, down = bars(chart)

    assert float(up["y"]) + float(up["height"]) == pytest.approx(float(down["y"]))
    assert "c-neg" in down["class"]


def test_the_last_columns_can_be_provisional():
    chart = charts.columns(["a", "b", "c"], [1, 2, 3], title="t", name="n", provisional=1)

    assert ["is-soft" in bar["class"] for bar in bars(chart)] == [False, False, True]


def test_more_than_a_month_of_columns_is_refused():
    with pytest.raises(ValueError, match="31"):
        charts.columns(["d"] * 32, [1] * 32, title="t", name="n")
    with pytest.raises(ValueError, match="label"):
        charts.columns(["d"], [1, 2], title="t", name="n")


def test_an_unknown_value_is_a_gap_in_the_line_and_an_empty_cell():
    chart = charts.lines(["a", "b", "c"], [Series("A", [1, None, 3]), Series("B", [1, 2, 3])], title="t")
    paths = [path for path in drawing(chart).iter("path") if "c-1" in path.attrib["class"]]

    assert len(paths) == 2
    assert chart.table.rows[1] == ("b", "", "2")


def test_lines_differ_by_dash_as_well_as_by_colour():
    chart = charts.lines(["a", "b"], [Series(str(n), [n, n]) for n in range(5)], title="t")
    classes = {path.attrib["class"] for path in drawing(chart).iter("path")}

    assert classes == {f"c-{n} c-line p-{n}" for n in range(1, 6)}


def test_a_sixth_line_is_refused():
    with pytest.raises(ValueError, match="five"):
        charts.lines(["a"], [Series(str(n), [n]) for n in range(6)], title="t")
    with pytest.raises(ValueError, match="every label"):
        charts.lines(["a"], [Series("A", [1, 2])], title="t")


def test_end_labels_never_cover_each_other():
    placed = charts._spread([(100, 1), (101, 2), (102, 3), (175, 4)], gap=16, lowest=12, highest=176)
    ordered = sorted(placed.values())

    assert all(later - earlier >= 16 for earlier, later in pairwise(ordered))
    assert ordered[0] >= 12
    assert ordered[-1] <= 176


def test_a_funnel_tells_the_rate_of_each_stage():
    chart = charts.funnel(
        [Part("Clicks", 60000), Part("Orders", 2400), Part("Paid", 1200)],
        title="t",
        rate_name="rate",
    )

    assert [row[2] for row in chart.table.rows] == ["", "4%", "50%"]
    assert [bar["width"] for bar in bars(chart)] == ["100.0%", "4.0%", "2.0%"]


def test_an_empty_funnel_divides_by_nothing():
    chart = charts.funnel([Part("Clicks", 0), Part("Orders", 0)], title="t")

    assert [row[2] for row in chart.table.rows] == ["", ""]


def test_a_bridge_must_add_up():
    with pytest.raises(ValueError, match="add up to 15"):
        charts.bridge(
            [Part("Oct", 10, is_total=True), Part("New", 5), Part("Nov", 16, is_total=True)],
            title="t",
        )


def test_each_step_of_a_bridge_starts_where_the_last_one_ended():
    chart = charts.bridge(
        [
            Part("Oct", 100, is_total=True),
            Part("New", 150),
            Part("Gone", -40),
            Part("Nov", 210, is_total=True),
        ],
        title="t",
    )
    october, new, gone, november = bars(chart)

    assert float(new["y"]) + float(new["height"]) == pytest.approx(float(october["y"]))
    assert float(gone["y"]) == pytest.approx(float(new["y"]))
    assert float(gone["y"]) + float(gone["height"]) == pytest.approx(float(november["y"]))
    assert "c-break" not in str(chart.drawing)


def test_a_cut_axis_is_marked_as_cut():
    chart = charts.bridge(
        [Part("Oct", 1000, is_total=True), Part("New", 5), Part("Nov", 1005, is_total=True)],
        title="t",
    )

    assert str(chart.drawing).count("c-break") == 2


def test_slices_fill_the_whole_bar():
    chart = charts.stacked([Part("a", 1), Part("b", 1), Part("c", 2)], title="t")
    widths = [float(bar["width"].rstrip("%")) for bar in bars(chart)]

    assert widths == [25, 25, 50]
    assert [row[2] for row in chart.table.rows] == ["25%", "25%", "50%"]


def test_figures_in_tables_lead_to_their_explanations():
    chart = charts.columns(["a"], [1], title="t", name="n", shown=lambda value: f"${value}.00", urls=["/why/"])

    assert chart.table.rows[0][1] == '<a class="money" data-money href="/why/" aria-label="Why $1.00?">$1.00</a>'


def test_names_are_escaped():
    chart = charts.columns(["<b>"], [1], title="<script>", name="n")

    assert "<script>" not in str(chart.drawing)
    assert "&lt;b&gt;" in str(chart.drawing)


def test_a_sparkline_needs_two_points():
    assert charts.sparkline([1]) == ""
    assert 'aria-hidden="true"' in charts.sparkline([1, 2])
    assert 'aria-label="Clicks"' in charts.sparkline([1, 2], label="Clicks")


@pytest.mark.parametrize(
    ("value", "largest", "width"),
    [(5, 10, "50.0%"), (0, 0, "0%"), (20, 10, "100.0%"), (-1, 10, "0.0%")],
)
def test_a_cell_bar_stays_in_its_cell(value, largest, width):
    assert f'width="{width}"' in charts.cell_bar(value, largest)


@given(
    st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False).map(lambda value: round(value, 2)),
    st.floats(-1e9, 1e9, allow_nan=False, allow_subnormal=False).map(lambda value: round(value, 2)),
)
def test_ticks_cover_the_values_and_contain_zero(one, other):
    low, high = sorted((one, other))
    ticks = charts.nice_ticks(low, high)
    slack = (ticks[-1] - ticks[0]) * 1e-6

    assert ticks[0] <= min(low, 0) + slack
    assert ticks[-1] >= max(high, 0) - slack
    assert min(abs(tick) for tick in ticks) <= slack
    assert len(ticks) <= 8

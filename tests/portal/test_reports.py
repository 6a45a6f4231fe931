"""Report screens (K1 to K4): whose figures, the file is the screen, a fixed number of queries, words beside pictures."""

import csv
import io
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from affiliates import enrolments, members
from payouts.queries.merchant import figures_in
from payouts.queries.statistics import scope_of_merchant, totals_on
from payouts.sales import record_sale
from portal.merchant.periods import span_of
from tests.factories.statistics import touch
from tests.factories.world import facts, make_sale, make_user, make_world
from tests.portal.partner import client_of, text_of
from tracking import links
from tracking.statistics.metrics import METRICS
from tracking.statistics.questions import Question

pytestmark = pytest.mark.django_db

PATHS = ("reports-paths", "reports-paths-export")
DOCS = Path(settings.BASE_DIR) / "docs" / "statistics.md"


@pytest.fixture
def world():
    world = make_world(timezone.now())
    for day in range(3):
        at = world.at - timedelta(days=day, hours=2)
        touch(world.link, at=at, country="DE", device="mobile", sub1=f"s{day}", browser="Firefox")
        make_sale(world, f"{10 + day}.00", at=at, customer_ref=f"c{day}")
    return world


def rows_of(response) -> list[list[str]]:
    """The table of a page, as texts."""
    table = re.search(r'<table class="table cards report".*?</table>', response.content.decode(), re.DOTALL)
    body = re.search(r"<tbody>(.*?)</tbody>", table.group(0), re.DOTALL).group(1)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in body.split("</tr>")[:-1]]
    return [[re.sub(r"<[^>]+>", "", cell).strip() for cell in row] for row in cells]


@pytest.mark.parametrize("query", ["", "?by=country", "?by=sub1&then=device", "?by=browser&sort=-clicks", "?by=event"])
def test_the_file_holds_exactly_what_the_screen_shows(world, query):
    client = client_of(world.partner)

    shown = rows_of(client.get(reverse("partner:reports") + query))
    file = b"".join(client.get(reverse("partner:reports-export") + query).streaming_content).decode("utf-8-sig")

    _header, *lines = csv.reader(io.StringIO(file))
    assert len(lines) == len(shown) > 0
    for line, row in zip(lines, shown, strict=True):
        assert line[0] == row[0]
        for written, read in zip(line[1:], row[1:], strict=True):
            number = re.sub(r"[^0-9.]", "", read)
            if "%" in read:
                assert abs(float(written) * 100 - float(number)) <= 0.01
            elif number:
                assert float(written) == float(number)
            else:
                assert written in {"", read}


def test_everybody_sees_its_own_figures_only(world):
    other = make_world(timezone.now())
    make_sale(other, "777.00", at=other.at - timedelta(hours=1))

    mine = text_of(client_of(world.partner).get(reverse("partner:reports")))
    merchant = text_of(client_of(world.owner).get(reverse("merchant:reports", args=[world.merchant.slug])))
    foreign = client_of(world.partner).get(reverse("partner:reports"), {"link": other.link.code})

    assert "777" not in mine
    assert "777" not in merchant
    assert "link" in text_of(foreign).split("Not understood in this address")[1][:60]


@pytest.mark.parametrize("name", ["reports", "reports-paths", "reports-cohorts"])
def test_a_report_costs_a_fixed_number_of_queries(world, name):
    client = client_of(world.owner)
    address = reverse(f"merchant:{name}", args=[world.merchant.slug])
    client.get(address)

    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    for number in range(4):
        make_sale(world, "5.00", at=world.at - timedelta(days=number, hours=5), customer_ref=f"n{number}")
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few) <= 25


def test_the_overview_and_the_report_agree(world):
    span = span_of("28d", zone=world.merchant.time_zone, at=timezone.now())

    told = totals_on(Question(scope_of_merchant(world.merchant), span.start, span.end, world.merchant.time_zone))

    known = figures_in(world.merchant, span)
    takings = told.of(world.merchant.currency)
    assert (told.orders, takings.sales - takings.refunds, takings.commission, told.new_customers) == (
        known.orders, known.revenue.minor, known.commission.minor, known.new_customers,
    )  # fmt: skip


def test_charts_have_words_and_tables_beside_them(world):
    page = client_of(world.partner).get(reverse("partner:reports"), {"by": "country", "metric": "clicks"})
    html = page.content.decode()

    assert html.count("<figure") == html.count("Show as table") == 2
    assert re.search(r'<svg class="plot"[^>]*role="img" aria-label="[^"]+"', html)


def test_paths_do_not_name_other_partners_to_a_partner(world):
    other = members.sign_up_affiliate(make_user("other"), name="Secret Rival", country="US", at=world.at)

    page = text_of(client_of(world.partner).get(reverse("partner:reports-paths")))

    assert other.name not in page
    assert "Median of order time" in page


def test_a_path_of_two_partners_names_the_rival_to_the_merchant_and_never_to_a_partner(world):
    """K2: both clicked, one won; of the other nothing that tells who it is reaches the winner, by page or by file."""
    rival = make_world(timezone.now())
    place = enrolments.join_program(rival.affiliate, world.program, at=world.at - timedelta(days=300))
    rival_link = links.create_link(place, at=world.at - timedelta(days=300))
    visitor, at = uuid4(), world.at - timedelta(minutes=30)
    touch(rival_link, at=at - timedelta(hours=4), visitor=visitor)
    click = touch(world.link, at=at - timedelta(hours=1), visitor=visitor)
    record_sale(world.merchant, facts("two-partners", "55.00", at=at, click=click), at=at)
    tells = [rival.affiliate.name, rival.affiliate.public_id, str(rival.affiliate.pk), rival_link.code, str(rival_link.pk),
             str(place.pk), rival.affiliate.contact_email]  # fmt: skip

    def read(user, name, *of) -> str:
        response = client_of(user).get(reverse(name, args=of))
        body = b"".join(response.streaming_content) if response.streaming else response.content
        return unescape(body.decode())

    merchant = read(world.owner, "merchant:reports-paths", world.merchant.slug)
    own = [read(world.partner, f"partner:{name}") for name in PATHS]
    loser = [read(rival.partner, f"partner:{name}") for name in PATHS]

    assert rival.affiliate.name in merchant
    assert f"{rival.affiliate.name} → {world.affiliate.name}" in read(
        world.owner, "merchant:reports-paths-export", world.merchant.slug
    )
    for page in own:
        assert "another partner" in page
        assert not [one for one in tells if one and one in page]
    for page in loser:
        assert world.affiliate.name not in page
        assert "another partner" not in page


@pytest.mark.parametrize("query", ["?since=2026-13-01", "?by=moon", "?zone=Mars", "?page=x&sort=zzz", "?period=7d&then=hour",
                                   "?by=sku", "?by=coupon&coupon=-", "?since=0001-01-01&until=9999-12-31", "?by=page&period=90d"])  # fmt: skip
def test_nonsense_in_the_address_is_never_a_fault(world, query):
    for name in ("reports", "reports-export", "reports-paths", "reports-cohorts"):
        assert client_of(world.partner).get(reverse(f"partner:{name}") + query).status_code == 200


def test_the_documentation_has_every_formula():
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE))

    with translation.override("en"):
        assert rows == {key: str(metric.formula) for key, metric in METRICS.items()}

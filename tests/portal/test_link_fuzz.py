"""Whatever people paste as links, codes, rules and parameters: an answer for every line, and never a fault (B1, B2, B12, B14)."""

import json
import re
from collections.abc import Callable

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import Refusal
from portal.affiliate.bulk_rows import RowsUnreadable, decoded_file, read_rows
from tests.factories.world import make_world
from tests.portal.partner import client_of
from tracking import links
from tracking.link_codes import RESERVED_CODES, read_code
from tracking.models import Link, LinkCode
from tracking.program_settings import change_tracking
from tracking.utm import compile_utm, read_utm

ANYTHING = st.text(st.characters(codec="utf-8"), max_size=60)
ODD = st.sampled_from([
    "\x00", "=cmd|' /C calc'!A0", '"', ";", "https://shop.example/a", "https://shop.example/a?x=1#f", "javascript:alert(1)",
    "https://evil.example/", "//shop.example/x", "http://[::1]/", "https://shop.example:99999/", "summer", "UPPER-case_1",
    "admin", "\u202eevil", "\ud7ff", "xn--", "https://shop.example/" + "x" * 2100, "https://user:pass@shop.example/",
])  # fmt: skip
CELL = ANYTHING | ODD
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=12)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _answer(act: Callable[[], object]) -> tuple[object, Refusal | None]:
    """What an act gave, or how it was refused."""
    try:
        return act(), None
    except Refusal as refusal:
        return None, refusal


def _text(rows, head: bool) -> str:
    lines = ["url\tlabel\tcode\tsub1\tutm_source"] if head else []
    return "\n".join([*lines, *("\t".join(row) for row in rows)])


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-16")))
def test_any_file_is_a_text_or_refused_by_name(content):
    text, refusal = _answer(lambda: decoded_file(content))

    assert isinstance(text, str) or (isinstance(refusal, RowsUnreadable) and refusal.field == "file")


@given(st.text(max_size=300) | st.builds(_text, ROWS, st.booleans()))
def test_any_text_is_rows_or_refused_by_name(text):
    rows, refusal = _answer(lambda: read_rows(text))

    if refusal is not None:
        assert (type(refusal), refusal.field) == (RowsUnreadable, "rows")
    else:
        assert 1 <= len(rows) <= links.MOST_AT_ONCE
        assert len({row.number for row in rows}) == len(rows)


@given(CELL)
def test_a_code_is_plain_and_its_own_or_refused_by_name(text):
    code, refusal = _answer(lambda: read_code(text))

    if refusal is not None:
        assert refusal.field == "code"
    else:
        assert re.fullmatch(r"[a-z0-9_-]{3,40}", code)
        assert code not in RESERVED_CODES
        assert read_code(code) == code


@given(st.dictionaries(CELL, CELL, max_size=5) | st.lists(CELL, max_size=3) | CELL)
def test_parameters_are_kept_in_their_order_or_refused_at_their_name(value):
    kept, refusal = _answer(lambda: read_utm(value))

    if refusal is not None:
        assert str(refusal.field).startswith("utm")
    else:
        assert list(kept) == list(value)
        compile_utm(kept, None, affiliate="aff_1", program="tents", link="x")


@pytest.fixture
def world(db):
    return make_world(timezone.now())


@FEW
@given(ROWS, st.booleans())
def test_every_line_of_a_pasted_list_has_an_answer_and_twice_is_once(world, rows, head):
    client = client_of(world.partner)
    with transaction.atomic():
        answers = [
            client.post(reverse("partner:links-bulk"), {"rows": _text(rows, head), "csv": "1"}) for _ in range(2)
        ]
        kept = Link.objects.count()
        client.post(reverse("partner:links-bulk"), {"rows": _text(rows, head)})
        assert Link.objects.count() == kept
        assert LinkCode.objects.filter(link_id=world.link.pk).exists()
        transaction.set_rollback(True)

    assert {answer.status_code for answer in answers} <= {200, 422}
    if answers[0].streaming:
        said = [b"".join(answer.streaming_content).decode().splitlines() for answer in answers]
        assert len(said[0]) == len(said[1])
        # What a spreadsheet would run is never the beginning of a cell.
        assert not [line for line in said[1][1:] if re.search(r"(^|,)[=@]", line)]


@FEW
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["when", "do", "url", "x"]),
            CELL | st.dictionaries(st.sampled_from(["country", "device", "share", "from", "referrer", "y"]), CELL | st.integers() | st.lists(CELL, max_size=2), max_size=3),
            max_size=3,
        ),
        max_size=3,
    )
    | CELL
)  # fmt: skip
def test_rules_are_kept_or_refused_at_their_place(world, rules):
    with transaction.atomic():
        kept, refusal = _answer(lambda: change_tracking(world.program, routing=rules, by=None, at=timezone.now()))
        if refusal is not None:
            assert str(refusal.field).startswith("routing")
        else:
            json.dumps(kept.routing)
        transaction.set_rollback(True)

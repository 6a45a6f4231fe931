"""docs/postback.md and docs/tag.md say what the code does."""

import re
from pathlib import Path

from portal.intake.postbacks import STANDS, TAKEN_BACK
from tests.test_docs import codes_in, rows_of
from tracking.dialects import ALIASES, NETWORKS, OWN_FIELDS

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAPER = DOCS / "postback.md"


def test_every_parameter_is_on_paper_with_every_name_it_goes_by():
    rows = rows_of(PAPER, "## Parameters")

    assert [codes_in(row[0])[0] for row in rows] == list(OWN_FIELDS)
    for row in rows:
        name = codes_in(row[0])[0]
        assert codes_in(row[2]) == [alias for alias in ALIASES[name] if alias != name]


def test_every_network_is_on_paper_with_what_tells_it():
    rows = rows_of(PAPER, "## Networks")

    assert [row[0] for row in rows] == [network.name for network in NETWORKS]
    for row, network in zip(rows, NETWORKS, strict=True):
        assert codes_in(row[1]) == [name for mark in network.marks for name in mark]
        assert codes_in(row[2]) == [word for ours, names in network.postback.items() for word in (names[0], ours)]


def test_every_status_on_paper_is_known():
    text = PAPER.read_text(encoding="utf-8").partition("## Status")[2].partition("## Who sent it")[0]
    words = {word.lower() for word in codes_in(text)} - {"refund_amount"}

    assert words <= STANDS | TAKEN_BACK.keys()
    assert {"approved", "chargeback", "3", "d"} <= words


def test_every_attribute_and_call_of_the_tag_is_on_paper():
    source = (DOCS.parent / "portal" / "tag" / "tag.js").read_text(encoding="utf-8")
    paper = (DOCS / "tag.md").read_text(encoding="utf-8")

    attributes = set(re.findall(r"given\('(\w+)'", source))
    calls = set(re.findall(r"^  (\w+): ", source.partition("var api = {")[2].partition("};")[0], re.MULTILINE))
    assert attributes == {"merchant", "consent", "domain", "cookie", "links", "direct", "door"}
    assert calls == {"order", "consent", "click", "id"}
    assert all(f"`data-{name}`" in paper for name in attributes)
    assert all(f"aff('{name}'" in paper for name in calls)

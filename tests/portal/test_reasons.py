"""The closed list of reason codes: every code that is used has words for its readers, and the paper has them too."""

import ast
import re
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from portal.reasons import GROUPS, ORDERS, REASONS, REFUNDS, reason_of
from tracking.attribution.decisions import CODES

ROOT = Path(__file__).resolve().parents[2]
EXPLAIN = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
PAPER = (ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")

#: Modules whose codes reach a shop, a partner or a merchant.
SOURCES = (
    "affiliates/errors.py", "affiliates/signatures.py", "ledger/errors.py", "tracking/errors.py",
    "tracking/conversions.py", "tracking/refunds.py", "tracking/idempotency.py", "tracking/inbox.py", "payouts/sales.py", "payouts/settling.py", "payouts/dues.py",
    *(str(path.relative_to(ROOT)) for folder in ("portal/intake", "portal/api") for path in (ROOT / folder).glob("*.py")),
)  # fmt: skip

#: Codes of the finance desk and of forms: they have their sentence in portal/errors.py, or are no reasons.
ELSEWHERE = {
    "refused", "not_enough", "reference_conflict", "terms_in_the_past", "program_not_open", "affiliate_not_active",
    "shop_label_taken", "shop_secret_invalid", "terms_refused", "address_unreadable", "address_in_use", "endpoint_refused",
    "creative_refused", "deal_refused",
}  # fmt: skip


def _codes(path: str) -> set[str]:
    """Every text given as `code=` or `reason=`, or assigned to `code` or with a verdict."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg in {"code", "reason"} and isinstance(node.value, ast.Constant):
            found.add(node.value.value)
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Tuple)
            and isinstance(node.targets[0], ast.Tuple)
        ):
            found |= {
                value.value
                for target, value in zip(node.targets[0].elts, node.value.elts, strict=True)
                if isinstance(target, ast.Attribute) and target.attr == "reason" and isinstance(value, ast.Constant)
            }
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            found |= {
                node.value.value for target in node.targets if isinstance(target, ast.Name) and target.id == "code"
            }
    return {code for code in found if isinstance(code, str) and code}


@pytest.mark.parametrize("path", SOURCES)
def test_every_code_that_is_used_has_its_words(path):
    assert _codes(path) - ELSEWHERE <= REASONS.keys()


def test_the_walk_finds_codes_at_all():
    assert {"field_missing", "amount_unreadable", "click_pending"} <= set().union(*map(_codes, SOURCES))


def test_every_way_to_lose_a_click_has_its_words():
    assert {"older_than_the_last", "soft_click", "coupon_always", "markov"} <= CODES <= ORDERS.keys()


def test_a_code_stands_in_one_group_only():
    codes = [code for _title, group in GROUPS for code in group]

    assert len(codes) == len(set(codes)) == len(REASONS)


@pytest.mark.parametrize("code", REASONS)
def test_every_code_is_on_paper_in_the_words_of_the_program(code):
    reason = REASONS[code]

    [line] = [line for line in PAPER.splitlines() if line.startswith(f"| `{code}` |")]
    for words in (reason.title, reason.partner, reason.merchant, reason.developer):
        assert f"| {words} |" in line


def test_the_paper_has_no_code_that_the_program_does_not_know():
    assert set(re.findall(r"^\| `([a-z0-9_]+)` \|", PAPER, re.MULTILINE)) == REASONS.keys()


@pytest.mark.django_db
def test_the_page_that_refusals_lead_to_has_every_code():
    page = Client().get("/docs/reasons/").text

    assert all(f'id="{code}"' in page for code in REASONS)


def test_an_unknown_code_stands_for_itself_and_destinations_share_their_words():
    assert reason_of("gone_fishing").title == "Gone fishing"
    assert reason_of("destination_not_https") == reason_of("destination_refused")
    assert reason_of("destination_changed") != reason_of("destination_refused")
    assert REFUNDS.keys() <= REASONS.keys()


def test_the_paper_on_explanations_names_every_reason_that_the_engine_may_give():
    assert sorted(code for code in CODES if f"| `{code}` |" not in EXPLAIN) == []


def test_the_paper_on_explanations_says_the_reasons_as_partners_read_them():
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+?) \| (.+?) \|$", EXPLAIN, re.MULTILINE)
    with translation.override("en"):
        said = {
            code: (str(REASONS[code].title), str(REASONS[code].partner)) for code, *_words in rows if code in REASONS
        }

    assert said
    assert {code: (title, words) for code, title, words in rows if code in said} == said

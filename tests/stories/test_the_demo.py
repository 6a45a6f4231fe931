"""The demo's stages: played through the real verbs, the same figures for the same seed, books that agree (contract §1)."""

import json

import pytest

from tests.stories.town import Town

pytestmark = [pytest.mark.django_db, pytest.mark.stories]

FIGURES = """
SELECT (SELECT count(*) FROM affiliates_affiliate), (SELECT count(*) FROM tracking_click WHERE kind = 'click'),
       (SELECT sum(clicks) FROM tracking_click_count), (SELECT count(*) FROM tracking_conversion),
       (SELECT count(*) FROM payouts_payoutrun WHERE status = 'closed'),
       (SELECT count(*) FROM tracking_refund) > 0
"""


def test_a_small_year_is_played_and_agrees_with_itself(bare_town: Town):
    """S: three merchants, forty affiliates, clicks through the drain, refunds, eleven closed runs and an open month."""
    bare_town.manage("seed_demo", "--stage", "running", "--scale", "0.02")

    affiliates, clicks, counted, conversions, closed, has_refunds = bare_town.rows(FIGURES)[0]
    assert (affiliates, closed) == (40, 11)
    # Claims, uploads and shops add some of their own to the year's.
    assert clicks >= 1_200
    assert conversions >= 48
    assert (counted, has_refunds) == (clicks, True)
    assert bare_town.rows("SELECT count(DISTINCT currency) FROM affiliates_program") == [(3,)]
    assert bare_town.trial_balance() == []
    facts = json.loads((bare_town.home / "demo.json").read_text())
    assert facts["stage"] == "running"
    assert {one["role"] for one in facts["people"]} >= {
        "partner",
        "merchant",
        "finance_maker",
        "finance_checker",
        "network",
        "editor",
    }
    assert len(facts["merchants"]) == 3

    again = bare_town.manage("seed_demo", "--stage", "running", "--scale", "0.02")
    assert "there already" in again
    other = bare_town.manage("seed_demo", "--stage", "month-end", check=False)
    assert bare_town.rows(FIGURES)[0][3] == conversions, other


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["empty", "month-end", "disputed"])
def test_every_stage_can_be_played(bare_town: Town, stage: str):
    bare_town.manage("seed_demo", "--stage", stage, "--scale", "0.05")

    waiting = bare_town.rows("SELECT count(*) FROM payouts_payoutrun WHERE status = 'submitted'")
    assert waiting == [(0 if stage == "empty" else 1,)]
    assert bare_town.trial_balance() == []
    bare_town.manage("verify_books")

"""The simulated world finds nothing wrong with ours, and something wrong with everything else."""

import io

import pytest
from django.core.management import CommandError, call_command

from payouts.protocol import RULES
from payouts.prover import prove
from payouts.prover.bank import LATEST, LONGEST_APPROVAL, LONGEST_LAG, SLOWEST
from payouts.prover.mutants import MUTANTS
from payouts.prover.rivals import MODELS


def test_two_thousand_schedules_end_without_a_cent_too_much_lost_or_stuck():
    """Faults 2, 8, 14, 15, 17, 18, 19, 23, 24."""
    proof = prove.prove(schedules=2_000, seed=1)

    assert (proof.over_paid, proof.lost, proof.stuck, proof.forbidden, proof.misposted) == (
        0,
        0,
        0,
        0,
        0,
    )
    assert (proof.schedules, proof.transfers > 2_000) == (2_000, True)


@pytest.mark.slow
def test_two_hundred_thousand_schedules_end_well_too():
    assert prove.prove(schedules=200_000, seed=2).is_clean


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_caught(mutant):
    caught = prove.catch(mutant, seed=1, patience=20_000)

    assert caught.after is not None, f"{mutant.name} survived: which fault do the schedules not know?"


@pytest.mark.parametrize("model", ["call-then-write", "call-then-write-serial"])
def test_a_model_that_calls_first_and_writes_afterwards_pays_too_much(model):
    assert prove.prove(MODELS[model], schedules=500, seed=1).over_paid > 50


def test_the_same_seed_plays_the_same_schedule_step_by_step():
    once = prove.replay(prove.OURS, seed=7, index=11)
    again = prove.replay(prove.OURS, seed=7, index=11)

    assert once == again
    assert once[1] != prove.replay(prove.OURS, seed=7, index=12)[1]


def test_the_world_keeps_the_promises_the_waits_are_made_for():
    assert RULES.QUIET.total_seconds() > LATEST + LONGEST_LAG
    assert RULES.LINGER.total_seconds() > LONGEST_APPROVAL
    assert SLOWEST < RULES.CALL_LIMIT.total_seconds() < RULES.LEASE.total_seconds()
    assert RULES.KEY_LIFE.total_seconds() + RULES.LEASE.total_seconds() + LATEST < 24 * 3_600


def test_the_command_prints_a_small_table():
    printed = io.StringIO()

    call_command("prove_payouts", "--schedules", "50", "--seed", "3", stdout=printed)

    lines = printed.getvalue().splitlines()
    assert lines[:-1] == [
        "design write-intent",
        "schedules 50",
        lines[2],
        "over-paid 0",
        "lost 0",
        "stuck 0",
        "forbidden 0",
        "wrong-ledger 0",
        "seed 3",
    ]
    assert lines[-1].startswith("rate ")


def test_the_command_fails_loudly_and_says_how_to_see_it_again():
    printed = io.StringIO()

    with pytest.raises(CommandError) as failure:
        call_command("prove_payouts", "--schedules", "50", "--model", "call-then-write", stdout=printed)

    assert failure.value.returncode == 1
    assert "--only" in printed.getvalue()


def test_the_command_replays_one_schedule():
    printed = io.StringIO()

    call_command("prove_payouts", "--seed", "7", "--only", "11", stdout=printed)

    assert printed.getvalue().splitlines()[-1] == "clean"


def test_the_command_does_not_know_every_model():
    with pytest.raises(CommandError, match="hope"):
        call_command("prove_payouts", "--model", "hope")


def test_the_command_hunts_the_mutants(monkeypatch):
    monkeypatch.setattr(prove, "MUTANTS", MUTANTS[:2])
    printed = io.StringIO()

    call_command("prove_payouts", "--mutants", stdout=printed)

    assert "survived 0" in printed.getvalue()

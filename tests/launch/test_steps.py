import sys
import time

import pytest

from launch.benchmarks import find_benchmarks
from launch.console import Problem, seconds_text
from launch.demo import table
from launch.stamps import Stamps, fingerprint_of
from launch.steps import Step, demand, run_steps
from launch.templates import with_database


def python(code):
    return [sys.executable, "-c", code]


def test_steps_run_beside_one_another(tmp_path):
    since = time.monotonic()

    results = run_steps(
        *(Step(f"nap {n}", python("import time; time.sleep(0.6)"), tmp_path / f"{n}.log") for n in range(2))
    )

    assert [r.is_good for r in results] == [True, True]
    assert time.monotonic() - since < 1.1


def test_a_failed_step_shows_its_last_words(tmp_path, capsys):
    good = Step("good", python("print('fine')"), tmp_path / "good.log")
    bad = Step("bad", python("raise SystemExit('the disk ate it')"), tmp_path / "bad.log")

    results = run_steps(good, bad)

    with pytest.raises(Problem) as caught:
        demand(results, "Feed the disk.")
    assert caught.value.what == "bad: failed with exit status 1."
    assert caught.value.detail == "the disk ate it"
    assert caught.value.remedy.startswith("Feed the disk.")
    shown = capsys.readouterr().out
    assert "✔ good" in shown
    assert "✘ bad" in shown


def test_a_stamp_holds_until_what_it_stands_for_changes(tmp_path):
    source = tmp_path / "0001_initial.py"
    source.write_text("a")
    before = fingerprint_of([source], by_content=True)
    Stamps(tmp_path / "stamps.json").mark_done("schema", before)

    source.write_text("b")

    stamps = Stamps(tmp_path / "stamps.json")
    assert stamps.is_done("schema", before)
    assert not stamps.is_done("schema", fingerprint_of([source], by_content=True))
    assert not stamps.is_done("static", before)


def test_a_benchmark_is_known_by_its_first_line(tmp_path):
    (tmp_path / "click.py").write_text('"""./run bench click: the click door."""')
    (tmp_path / "load.py").write_text('"""Makes load."""')
    (tmp_path / "bare.py").write_text("")

    assert find_benchmarks(tmp_path) == {"click": "the click door."}


def test_another_database_keeps_the_rest_of_the_address():
    url = "postgresql://affiliate@/affiliate?host=/tmp/sockets"

    assert with_database(url, "tpl_1") == "postgresql://affiliate@/tpl_1?host=/tmp/sockets"


def test_log_ins_are_shown_in_columns():
    assert table([["Role", "E-mail"], ["partner", "maya@example.com"], ["finance", "lin@example.com"]]) == [
        "Role     E-mail",
        "───────  ────────────────",
        "partner  maya@example.com",
        "finance  lin@example.com",
    ]


def test_times_are_read_as_people_say_them():
    assert [seconds_text(s) for s in (0.04, 12.34, 125)] == ["0.0 s", "12.3 s", "2 min 05 s"]

import os
import signal
import socket
import subprocess
import sys

import pytest

from launch import commands, facts, instance, ports
from launch.console import Problem
from launch.places import ROOT
from tests.launch.waiting import wait_until

CLAIM = """
import sys, time
from pathlib import Path
from launch import instance
from launch.console import Interrupted
from launch.supervisor import interruptible
with interruptible(), instance.claim(Path(sys.argv[1]), "http://127.0.0.1:8000"):
    try:
        time.sleep(60)
    except Interrupted:
        pass
"""


@pytest.fixture
def taken_port():
    """A port that is taken, while the one before it is free."""
    while True:
        with socket.socket() as holder, socket.socket() as before:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            try:
                before.bind(("127.0.0.1", holder.getsockname()[1] - 1))
            except OSError:
                continue
            before.close()
            yield holder.getsockname()[1]
            return


@pytest.fixture
def running_demo(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", CLAIM, str(tmp_path)], cwd=ROOT)
    assert wait_until(lambda: (instance.find_running(tmp_path) or {}).get("pid") == process.pid)
    yield tmp_path
    process.kill()
    process.wait()


def test_help_names_every_command():
    shown = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout

    for word in (
        "demo",
        "stop",
        "test",
        "manage",
        "bench",
        "--port",
        "--stage",
        "--fresh",
        "--detach",
        "--all",
    ):
        assert word in shown


def test_an_unknown_command_points_to_the_help(capsys):
    assert commands.main(["demmo"]) == 1

    assert "There is no command 'demmo'." in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--stage", "yesterday"], ["--port", "eighty"], ["--por", "1"]])
def test_a_wrong_option_ends_before_anything_is_set_up(options, capsys):
    with pytest.raises(SystemExit) as ended:
        commands.main(["demo", *options])

    assert ended.value.code == 2
    assert "usage: ./run demo" in capsys.readouterr().err


def test_a_taken_port_is_named_with_the_way_round_it(taken_port):
    with pytest.raises(Problem) as caught:
        ports.demand_free(taken_port - 1, commands.PURPOSES)

    assert f"Port {taken_port} (click door) is taken by" in caught.value.what
    assert "./run demo --port " in caught.value.remedy
    suggested = int(caught.value.remedy.rpartition(" ")[2])
    ports.demand_free(suggested, commands.PURPOSES)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a port")
def test_whoever_holds_the_port_is_named(taken_port):
    with pytest.raises(Problem, match=rf"\(process {os.getpid()}\)"):
        ports.demand_free(taken_port, ["web"])


def test_a_port_that_does_not_exist_is_refused():
    for port in (0, -1, 65535, 70000):
        with pytest.raises(Problem, match="no usable port"):
            ports.demand_free(port, commands.PURPOSES)


def test_fresh_never_empties_a_database_of_somebody_elses(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://shop@db.example/shop")
    monkeypatch.setattr(commands.ports, "demand_free", lambda *_: None)

    with pytest.raises(Problem, match="DATABASE_URL is set"):
        commands.check_demo(commands.parse_demo(["--fresh"]))


def test_data_of_another_stage_is_not_thrown_away_unasked(monkeypatch, tmp_path):
    monkeypatch.setattr(commands.ports, "demand_free", lambda *_: None)
    monkeypatch.setattr(facts, "FILE", tmp_path / "demo.json")
    facts.FILE.write_text('{"stage": "month-end"}')

    commands.check_demo(commands.parse_demo([]))
    commands.check_demo(commands.parse_demo(["--stage", "month-end"]))
    with pytest.raises(Problem) as caught:
        commands.check_demo(commands.parse_demo(["--stage", "disputed"]))

    assert caught.value.what == "The demo data here is of the stage “month-end”."
    assert "./run demo --stage disputed --fresh" in caught.value.remedy


def test_a_second_demo_in_the_same_folder_is_refused(running_demo):
    with (
        pytest.raises(Problem, match="already runs here") as caught,
        instance.claim(running_demo, "http://127.0.0.1:9000"),
    ):
        pass

    assert "http://127.0.0.1:8000" in caught.value.what
    assert "./run stop" in caught.value.remedy


def test_stop_ends_a_running_demo_and_then_finds_none(running_demo):
    assert instance.stop_running(running_demo)

    assert instance.find_running(running_demo) is None
    assert not instance.stop_running(running_demo)


def test_a_killed_demo_leaves_no_claim(running_demo):
    os.kill(int(instance.find_running(running_demo)["pid"]), signal.SIGKILL)

    assert wait_until(lambda: instance.find_running(running_demo) is None)
    with instance.claim(running_demo, "http://127.0.0.1:9000"):
        assert instance.find_running(running_demo)["address"] == "http://127.0.0.1:9000"

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launch import supervisor as supervisors
from launch.console import Problem
from launch.places import ROOT
from launch.ports import is_free
from launch.supervisor import Service, Supervisor, rotate_log
from tests.launch.waiting import processes_that_mention, wait_until

SERVER = """
import http.server, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Answer).serve_forever()
"""
# Leaves a grandchild in its group, as a server with workers does.
PARENT = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1] + " grandchild"])
print("up and ready.", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up and ready.", flush=True)
time.sleep(60)
"""
WHOLE = """
import sys
from pathlib import Path
from launch.console import Interrupted
from launch.supervisor import Service, Supervisor, interruptible
mark, logs, parent, order = sys.argv[1:]
note = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (open(sys.argv[2], 'a').write(sys.argv[3] + ' '), sys.exit(0))); print('up and ready.', flush=True); time.sleep(60)"
running = Supervisor(Path(logs), {})
with interruptible() as tidy:
    try:
        running.start(
            Service("base", [sys.executable, "-c", note, mark, order, "base"], ready_text="ready.", tier=1),
            Service("top", [sys.executable, "-c", note, mark, order, "top"], ready_text="ready.", tier=2),
            Service("parent", [sys.executable, "-c", parent, mark], ready_text="ready.", tier=2),
        )
        running.wait_until_ready()
        print("all ready", flush=True)
        running.watch()
    except Interrupted:
        print("interrupted", flush=True)
    finally:
        tidy()
        running.stop()
"""


@pytest.fixture
def mark(tmp_path):
    """A text in the command line of every process of a test."""
    yield f"mark-of-{tmp_path}"
    assert wait_until(lambda: not processes_that_mention(f"mark-of-{tmp_path}"), 5)


@pytest.fixture
def running(tmp_path, mark):
    supervisor = Supervisor(tmp_path / "log", dict(os.environ))
    yield supervisor
    supervisor.stop()


@pytest.fixture
def whole(tmp_path, mark):
    """A supervisor in a process of its own, with two services and one that has a child."""
    process = subprocess.Popen(
        [sys.executable, "-c", WHOLE, mark, str(tmp_path / "log"), PARENT, str(tmp_path / "order")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process.stdout as output:
        while "all ready" not in output.readline():
            assert process.poll() is None
        yield process
        process.kill()
        process.wait()


def free_port():
    return next(port for port in range(18000, 19000) if is_free(port))


def test_a_service_is_ready_when_it_answers(running, mark):
    port = free_port()
    url = f"http://127.0.0.1:{port}/healthz"
    running.start(Service("server", [sys.executable, "-c", SERVER, mark, str(port)], url=url))

    running.wait_until_ready(20)

    assert supervisors.answers(url)


def test_a_killed_service_is_started_again(running, mark):
    running.start(Service("parent", [sys.executable, "-c", PARENT, mark], ready_text="ready."))
    running.wait_until_ready(20)
    killed = running.pid_of("parent")
    before = processes_that_mention(f"{mark} grandchild")

    os.kill(killed, signal.SIGKILL)

    def is_new():
        running.mend()
        return running.pid_of("parent") != killed and processes_that_mention(f"{mark} grandchild")

    assert wait_until(is_new)
    assert not set(before) & set(processes_that_mention(mark))


def test_a_service_that_ends_while_starting_is_told_with_its_last_words(running):
    running.start(Service("broken", [sys.executable, "-c", "raise SystemExit('no settings')"], ready_text="ready."))

    with pytest.raises(Problem) as caught:
        running.wait_until_ready(20)

    assert caught.value.what == "broken ended while it was starting (exit status 1)."
    assert caught.value.detail == "no settings\nno settings"
    assert "broken.log" in caught.value.remedy


def test_a_service_may_fail_once_while_everything_is_new(running, mark, tmp_path):
    once = (
        "import pathlib, sys, time; seen = pathlib.Path(sys.argv[2]); first = not seen.exists(); seen.touch()\n"
        "if first: raise SystemExit('in each other\\'s way')\n"
        "print('up and ready.', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", once, mark, str(tmp_path / "seen")]
    running.start(Service("shy", command, ready_text="ready."))

    running.wait_until_ready(20)

    assert processes_that_mention(mark) == [running.pid_of("shy")]


def test_a_service_that_is_never_ready_is_told(running, mark):
    running.start(Service("mute", [sys.executable, "-c", "import time; time.sleep(60)", mark], ready_text="ready."))

    with pytest.raises(Problem, match="was not ready after 0 s"):
        running.wait_until_ready(0.2)


def test_a_service_that_keeps_dying_is_given_up(running, monkeypatch):
    monkeypatch.setattr(supervisors, "MOST_RESTARTS", 1)
    running.start(Service("mortal", [sys.executable, "-c", "raise SystemExit('over')"]))

    with pytest.raises(Problem, match="mortal ended 2 times in a row"):
        running.watch()


def test_a_stubborn_service_is_killed(running, mark, monkeypatch):
    monkeypatch.setattr(supervisors, "STOP_SECONDS", 0.3)
    running.start(Service("stubborn", [sys.executable, "-c", STUBBORN, mark], ready_text="ready."))
    running.wait_until_ready(20)

    running.stop()

    assert not processes_that_mention(mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_reverse_order(whole, mark, tmp_path, number):
    whole.send_signal(number)

    assert whole.wait(15) == 0
    assert (tmp_path / "order").read_text() == "top base "
    assert not processes_that_mention(mark)


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is Linux's")
def test_a_killed_supervisor_takes_its_services_along(whole, mark):
    services = [pid for pid in processes_that_mention(mark) if pid != whole.pid]
    own = [pid for pid in services if Path(f"/proc/{pid}/stat").read_text().split()[3] == str(whole.pid)]
    assert len(own) == 3

    whole.kill()
    whole.wait()

    assert wait_until(lambda: not set(own) & set(processes_that_mention(mark)))
    # A grandchild is its parent's to end; this one's parent is too simple for that.
    for pid in processes_that_mention(mark):
        os.kill(pid, signal.SIGKILL)


def test_logs_of_earlier_starts_are_kept_for_a_while(tmp_path):
    log = tmp_path / "web.log"
    for start in range(6):
        rotate_log(log)
        log.write_text(f"start {start}")

    assert {f.name: f.read_text() for f in tmp_path.iterdir()} == {
        "web.log": "start 5",
        "web.1.log": "start 4",
        "web.2.log": "start 3",
        "web.3.log": "start 2",
    }

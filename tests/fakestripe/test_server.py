"""The server and the control surface: survives being killed, follows its clock, keeps to itself."""

import contextlib
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import fakestripe
from fakestripe.server import Server
from fakestripe.store import Store
from tests.fakestripe.talk import Talk

ROOT = Path(fakestripe.__file__).parent


def spawn(state):
    process = subprocess.Popen(
        [sys.executable, "-m", "fakestripe", "--port", "0", "--state", str(state)],
        stdout=subprocess.PIPE, text=True, cwd=ROOT.parent,
    )  # fmt: skip
    base = re.search(r"http://\S+", process.stdout.readline())[0]
    return process, Talk(base)


def end(process, number):
    process.send_signal(number)
    process.wait(5)
    process.stdout.close()


def test_a_kill_in_mid_run_loses_nothing_that_was_answered(tmp_path):
    state = tmp_path / "state.sqlite3"
    process, talk = spawn(state)
    talk.fund(10_000_000)
    ana = talk.payee()
    answered, asked = {}, set()

    def work(worker):
        for n in range(2_000):
            key = f"k{worker}-{n}"
            asked.add(key)
            params = {"amount": 7, "currency": "eur", "destination": ana, "transfer_group": key}
            try:
                status, _, body = talk.api("POST", "/v1/transfers", params, key=key)
            except (OSError, ValueError):
                return
            except Exception:
                return
            assert status == 200
            answered[key] = body["id"]

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    time.sleep(0.5)
    end(process, signal.SIGKILL)
    for worker in workers:
        worker.join()

    process, talk = spawn(state)
    kept = {one.transfer_group: one.id for one in talk.client().v1.transfers.list({"limit": 100}).auto_paging_iter()}
    books = talk.books()
    doubtful = sorted(asked - set(answered))
    params = {"amount": 7, "currency": "eur", "destination": ana}
    repeated = {
        key: talk.api("POST", "/v1/transfers", params | {"transfer_group": key}, key=key)[2]["id"]
        for key in [*list(answered)[:20], *doubtful]
    }
    end(process, signal.SIGTERM)

    assert len(answered) > 50
    assert answered.items() <= kept.items()
    assert set(kept) <= asked
    assert books["balances"][ana]["eur"] == 7 * len(kept)
    assert all(repeated[key] == kept[key] for key in repeated if key in kept)
    assert process.returncode == 0


def test_a_restart_keeps_keys_script_clock_and_webhook_settings(tmp_path):
    state = str(tmp_path / "state.sqlite3")
    with Server(state=state) as server:
        talk = Talk(server.base_url)
        talk.control("POST", "clock", {"now": 1_900_000_000})
        talk.fund()
        params = {"amount": 7, "currency": "eur", "destination": talk.payee()}
        first = talk.api("POST", "/v1/transfers", params, key="k")[2]
        talk.control("POST", "webhooks", {"paused": True})
        talk.fault(fault="drop", nth=5)
        talk.api("GET", "/v1/balance")

    with Server(state=state) as server:
        talk = Talk(server.base_url)
        assert talk.api("POST", "/v1/transfers", params, key="k")[2] == first
        assert talk.control("GET", "clock")["now"] == 1_900_000_000
        assert talk.control("GET", "webhooks")["paused"] is True
        assert talk.control("GET", "faults")["rules"][0]["matched"] == 2


def test_the_clock_stands_runs_and_comes_back(talk):
    talk.control("POST", "clock", {"now": "2026-01-31T23:59:59+08:00"})
    assert talk.control("GET", "clock") | {"offset": 0} == {
        "mode": "frozen", "now": 1769875199.0, "now_iso": "2026-01-31T15:59:59.000Z", "offset": 0,
    }  # fmt: skip
    talk.fund()
    assert talk.api("GET", "/v1/topups")[2]["data"][0]["created"] == 1769875199

    talk.control("POST", "clock", {"now": "2026-01-31T23:59:59Z", "running": True})
    assert talk.control("GET", "clock")["mode"] == "offset"
    assert talk.control("DELETE", "clock")["mode"] == "real"
    assert abs(talk.control("GET", "clock")["now"] - time.time()) < 2


def test_events_are_kept_for_thirty_days(talk):
    talk.fund()
    event = talk.api("GET", "/v1/events")[2]["data"][0]["id"]
    talk.control("POST", "clock", {"advance": 30 * 24 * 3600 + 60})

    assert talk.api("GET", "/v1/events")[2]["data"] == []
    assert talk.api("GET", f"/v1/events/{event}")[0] == 404


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"transfers": "restricted"}, "insufficient_capabilities_for_transfer"),
        ({"transfers": "pending"}, "insufficient_capabilities_for_transfer"),
        ({"transfers": "rejected"}, "insufficient_capabilities_for_transfer"),
        ({"closed": True}, "account_invalid"),
    ],
)
def test_an_account_that_may_not_receive_does_not(talk, change, code):
    talk.fund()
    ana = talk.payee()
    talk.control("POST", f"accounts/{ana}", change)

    status, _, body = talk.api("POST", "/v1/transfers", {"amount": 5, "currency": "eur", "destination": ana})

    assert (status, body["error"]["code"]) == (400, code)
    assert talk.books()["transfers"]["count"] == 0


def test_limits_are_per_endpoint_and_refill(talk):
    talk.control("POST", "rate-limit", {"endpoint": 20})
    statuses = [talk.api("GET", "/v1/balance")[0] for _ in range(25)]
    other = talk.api("GET", "/v1/transfers")[0]
    time.sleep(0.2)
    later = talk.api("GET", "/v1/balance")
    talk.control("POST", "rate-limit", {})

    assert statuses[:20] == [200] * 20
    assert 429 in statuses[20:]
    assert (other, later[0]) == (200, 200)


def test_the_control_surface_refuses_what_a_web_page_could_send(talk):
    status, _, _ = talk.http("POST", "/_control/reset", "{}", {"Content-Type": "text/plain"})

    assert status == 415


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "nothing", None, 404),
        ("POST", "clock", {"nwo": 1}, 400),
        ("POST", "clock", {"now": "yesterday"}, 400),
        ("POST", "topups", {"amount": -5, "currency": "eur"}, 400),
        ("POST", "webhooks", {"order": "sideways"}, 400),
        ("POST", "webhooks", {"pasued": True}, 400),
        ("POST", "accounts/acct_none", {"transfers": "active"}, 404),
        ("POST", "endpoints", {}, 400),
        ("POST", "faults", 5, 400),
    ],
)
def test_the_control_surface_says_what_it_does_not_understand(talk, method, path, body, status):
    payload = None if body is None else json.dumps(body)

    assert talk.http(method, f"/_control/{path}", payload, {"Content-Type": "application/json"})[0] == status


def test_the_home_page_shows_the_state_and_fetches_nothing(talk):
    talk.fund(123_456, "eur")
    talk.fund(5_000, "jpy")
    ana = talk.payee()
    talk.api(
        "POST",
        "/v1/transfers",
        {"amount": 1_234, "currency": "eur", "destination": ana, "transfer_group": "pay_7"},
    )

    status, headers, page = talk.http("GET", "/")

    assert status == 200
    assert {"12.34 EUR", "1,222.22", "5,000", "pay_7", "transfer.created"} <= set(
        re.findall(r"<td[^>]*>([^<]*)</td>", page)
    )
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["/style.css"]
    assert "style-src 'self'" in headers["content-security-policy"]
    assert talk.http("GET", "/style.css")[0] == 200


def test_keys_are_not_remembered(talk):
    talk.api("GET", "/v1/balance", headers={"Authorization": "Bearer sk_test_canary_4711"})
    talk.api("GET", "/v1/balance", headers={"Authorization": "Bearer sk_live_canary_4711"})

    assert "canary" not in json.dumps(talk.calls())


def test_bodies_that_cannot_be_read_are_refused(talk):
    assert talk.http("POST", "/v2/core/accounts", "{", {"Authorization": "Bearer sk_test_1"})[0] == 400
    assert talk.http("POST", "/v2/core/accounts", "[]", {"Authorization": "Bearer sk_test_1"})[0] == 400
    assert talk.http("POST", "/v1/topups", "amount=1&amount[a]=2", {"Authorization": "Bearer sk_test_1"})[0] == 400
    assert talk.http("POST", "/v1/topups", "a" * 1_000_001)[0] == 413


def test_it_imports_nothing_but_the_standard_library():
    allowed = {"fakestripe", *sys.stdlib_module_names}

    found = {
        (path.name, match[1])
        for path in ROOT.glob("*.py")
        for match in re.finditer(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        if match[1] not in allowed
    }

    assert found == set()


def test_it_answers_fast_enough(talk):
    """300 answers a second are asked for; the bar here is low because the machine is shared."""
    talk.fund()
    connection = http.client.HTTPConnection(*talk.server.server_address)
    began = time.perf_counter()
    for _ in range(300):
        connection.request("GET", "/v1/balance", headers={"Authorization": "Bearer sk_test_1"})
        connection.getresponse().read()
    took = time.perf_counter() - began
    connection.close()

    assert took < 3


def test_a_transaction_inside_another_fails_alone():
    store = Store()

    def set_and_fail(value):
        with store.transaction():
            store.set("kept", value)
            raise ZeroDivisionError

    def set_and_fail_inside():
        with store.transaction():
            store.set("kept", 1)
            with contextlib.suppress(ZeroDivisionError):
                set_and_fail(2)

    set_and_fail_inside()
    with pytest.raises(ZeroDivisionError):
        set_and_fail(3)

    kept = store.setting("kept")
    store.close()
    assert kept == 1

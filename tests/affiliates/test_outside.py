"""Calling addresses of somebody else's: never one of a private network."""

import pytest

from affiliates import outside
from affiliates.outside import AddressRefused, Unreachable, ask, read_address
from tests.factories.receivers import receiving


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/hook",
        "https://user:pass@shop.example/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://printer.local/",
        "https://shop.example:22/",
        "https://",
        "https://[bad/",
        "ftp://shop.example/",
        "https://shop.example/" + "a" * 3_000,
    ],
)
def test_an_address_that_is_no_public_web_address_is_refused(address):
    with pytest.raises(AddressRefused):
        read_address(address, allow_local=False)


@pytest.mark.parametrize(
    "found",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.4",
        "169.254.169.254",
        "100.64.0.1",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_a_name_that_stands_for_a_private_address_is_not_called(monkeypatch, found):
    """The name is resolved once, and what it stands for is what is called (DNS rebinding)."""
    monkeypatch.setattr(
        outside.socket,
        "getaddrinfo",
        lambda *_a, **_k: [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", (found, 443))],
    )

    with pytest.raises(AddressRefused):
        ask("GET", "https://innocent.example/")


def test_a_local_server_is_called_where_local_addresses_are_allowed():
    with receiving(204) as receiver:
        answer = ask("POST", receiver.url, body=b"{}", headers={"x-test": "1"}, allow_local=True)

    ((method, path, headers, body),) = receiver.came
    assert (answer.status, method, path, body, headers["x-test"]) == (204, "POST", "/hook", b"{}", "1")


def test_a_redirect_is_an_answer_and_is_not_followed():
    with receiving(302) as receiver:
        answer = ask("GET", receiver.url, allow_local=True)

    assert answer.status == 302
    assert len(receiver.came) == 1


def test_nobody_there_is_said_by_name():
    with pytest.raises(Unreachable) as trouble:
        ask("GET", "http://127.0.0.1:9/", allow_local=True)

    assert trouble.value.code == "not_connected"
    with pytest.raises(Unreachable) as trouble:
        ask("GET", "http://no-such-name.invalid/", allow_local=True)
    assert trouble.value.code == "name_unknown"

"""Bytes that are no polite request: never a 500, never an open hang."""

import re
import socket
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.doors import RunningDoor

PARTS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"%", b"%zz", b"%ff%fe", b"%00", b"&", b"=", b"url=", b"sub1=", b"sub1=%", b"\xc3\xa9", b"+", b"//"]
    ),
)
QUERIES = st.lists(PARTS, max_size=12).map(b"".join)
HEADER_NAMES = st.sampled_from(
    [b"Cookie", b"User-Agent", b"Referer", b"Accept-Language", b"Sec-Purpose", b"X-Forwarded-For", b"Sec-Fetch-Dest"]
)
HEADERS = st.lists(st.tuples(HEADER_NAMES, st.binary(max_size=60)), max_size=6)


def send(door: RunningDoor, request: bytes) -> int | None:
    """The status of the answer to raw bytes, or None when the server closed without one."""
    with closing(socket.create_connection(("127.0.0.1", door.port), timeout=10)) as connection:
        connection.sendall(request)
        answer = b""
        while b"\r\n" not in answer:
            piece = connection.recv(4096)
            if not piece:
                break
            answer += piece
    status = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    return None if status is None else int(status[1])


@pytest.fixture(scope="module")
def code(clicks) -> bytes:
    """A link that works."""
    return clicks.add_link().code.encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=QUERIES, headers=HEADERS)
def test_no_query_and_no_header_makes_an_error(door, code, query, headers):
    def clean(value: bytes) -> bytes:
        return re.sub(rb"[\r\n\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", b"", value)

    query = re.sub(rb"[\x00-\x20\x7f#]", b"", query)
    lines = [b"GET /r/" + code + b"?" + query + b" HTTP/1.1", b"Host: door", b"Connection: close"]
    lines += [name + b": " + clean(value) for name, value in headers]

    status = send(door, b"\r\n".join([*lines, b"", b""]))

    # What is no HTTP at all is refused below the application.
    assert status in {302, 400, 414, 431}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.binary(max_size=80))
def test_no_path_makes_an_error(door, path):
    path = re.sub(rb"[\x00-\x20\x7f]", b"", path)

    status = send(door, b"GET /r/" + path + b" HTTP/1.1\r\nHost: door\r\nConnection: close\r\n\r\n")

    assert status in {302, 400, 404, 414}


def test_everything_recorded_from_garbage_can_be_stored(door, clicks, code):
    for query in (
        b"sub1=%00",
        b"sub1=%ED%A0%80",
        b"sub1=%F4%90%80%80",
        b"url=%00&sub2=%u0000",
        b"\xc3\xa9=\xc3\xa9&sub3=\xc3\xa9",
    ):
        assert (
            send(door, b"GET /r/" + code + b"?" + query + b" HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n") == 302
        )

    assert clicks.drain(door.spool_dir).quarantined == 0

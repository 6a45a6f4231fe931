"""Fault pages: a sentence, a way on, a code that stands in the log, and no database."""

import logging
import re
from http import HTTPStatus

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import RequestFactory

from portal import error_pages

CODE = re.compile(r"[2-9A-Y]{2}-[2-9A-Y]{3}")


def request_for(path="/partner/", **headers):
    headers.setdefault("accept", "text/html")
    return RequestFactory().get(path, headers=headers)


FAULTS = [
    (
        lambda request: error_pages.bad_request(request, SuspiciousOperation()),
        HTTPStatus.BAD_REQUEST,
        "could not be read",
    ),
    (
        lambda request: error_pages.permission_denied(request, PermissionDenied()),
        HTTPStatus.FORBIDDEN,
        "another role",
    ),
    (error_pages.server_error, HTTPStatus.INTERNAL_SERVER_ERROR, "did not load"),
    (error_pages.csrf_failure, HTTPStatus.FORBIDDEN, "open for too long"),
]


@pytest.mark.parametrize(("answer", "status", "words"), FAULTS)
def test_a_fault_says_what_happened_and_gives_a_code_that_is_in_the_log(answer, status, words, caplog):
    with caplog.at_level(logging.INFO, logger="portal.incidents"):
        response = answer(request_for())
    page = response.content.decode()
    code = CODE.search(page.split("<code>")[1]).group()

    assert response.status_code == status
    assert words in page
    assert code in caplog.text
    assert not re.search(r"\b(sorry|please|oops|invalid|traceback)\b", page, re.IGNORECASE)


def test_a_missing_page_needs_no_code():
    response = error_pages.page_not_found(request_for("/nowhere/"))

    assert response.status_code == HTTPStatus.NOT_FOUND
    assert "There is no page at this address." in response.content.decode()


@pytest.mark.parametrize(
    "request_",
    [request_for("/api/v1/clicks/x"), request_for("/partner/", accept="application/json")],
)
def test_programs_get_problem_json(request_):
    response = error_pages.page_not_found(request_)

    assert response.headers["Content-Type"] == "application/problem+json"


def test_codes_have_no_look_alikes():
    codes = "".join(error_pages.new_incident_code() for _try in range(300))

    assert not set(codes) & set("01IOLBSZQU")

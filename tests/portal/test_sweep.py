"""Every address × method × kind of person, predicted from the policy tables (faults 21, 38, 41, 42, 45)."""

import logging
import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from ledger.ids import new_uuid7, public_id_of
from portal.policy import URLS, Audience
from tests.portal.sweep.addresses import Address, address_of, all_addresses, body_of
from tests.portal.sweep.oracle import Fate, fate
from tests.portal.sweep.town import Person, Tenant, Town, build_town

pytestmark = pytest.mark.django_db

#: Answers of a page that was opened: shown, moved on, refused by its form, or not asked in this way.
OPENED = {200, 201, 204, 302, 400, 405, 409, 413, 415, 422}


@pytest.fixture
def town(bank):
    # Thousands of refusals, each with a line of its own, would bury what went wrong.
    logging.disable(logging.WARNING)
    yield build_town(timezone.now())
    logging.disable(logging.NOTSET)


def ask(who: Person, method: str, url: str, body: dict[str, object] | None = None):
    """One request whose effects are undone."""
    before = transaction.savepoint()
    try:
        return (
            who.client.generic(method, url)
            if method not in {"GET", "POST"}
            else getattr(who.client, method.lower())(url, body)
        )
    finally:
        transaction.savepoint_rollback(before)


def found(response) -> Fate | int:
    """What became of a request, or the status of an answer that no fate explains."""
    if response.status_code == 302 and response["Location"].startswith("/accounts/login/"):
        return Fate.SIGN_IN
    return {403: Fate.FORBIDDEN, 404: Fate.HIDDEN}.get(
        response.status_code, Fate.OPEN if response.status_code in OPENED else response.status_code
    )


def body(response) -> str:
    """All of an answer, and where it leads."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return unescape(content.decode("utf-8", "replace")) + response.headers.get("Location", "")


def leaks(response, url: str, tenant: Tenant) -> list[str]:
    """What of a tenant's an answer says beyond the address that was asked for."""
    said = body(response)
    for echo in (url, quote(url), quote(url, safe="")):
        said = said.replace(echo, "")
    return [one for one in tenant.canaries if one in said]


OURS = [one for one in all_addresses() if one.audience not in {Audience.PUBLIC, Audience.API, Audience.SIGNED}]


def test_the_policy_has_a_row_for_every_address_and_no_row_for_anything_else():
    names = {one.name for one in all_addresses()}

    assert names == URLS.keys()


def test_every_address_answers_everybody_as_the_policy_says(town: Town):
    """Faults 38, 41, 42: the other tenant's objects, and every workspace that is not one's own, are not there."""
    wrong = []
    for one in OURS:
        url, opened = address_of(one, town.a, town), set()
        for who in town.people.values():
            for method in ("GET", "POST"):
                expected = fate(one, who, town.a.world.merchant, town.a)
                if one.name == "partner:switch" and who.name == "partner b" and method == "POST":
                    expected = Fate.HIDDEN  # here the form names the object
                if method == "GET" and expected != Fate.OPEN and who.name not in STRANGERS:
                    continue  # the policy refuses before any view runs, by whatever method
                response = ask(who, method, url, body_of(one.name, town.a) if method == "POST" else None)
                is_unasked = response.status_code == 405 and who.name == "partner b"
                if found(response) != expected and not is_unasked:
                    wrong.append(
                        f"{method} {one.name} by {who.name}: {expected} expected, {response.status_code} found"
                    )
                if expected == Fate.OPEN:
                    opened.add(response.status_code)
                if who.name in STRANGERS:
                    wrong.extend(
                        f"{method} {one.name} by {who.name} says {said}" for said in leaks(response, url, town.a)
                    )
        # The sweep would be worth nothing if everything were refused.
        # A form that is read and answered (400, 422) was opened too.
        if not opened & {200, 302, 400, 422}:
            wrong.append(f"{one.name} opened for nobody: {opened}")
    assert wrong == []


#: Who must never read anything of tenant A's.
STRANGERS = {"partner b", "owner b", "anonymous"}


def test_ids_of_another_tenant_missing_or_nonsense_lead_nowhere_in_ones_own_workspace(town: Town):
    """Fault 38: within one's own workspace, only the object in the address is foreign."""
    wrong = []
    strangers = {"partner": town.people["partner b"], "merchant": town.people["owner b"]}
    merchant = town.b.world.merchant
    for one in OURS:
        who = strangers.get(str(one.audience))
        if who is None or not one.objects:
            continue
        methods = ("GET", "POST")
        nonsense = (
            ["nonsense", "0", "a" * 150]
            if one.objects & {"code", "slug", "program_slug"}
            else [*NONSENSE, missing(one)]
        )
        urls = (
            [address_of(one, town.a, town, slug=merchant.slug)]
            if fate(one, who, merchant, town.a) == Fate.HIDDEN
            else []
        )
        urls += [address_of(one, town.b, town, value=value) for value in nonsense]
        for url in urls:
            for method in methods:
                response = ask(who, method, url, body_of(one.name, town.b) if method == "POST" else None)
                if response.status_code not in {404, 405}:
                    wrong.append(f"{method} {url}: {response.status_code}")
                wrong.extend(f"{method} {url} says {said}" for said in leaks(response, url, town.a))
        answers = {ask(who, method, urls[0]).status_code for method in methods}
        if 404 not in answers:
            wrong.append(f"{one.name} is 404 by no method: {answers}")
    for one in OURS:
        if one.audience in {Audience.FINANCE, Audience.NETWORK} and one.objects:
            who = town.people["maker" if one.audience == Audience.FINANCE else "staff"]
            for value in [*NONSENSE, missing(one)]:
                url = address_of(one, town.a, town, value=value)
                statuses = {ask(who, method, url, body_of(one.name, town.a)).status_code for method in ("GET", "POST")}
                if not statuses <= {403, 404, 405}:
                    wrong.append(f"{url}: {statuses}")
    assert wrong == []


#: Ids that no record has: odd letters, an id cut short, too long, a zero byte, other alphabets.
NONSENSE = ["nonsense", "comm_", "pay_00000000000000000000000000", "x" * 300, "run_\x00", "订单_1", "..%2f"]


def missing(one: Address) -> str:
    """A well-formed id of nothing."""
    prefixes = {
        "commission_id": "comm", "conversion_id": "conv", "payout_id": "pay", "statement_id": "stmt", "enrolment_id": "enr",
        "rule_id": "rule", "request_id": "req", "key_id": "key", "affiliate_id": "aff", "run_id": "run", "entry_id": "ent", "account_id": "acc",
        "endpoint_id": "hook", "postback_id": "hook", "call_id": "call", "told_id": "call", "claim_id": "claim", "click_id": "clk",
    }  # fmt: skip
    # An address with two objects gets the same id for both; one that is missing is enough.
    place = min(one.objects)
    return public_id_of(prefixes.get(place, "x"), new_uuid7(timezone.now() - timedelta(days=1)))


def test_other_methods_do_nothing(town: Town):
    wrong = []
    for one in OURS:
        url = address_of(one, town.a, town)
        who = next(who for who in town.people.values() if fate(one, who, town.a.world.merchant, town.a) == Fate.OPEN)
        for method in ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"):
            for person in (who, town.people["anonymous"]):
                response = ask(person, method, url)
                if response.status_code not in {403, 404, 405} and found(response) != Fate.SIGN_IN:
                    wrong.append(f"{method} {one.name} by {person.name}: {response.status_code}")
    assert wrong == []


def test_every_form_wants_its_token(town: Town):
    """Fault 45: a post from elsewhere is refused before any view runs."""
    wrong = []
    for one in all_addresses():
        if one.audience in {Audience.API, Audience.SIGNED} or one.name in TOKENLESS:
            continue
        url = address_of(one, town.a, town)
        allowed = [
            who
            for who in town.people.values()
            if who.user and fate(one, who, town.a.world.merchant, town.a) == Fate.OPEN
        ]
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        client.cookies = allowed[0].client.cookies
        if client.post(url, body_of(one.name, town.a)).status_code not in {403, 405}:
            wrong.append(one.name)
    assert wrong == []


#: Posts without a token: a light switch, the demo shop's ear, and orders from shoppers' browsers.
TOKENLESS = {"set_theme", "shop-ear", "tag-order"}


def test_pages_for_signed_in_people_are_guarded_by_their_headers(town: Town):
    """Fault 45: nothing is kept by a cache, nothing is framed, nothing is guessed, no script or style from within."""
    wrong = []
    for one in OURS:
        url = address_of(one, town.a, town)
        who = next(
            who
            for who in town.people.values()
            if who.user and fate(one, who, town.a.world.merchant, town.a) == Fate.OPEN
        )
        for person in (who, town.people["nobody"]):
            response = ask(person, "GET", url)
            policy = response.headers.get("Content-Security-Policy", "")
            faults = [
                fault
                for fault, is_there in {
                    "may be stored": "no-store" not in response.headers.get("Cache-Control", ""),
                    "is sniffed": response.headers.get("X-Content-Type-Options") != "nosniff",
                    "has no policy": "default-src 'self'" not in policy,
                    "inline is allowed": "unsafe-inline" in policy or "unsafe-eval" in policy,
                    "may be framed": "frame-ancestors 'self'" not in policy
                    or response.headers.get("X-Frame-Options") not in {"SAMEORIGIN", "DENY"},
                    "tells where from": response.headers.get("Referrer-Policy", "") in {"", "unsafe-url"},
                    "opener": response.headers.get("Cross-Origin-Opener-Policy") != "same-origin",
                }.items()
                if is_there
            ]
            wrong += [f"{one.name} by {person.name} ({response.status_code}): {fault}" for fault in faults]
            if "html" in response.headers.get("Content-Type", "") and re.search(
                r"<[^>]+\s(style|on[a-z]+)=", body(response)
            ):
                wrong.append(f"{one.name}: style or handler inside a tag")
    assert wrong == []


def test_the_api_shows_a_key_its_own_and_nothing_else(town: Town):
    """Fault 38 at the API: twin keys, twin objects, no key, a wrong key, a browser's session."""
    wrong = []
    keyless = [{}, {"authorization": "Bearer sk_live_nonsense"}, {"authorization": "Basic eDp5"}]
    for one in all_addresses():
        if one.audience != Audience.API:
            continue
        url = address_of(one, town.a, town)
        for kind in ("sk", "pk"):
            for tenant, is_own in ((town.a, True), (town.b, False)):
                for method in ("GET", "POST", "PUT", "DELETE"):
                    response = _call(method, url, {"authorization": f"Bearer {tenant.secrets[kind]}"})
                    if response.status_code >= 500:
                        wrong.append(f"{method} {one.name}: {response.status_code}")
                    if not is_own:
                        wrong += [
                            f"{method} {one.name} with {kind} of b says {said}" for said in leaks(response, url, town.a)
                        ]
                        if one.objects and response.status_code not in {400, 403, 404, 405}:
                            wrong.append(f"{method} {one.name} with {kind} of b: {response.status_code}")
        for headers in keyless:
            for method in ("GET", "POST"):
                response = _call(method, url, headers)
                if response.status_code not in {401, 405}:
                    wrong.append(f"{method} {one.name} without a key: {response.status_code}")
        if ask(town.people["owner a"], "GET", url).status_code not in {401, 405}:
            wrong.append(f"{one.name} takes a session for a key")
    own = {
        name: _call("GET", f"/api/v1/{name}", {"authorization": f"Bearer {town.a.secrets['sk']}"}).status_code
        for name in (
            f"conversions/{town.a.ids['conversion_id']}",
            f"clicks/{town.a.ids['click_id']}",
            "links",
            "commissions",
            "payouts",
        )
    }
    assert set(own.values()) == {200}
    assert wrong == []


def _call(method: str, url: str, headers: dict[str, str]):
    before = transaction.savepoint()
    try:
        return Client(raise_request_exception=False).generic(
            method, url, b"{}", content_type="application/json", headers=headers
        )
    finally:
        transaction.savepoint_rollback(before)


def test_public_addresses_answer_anybody_without_an_error(town: Town):
    wrong = []
    for one in all_addresses():
        if one.audience != Audience.PUBLIC:
            continue
        url = address_of(one, town.a, town)
        for who in (town.people["anonymous"], town.people["partner b"], town.people["owner a"]):
            for method in ("GET", "POST", "HEAD", "PUT", "DELETE"):
                response = ask(who, method, url, body_of(one.name, town.a) if method in {"GET", "POST"} else None)
                if response.status_code not in {200, 302, 400, 403, 404, 405}:
                    wrong.append(f"{method} {one.name} by {who.name}: {response.status_code}")
                if who.name == "partner b":
                    wrong += [f"{one.name} says {said}" for said in leaks(response, url, town.a)]
    assert wrong == []

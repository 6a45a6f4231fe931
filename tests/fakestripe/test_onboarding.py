"""The hosted page: single use, soon expired, and honest."""

import re
from urllib.parse import urlencode, urlsplit

import pytest

BACK, AGAIN = "https://network.example/back", "https://network.example/again"


def open_account(talk):
    body = {
        "contact_email": "ana@example.com",
        "identity": {"country": "de"},
        "configuration": {"recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}},
    }
    return talk.api("POST", "/v2/core/accounts", body)[2]["id"]


def link(talk, account, version="v2"):
    if version == "v1":
        params = {
            "account": account,
            "type": "account_onboarding",
            "refresh_url": AGAIN,
            "return_url": BACK,
        }
        url = talk.api("POST", "/v1/account_links", params)[2]["url"]
    else:
        flow = {"refresh_url": AGAIN, "return_url": BACK}
        body = {
            "account": account,
            "use_case": {"type": "account_onboarding", "account_onboarding": flow},
        }
        url = talk.api("POST", "/v2/core/account_links", body)[2]["url"]
    assert url.startswith(talk.base)
    return urlsplit(url).path


def send(talk, path, page, **fields):
    visit = re.search(r'name="visit" value="([^"]+)"', page)[1]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent = [("visit", visit), ("outcome", "active"), ("bank", "4242"), *fields.items()]
    return talk.http("POST", path, urlencode(sent), form)


def standing(talk, account):
    show = talk.api("GET", f"/v2/core/accounts/{account}?include[0]=configuration.recipient&include[1]=defaults")[2]
    capability = show["configuration"]["recipient"]["capabilities"]["stripe_balance"]["stripe_transfers"]
    return capability["status"], bool(show["defaults"]["payout_methods"])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_whole_way(talk, version):
    ana = open_account(talk)
    talk.fund()
    pay = {"amount": 5, "currency": "eur", "destination": ana}
    path = link(talk, ana, version)
    refused = talk.api("POST", "/v1/transfers", pay)[2]["error"]["code"]

    status, headers, page = talk.http("GET", path)
    sent, where, _ = send(talk, path, page)

    assert refused == "insufficient_capabilities_for_transfer"
    assert (status, sent, where["location"]) == (200, 303, BACK)
    assert "not Stripe" in page
    assert "default-src 'none'" in headers["content-security-policy"]
    assert standing(talk, ana) == ("active", True)
    assert talk.api("POST", "/v1/transfers", pay)[0] == 200


def test_a_link_opens_once(talk):
    path = link(talk, open_account(talk))
    talk.http("HEAD", path)

    first = talk.http("GET", path)
    second = talk.http("GET", path)

    assert first[0] == 200
    assert (second[0], second[1]["location"]) == (302, AGAIN)


@pytest.mark.parametrize(("version", "seconds"), [("v1", 300), ("v2", 600)])
def test_a_link_expires(talk, version, seconds):
    talk.control("POST", "clock", {"now": "2026-03-01T00:00:00Z"})
    ana = open_account(talk)
    fresh, stale = link(talk, ana, version), link(talk, ana, version)
    talk.control("POST", "clock", {"advance": seconds - 1})
    assert talk.http("GET", fresh)[0] == 200

    talk.control("POST", "clock", {"advance": 1})

    status, headers, _ = talk.http("GET", stale)
    assert (status, headers["location"]) == (302, AGAIN)


def test_a_form_is_sent_once_and_only_by_who_opened_it(talk):
    ana = open_account(talk)
    path = link(talk, ana)
    page = talk.http("GET", path)[2]

    forged = talk.http("POST", path, "visit=guess&outcome=active")
    assert (forged[0], forged[1]["location"], standing(talk, ana)) == (
        303,
        AGAIN,
        ("restricted", False),
    )
    send(talk, path, page)
    again = send(talk, path, page, outcome="restricted")

    assert again[1]["location"] == AGAIN
    assert standing(talk, ana) == ("active", True)


@pytest.mark.parametrize(
    ("outcome", "after"),
    [
        ("pending", ("pending", True)),
        ("restricted", ("restricted", True)),
        ("later", ("restricted", False)),
    ],
)
def test_other_ends(talk, outcome, after):
    ana = open_account(talk)
    path = link(talk, ana)

    _, headers, _ = send(talk, path, talk.http("GET", path)[2], outcome=outcome)

    assert headers["location"] == BACK
    assert standing(talk, ana) == after


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9", "zh-hans"),
        ("zh-TW", "zh-hant"),
        ("fr,en;q=0.5", "en"),
        ("", "en"),
        ("zh-Hant-HK", "zh-hant"),
    ],
)
def test_it_speaks_the_visitors_language(talk, header, language):
    path = link(talk, open_account(talk))

    _, _, page = talk.http("GET", path, headers={"Accept-Language": header})

    assert f'<html lang="{language}">' in page


def test_an_unknown_link_is_a_page_of_its_own(talk):
    status, _, page = talk.http("GET", "/onboarding/link_none")

    assert (status, "leads nowhere" in page) == (404, True)


def test_what_members_typed_is_escaped(talk):
    ana = talk.control("POST", "accounts", {"email": "<script>@example.com", "country": "DE"})["id"]

    page = talk.http("GET", link(talk, ana))[2] + talk.http("GET", "/")[2]

    assert "<script>" not in page
    assert page.count("&lt;script&gt;") == 2

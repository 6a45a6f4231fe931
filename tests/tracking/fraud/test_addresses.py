"""What is known of an address without keeping it (F8, F12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fraud_world import Country
from tracking.email_addresses import (
    DISPOSABLE,
    ORDINARY,
    RANDOM,
    alike,
    disposable_domains,
    kind_of_address,
    own_domain_of,
)
from tracking.pseudonyms import Signs, customer_of_address, signs_of_address


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("anna.becker@web.de", ORDINARY), ("christopher.schmidt1987@gmail.com", ORDINARY), ("j.d@x.example", ORDINARY),
        ("krzysztof.brzeczyszczykiewicz@wp.pl", ORDINARY), ("info@bakery.example", ORDINARY),
        ("somebody@mailinator.com", DISPOSABLE), ("somebody@inbox.mailinator.com", DISPOSABLE),
        ("xk7q2vz9wq4p@gmail.com", RANDOM), ("qzxvkjwpqzx@outlook.com", RANDOM),
        # Hidden behind a relay by its owner's telephone: honest.
        ("xk7q2vz9wq@privaterelay.appleid.com", ORDINARY),
    ],
)  # fmt: skip
def test_an_address_is_ordinary_disposable_or_random(address, kind):
    assert kind_of_address(address) == kind


def test_names_as_people_have_them_are_hardly_ever_taken_for_random():
    country = Country(5)
    addresses = [country.person() for _ in range(3_000)]
    people = [address for address in addresses if "." in address.split("@")[0] or "_" in address]

    taken = [address for address in people if kind_of_address(address) == RANDOM]

    assert len(taken) <= len(people) * 0.005


@pytest.mark.parametrize("other", ["Max.Moser+shop@gmail.com", "maxmoser@googlemail.com", "m.a.x.moser+1+2@GMAIL.COM"])
def test_spellings_of_one_address_are_alike(other):
    assert alike(other) == alike("max.moser@gmail.com")
    assert signs_of_address(other).alike == signs_of_address("max.moser@gmail.com").alike


def test_a_domain_that_anybody_may_have_is_nobodys_own():
    assert own_domain_of("max@bakery.example") == "bakery.example"
    assert own_domain_of("max@gmail.com") == own_domain_of("max@mailinator.com") == ""


@given(st.emails() | st.text(max_size=40))
def test_signs_say_nothing_of_the_address_itself(address):
    signs = signs_of_address(address)

    assert len(str(signs)) <= 60
    assert Signs.read(str(signs)) == signs
    assert address.rpartition("@")[2].casefold() not in signs[1:] or not address


def test_a_hidden_address_has_no_signs_and_stays_the_same_customer():
    hidden = f"{customer_of_address('max@bakery.example')}@hidden.invalid"

    assert signs_of_address(hidden) == Signs()
    assert customer_of_address(hidden) == customer_of_address("MAX@bakery.example ")
    assert Signs.read("nonsense") == Signs()


def test_the_list_of_disposable_domains_is_plain():
    domains = disposable_domains()

    assert len(domains) > 200
    assert all(domain == domain.casefold().strip() and "." in domain for domain in domains)

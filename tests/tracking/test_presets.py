"""A link's own parameters belong to the link: a click that does not say them has them all the same (B3, B14)."""

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.world import make_world
from tracking import links
from tracking.models import Link
from tracking.parameters import ALIASES, OURS, preset_fields, read_parameters, with_presets
from tracking.program_settings import change_tracking, tracking_of

PRESETS = {"sub1": "spring mail", "sub2": "a&b=c", "source_id": "7"}


def _read(query, presets=None):
    return read_parameters(with_presets(query, preset_fields(PRESETS if presets is None else presets)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", PRESETS),
        ("sub1=mine", {**PRESETS, "sub1": "mine"}),
        ("sub1=", PRESETS),
        ("u1=theirs", {**PRESETS, "sub1": "theirs", "foreign": {"u1": "theirs"}}),
        ("url=https%3A%2F%2Fshop.example%2Fx&sub3=z", {**PRESETS, "sub3": "z"}),
        ("sub1=a&sub2=b&source_id=c", {"sub1": "a", "sub2": "b", "source_id": "c"}),
    ],
)
def test_what_the_address_carries_goes_before(query, expected):
    assert _read(query) == expected


def test_presets_survive_a_query_full_of_fields():
    assert _read("&".join(f"x{number}=1" for number in range(100)))["sub1"] == "spring mail"


def test_what_is_no_parameter_of_ours_is_no_preset():
    assert preset_fields({"sub11": "x", "url": "https://evil.example/", "sub1": "", "sub2": 5}) == ()


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=30)


@given(
    st.dictionaries(st.sampled_from(sorted(OURS)), VALUES, max_size=5),
    st.dictionaries(
        st.sampled_from([*sorted(OURS), *sorted(ALIASES)]), st.from_regex(r"[a-z0-9]{0,8}", fullmatch=True), max_size=5
    ),
)
def test_every_preset_is_there_unless_the_address_says_it(presets, said):
    query = "&".join(f"{name}={value}" for name, value in said.items())
    given_by_address = read_parameters(query)

    found = _read(query, presets)

    for name, value in presets.items():
        assert found.get(name) == given_by_address.get(name, value)
    assert {name: value for name, value in found.items() if name in given_by_address} == given_by_address


@pytest.mark.django_db
def test_parameters_keep_the_order_in_which_they_were_written(at):
    world = make_world(at)
    names = ["utm_term", "utm_source", "utm_id", "utm_campaign", "utm_medium", "utm_content"]
    link = links.create_link(world.enrolment, label="order", utm=dict.fromkeys(names, "x"), at=at)
    template = {"zz": "1", "utm_medium": "affiliate", "a": "2", "utm_source": "{affiliate}"}
    change_tracking(world.program, utm_template=template, by=None, at=at)

    assert list(Link.objects.get(pk=link.pk).utm) == names
    assert list(tracking_of(world.program).utm_template.items()) == list(template.items())
    turned = dict(reversed(template.items()))
    change_tracking(world.program, utm_template=turned, by=None, at=at)
    links.change_link(link, utm=dict.fromkeys(reversed(names), "x"), at=at)
    assert list(tracking_of(world.program).utm_template.items()) == list(turned.items())
    assert list(Link.objects.get(pk=link.pk).utm) == names[::-1]


@pytest.mark.django_db
def test_a_row_from_before_is_read_as_it_was(at):
    world = make_world(at)
    with connection.cursor() as cursor:
        cursor.execute("""UPDATE tracking_link SET utm = '{"utm_source": "x"}' WHERE id = %s""", [world.link.pk])

    assert Link.objects.get(pk=world.link.pk).utm == {"utm_source": "x"}

"""What a visitor agreed to, from parameters and headers (feature C15)."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracking.consent import DENIED, GRANTED, NOT_NEEDED, UNKNOWN, Consent, device_storage_allowed, read_consent

STATES = {GRANTED, DENIED, UNKNOWN, NOT_NEEDED}


def tcf_string(*, purpose_one: bool, version: int = 2) -> str:
    """A TCF core string with nothing in it but its version and the first purpose."""
    bits = version << (240 - 6) | int(purpose_one) << (240 - 153)
    return base64.urlsafe_b64encode(bits.to_bytes(30)).decode().rstrip("=")


YES, NO = tcf_string(purpose_one=True), tcf_string(purpose_one=False)


@pytest.mark.parametrize(
    ("query", "gpc", "required", "not_required"),
    [
        ("", None, UNKNOWN, NOT_NEEDED),
        ("sub1=consumer", None, UNKNOWN, NOT_NEEDED),
        ("cons=1", None, GRANTED, GRANTED),
        ("cons=0", None, DENIED, DENIED),
        ("gdpr=0", None, NOT_NEEDED, NOT_NEEDED),
        ("gdpr=1", None, UNKNOWN, UNKNOWN),
        (f"gdpr=1&gdpr_consent={YES}", None, GRANTED, GRANTED),
        (f"gdpr=1&gdpr_consent={NO}", None, DENIED, DENIED),
        (f"gdpr_consent={YES}.more.parts", None, GRANTED, GRANTED),
        ("gdpr=1&gdpr_consent=${GDPR_CONSENT_123}", None, UNKNOWN, UNKNOWN),
        (f"cons=1&gdpr=1&gdpr_consent={NO}", None, DENIED, DENIED),
        (f"cons=0&gdpr=1&gdpr_consent={YES}", None, DENIED, DENIED),
        ("cons=1&gdpr=1", None, UNKNOWN, UNKNOWN),
        ("cons=1", "1", DENIED, DENIED),
        ("cons=1&gpc=1", None, DENIED, DENIED),
        ("cons=1", "0", GRANTED, GRANTED),
    ],
)
def test_the_strictest_of_what_was_said_decides(query, gpc, required, not_required):
    assert read_consent(query, gpc, is_required=True).state == required
    assert read_consent(query, gpc, is_required=False).state == not_required


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("cons=perhaps", "cons:unreadable"),
        ("cons=%FF", "cons:unreadable"),
        ("gdpr=1&gdpr_consent=not*base64", "gdpr_consent:unreadable"),
        (f"gdpr=1&gdpr_consent={tcf_string(purpose_one=True, version=1)}", "gdpr_consent:unreadable"),
        ("gdpr=1&gdpr_consent=C", "gdpr_consent:unreadable"),
    ],
)
def test_what_cannot_be_understood_grants_nothing_and_is_named(query, problem):
    assert read_consent(query, None, is_required=False) == Consent(UNKNOWN, problem)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        # From the IAB's own examples: no purpose at all, and all ten.
        ("CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA", False),
        ("COtybn4PA_zT4KjACBENAPCIAEBAAECAAIAAAAAAAAAA", False),
        (YES, True),
    ],
)
def test_the_first_purpose_is_read_where_the_format_has_it(text, allowed):
    assert device_storage_allowed(text) is allowed


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=3)), st.booleans())
def test_no_query_breaks_the_reading(query, gpc, is_required):
    assert read_consent(query, gpc, is_required=is_required).state in STATES


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.sampled_from(["cons", "gdpr_consent"]))
def test_no_value_grants_by_accident(value, name):
    consent = read_consent(f"{name}={quote(value)}", None, is_required=True)

    if consent.state == GRANTED and name == "cons":
        assert value.strip().lower() in {"1", "true", "yes", "y", "granted"}
    elif consent.state == GRANTED:
        assert device_storage_allowed(value.strip())


@given(st.binary(min_size=22, max_size=80))
def test_every_string_of_version_two_is_read(content):
    content = bytes([2 << 2 | content[0] & 3]) + content[1:]
    text = base64.urlsafe_b64encode(content).decode().rstrip("=")

    assert device_storage_allowed(text) is bool(content[19] >> 7)

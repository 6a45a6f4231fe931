"""What the door reads from its environment."""

from pathlib import Path

import pytest

from portal.click.settings import DoorSettings, SettingError
from portal.click.visitors import forwarded_address


def test_the_door_works_with_nothing_set():
    settings = DoorSettings.from_environ({})

    assert settings.spool_dir == Path("var/spool")
    assert (settings.is_secure, settings.allow_local, settings.trusted_proxy_count) == (False, True, 0)


def test_production_over_https_tightens_the_door(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql:///kept\n")
    environ = {"PRODUCTION": "true", "CLICK_BASE_URL": "https://go.example", "DATABASE_URL_FILE": str(secret)}

    settings = DoorSettings.from_environ(environ)

    assert (settings.is_secure, settings.allow_local) == (True, False)
    assert settings.database_url == "postgresql:///kept"


@pytest.mark.parametrize(
    "environ", [{"TRUSTED_PROXY_COUNT": "-1"}, {"CLICK_FLOOD_LIMIT": "many"}, {"PRODUCTION": "perhaps"}]
)
def test_nonsense_is_refused_with_the_variables_name(environ):
    (name,) = environ

    with pytest.raises(SettingError, match=name):
        DoorSettings.from_environ(environ)


@pytest.mark.parametrize(
    ("hops", "proxies", "address"),
    [
        ([], 1, "10.0.0.1"),
        (["203.0.113.5"], 1, "203.0.113.5"),
        (["198.51.100.1, 203.0.113.5"], 1, "203.0.113.5"),
        (["198.51.100.1, 203.0.113.5", "10.0.0.2"], 2, "203.0.113.5"),
        (["203.0.113.5"], 2, "203.0.113.5"),
    ],
)
def test_only_what_our_own_proxies_wrote_is_believed(hops, proxies, address):
    headers = [("x-forwarded-for", hop) for hop in hops]

    assert forwarded_address("10.0.0.1:5000", headers, proxies) == address

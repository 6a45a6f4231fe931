"""What the click door reads from its environment; nothing else in `portal` reads it.

The names are those of config/settings.py, so that one environment serves all processes.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tracking.spool import DEFAULT_MOST_BYTES

DEFAULT_DATABASE_URL = "postgresql://affiliate@/affiliate?host=/tmp"
_YES = frozenset({"1", "true", "yes", "on"})
_NO = frozenset({"0", "false", "no", "off"})


class SettingError(RuntimeError):
    """A setting cannot be understood; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """Everything the door can be told."""

    database_url: str
    spool_dir: Path
    home_url: str
    network_name: str
    is_secure: bool
    allow_local: bool
    trusted_proxy_count: int
    spool_most_bytes: int
    flood_limit: int
    sweep_seconds: int
    snapshot_seconds: int
    patience_seconds: int
    geoip: Path | None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "DoorSettings":
        """The settings of this process. Raises SettingError naming the variable that is nonsense."""
        home_url = _text(environ, "BASE_URL", "http://127.0.0.1:8000").rstrip("/")
        door_url = _text(environ, "CLICK_BASE_URL", "http://127.0.0.1:8001")
        var_dir = Path(_text(environ, "VAR_DIR", "var"))
        return cls(
            database_url=_text(environ, "DATABASE_URL", DEFAULT_DATABASE_URL),
            spool_dir=Path(_text(environ, "CLICK_SPOOL_DIR", str(var_dir / "spool"))),
            home_url=home_url,
            network_name=_text(environ, "NETWORK_NAME", "Meridian"),
            is_secure=urlsplit(door_url).scheme == "https",
            # As in config/settings.py: a workbench's shops live on this machine.
            allow_local=not _yes(environ, "PRODUCTION"),
            trusted_proxy_count=_whole(environ, "TRUSTED_PROXY_COUNT", 0),
            spool_most_bytes=_whole(environ, "CLICK_SPOOL_MOST_BYTES", DEFAULT_MOST_BYTES),
            flood_limit=_whole(environ, "CLICK_FLOOD_LIMIT", 60),
            sweep_seconds=_whole(environ, "CLICK_SWEEP_SECONDS", 30),
            snapshot_seconds=_whole(environ, "CLICK_SNAPSHOT_SECONDS", 300),
            patience_seconds=_whole(environ, "CLICK_PATIENCE_SECONDS", 5),
            geoip=Path(geoip) if (geoip := _text(environ, "GEOIP_PATH", "")) else None,
        )


def _text(environ: Mapping[str, str], name: str, default: str) -> str:
    """The text of a variable, or of the file that <name>_FILE points at."""
    if file := environ.get(f"{name}_FILE"):
        return Path(file).read_text(encoding="utf-8").strip()
    return environ.get(name) or default


def _yes(environ: Mapping[str, str], name: str) -> bool:
    """A yes or no, no when unset."""
    text = _text(environ, name, "no").strip().lower()
    if text not in _YES | _NO:
        raise SettingError(f"{name} is {text!r}. Use true or false.")
    return text in _YES


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    """A whole number, not negative."""
    text = _text(environ, name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise SettingError(f"{name} is {text!r}. Use a whole number.")
    return int(text)

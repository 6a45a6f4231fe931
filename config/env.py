"""Typed access to environment variables: the only module that reads them for Django.

Every variable X may also be given as X_FILE, the path of a file that holds the value
(for secrets mounted by an orchestrator). Nonsense is refused loudly, at start.
"""

import os
from pathlib import Path


class SettingError(RuntimeError):
    """A setting is missing or cannot be understood; the message says what to do."""


def env_str(name: str, default: str | None = None) -> str:
    """The text of `name`; `default` when unset; SettingError when neither is there, or blank where it must be said."""
    if f"{name}_FILE" in os.environ:
        value: str | None = Path(os.environ[f"{name}_FILE"]).read_text(encoding="utf-8").strip()
    else:
        value = os.environ.get(name, default)
    if value is None or (default is None and not value.strip()):
        raise SettingError(f"{name} is not set. Set {name} or {name}_FILE.")
    return value


def env_bool(name: str, *, default: bool) -> bool:
    """A yes or no: 1/true/yes/on and 0/false/no/off in any case."""
    text = env_str(name, "").strip().lower()
    if not text:
        return default
    if text in {"1", "true", "yes", "on"}:
        return True
    if text in {"0", "false", "no", "off"}:
        return False
    raise SettingError(f"{name} is {text!r}. Use true or false.")


def env_int(name: str, default: int) -> int:
    """A whole number."""
    text = env_str(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise SettingError(f"{name} is {text!r}. Use a whole number.") from None


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated texts, blanks dropped."""
    return [item.strip() for item in env_str(name, default).split(",") if item.strip()]


def env_path(name: str) -> Path | None:
    """The path of a file, or None when nothing is said."""
    text = env_str(name, "").strip()
    return Path(text) if text else None

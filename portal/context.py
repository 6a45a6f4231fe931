"""What every page's shell needs: language, theme, name, and the places this person may go."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import get_language, get_language_bidi

from affiliates.queries import workspaces_of
from portal.formats import language_tag

THEMES = frozenset({"light", "dark"})

#: Each language in its own name, for the chooser.
OWN_LANGUAGES = (("en", "English"), ("zh-hans", "简体中文"), ("zh-hant", "繁體中文"))


class NavItem(NamedTuple):
    """One place of a workspace: what `nav` in the app layout is a list of."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool = False
    badge: int = 0


def _workspaces(request: HttpRequest) -> list[Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return []
    return list(workspaces_of(user))


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context processor of every page. Asks the database only when a page shows the switcher."""
    theme = request.COOKIES.get("theme", "")
    offered = {code for code, _name in settings.LANGUAGES}
    return {
        "network_name": settings.NETWORK_NAME,
        "language_tag": language_tag(get_language() or settings.LANGUAGE_CODE),
        "text_direction": "rtl" if get_language_bidi() else "ltr",
        "theme": theme if theme in THEMES else "",
        "shortcuts_off": request.COOKIES.get("shortcuts") == "off",
        "own_languages": [pair for pair in OWN_LANGUAGES if pair[0] in offered],
        "workspaces": SimpleLazyObject(lambda: _workspaces(request)),
    }

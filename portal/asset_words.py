"""Words that both sides of creatives and deals read."""

from django.utils.functional import Promise
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

#: The kinds of creatives.
KINDS: dict[str, Promise] = {"image": _("Banner"), "text": _("Text link"), "html": _("HTML")}
_KINDS_OF_MANY: dict[str, Promise] = {"image": _("Banners"), "text": _("Text links"), "html": _("HTML")}

#: Languages that creatives are written in, by tag.
LANGUAGES = (
    "en", "de", "es", "fr", "it", "nl", "pl", "pt", "pt-br", "cs", "da", "fi", "sv", "nb", "el", "tr", "uk", "ar", "he",
    "ja", "ko", "zh-hans", "zh-hant", "vi", "id", "th",
)  # fmt: skip


def kind_choices() -> list[tuple[str, str | Promise]]:
    """The filter by kind."""
    return [("", _("All")), *_KINDS_OF_MANY.items()]


def language_word(tag: str) -> str:
    """A language's own name."""
    try:
        return str(get_language_info(tag)["name_local"])
    except KeyError:
        return tag


def language_choices() -> list[tuple[str, str]]:
    """Languages to choose from, by their own names."""
    return sorted(((tag, language_word(tag)) for tag in LANGUAGES), key=lambda one: one[1].casefold())

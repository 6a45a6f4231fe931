"""What happened to a member, in words."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_EVENTS: dict[str, str | Promise] = {
    "affiliate.signed_up": _("Signed up"),
    "affiliate.profile_changed": _("Profile changed"),
    "affiliate.frozen": _("Frozen"),
    "affiliate.unfrozen": _("Unfrozen"),
    "affiliate.closed": _("Closed"),
    "affiliate.restored": _("Restored"),
}


def event_words(name: str) -> str | Promise:
    """What an event says."""
    return _EVENTS.get(name, name)

"""Refusals about links in words: at which field, and what to do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from ledger.errors import Refusal
from portal.errors import sentence_of
from tracking.destinations import DestinationRefused
from tracking.errors import CodeTaken
from tracking.utm import UtmRefused

if TYPE_CHECKING:
    from affiliates.models import Enrolment


def refusal_words(refusal: Refusal, places: "Sequence[Enrolment]") -> tuple[str, str]:
    """The form's field a refusal belongs to (empty: the whole form), and the sentence."""
    if isinstance(refusal, DestinationRefused):
        return "destination", _destination_sentence(refusal, places)
    if isinstance(refusal, CodeTaken) and refusal.field == "label":
        return "label", _(
            "You have a link to this page under this label. Give it another label, or leave the code empty."
        )
    if isinstance(refusal, UtmRefused):
        return (refusal.field or "").rpartition(".")[2], refusal.message
    return refusal.field or "", sentence_of(refusal)


def _destination_sentence(refusal: DestinationRefused, places: "Sequence[Enrolment]") -> str:
    if refusal.code == "destination_host_not_allowed":
        return " ".join(
            _("%(merchant)s pays only for pages on %(hosts)s.") % {
                "merchant": place.program.merchant.name, "hosts": _(" and ").join(place.program.allowed_hosts),
            }
            for place in places
        ) + " " + _("Paste a page from one of these sites.")  # fmt: skip
    if refusal.code == "deep_links_off":
        return sentence_of(refusal)
    return {
        "destination_not_https": _("The address must begin with https://. Paste the page's secure address."),
        "destination_has_userinfo": _("The address carries a user name before the @. Paste it without."),
        "destination_too_long": _("The address is too long for a link. Paste it without its tracking parameters."),
    }.get(refusal.code, _("This is no address of a page. Copy it from the browser's address bar."))

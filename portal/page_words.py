"""What is wrong with a page that links lead to, in words."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy

from tracking import outside

if TYPE_CHECKING:
    from tracking.models import LinkTarget

_TARGET_REASONS = {
    outside.NOT_FOUND: gettext_lazy("The page is gone (%(status)s)."),
    outside.SERVER_ERROR: gettext_lazy("The shop answers with an error (%(status)s)."),
    outside.NO_SUCH_HOST: gettext_lazy("There is no such site any more."),
    outside.NO_ANSWER: gettext_lazy("The shop does not answer."),
    outside.BAD_CERTIFICATE: gettext_lazy("The site's certificate is not valid, so browsers warn your visitors."),
    outside.PRIVATE_ADDRESS: gettext_lazy("The site lies in a private network that visitors cannot reach."),
    outside.ROUND_AND_ROUND: gettext_lazy("The page leads in circles."),
    outside.UNREADABLE: gettext_lazy("The page leads to an address that no browser opens."),
}


def target_words(target: "LinkTarget | None") -> str:
    """What is wrong with a link's page; empty when it is there or was never looked at."""
    if target is None or not target.reason:
        return ""
    words = _TARGET_REASONS.get(target.reason, _TARGET_REASONS[outside.NO_ANSWER])
    return str(words) % {"status": target.status_code}


def reason_words(reason: str, status: int) -> str:
    """What is wrong with a page, from the code and the HTTP status."""
    return str(_TARGET_REASONS.get(reason, _TARGET_REASONS[outside.NO_ANSWER])) % {"status": status}

"""The page that a refusal's `type` leads to: every reason code in words."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from portal.reasons import GROUPS


@require_safe
def reasons(request: HttpRequest) -> HttpResponse:
    """Every code, for whoever met one."""
    return render(request, "portal/merchant/reasons.html", {"page_title": _("Reason codes"), "groups": GROUPS})

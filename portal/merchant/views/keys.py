"""Keys: with which the shop's servers call the API. The secret is shown once."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from affiliates import keys as key_verbs
from affiliates.access import open_key_in
from affiliates.queries import keys_of
from affiliates.signatures import signing_secret_of
from portal.merchant.forms import KeyForm
from portal.merchant.pages import here, show
from portal.requests import MerchantRequest


@require_safe
def keys(request: MerchantRequest) -> HttpResponse:
    """All keys, the ended ones too."""
    return _show(request, KeyForm())


@require_POST
def issue(request: MerchantRequest) -> HttpResponse:
    """Make a key and show its secret, this once. Not redirected: the secret is stored nowhere."""
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=400)
    said = form.cleaned_data
    key, secret = key_verbs.issue_key(
        said["kind"], name=said["name"], merchant=request.merchant, by=request.user, at=timezone.now()
    )
    response = show(
        request, "key.html", {"key": key, "secret": secret, "signing_secret": signing_secret_of(key)},
        place="keys", title=_("Copy the key now"), crumbs=[(_("Keys"), here(request, "keys"))],
    )  # fmt: skip
    response["Cache-Control"] = "no-store"
    return response


@require_POST
def revoke(request: MerchantRequest, key_id: str) -> HttpResponse:
    """End a key at once."""
    key = open_key_in(request.merchant, key_id)
    key_verbs.revoke_key(key, by=request.user, at=timezone.now())
    messages.success(
        request, _("The key %(name)s is revoked. What uses it is refused from now on.") % {"name": key.name}
    )
    return redirect("merchant:keys", request.merchant.slug)


def _show(request: MerchantRequest, form: KeyForm, *, status: int = 200) -> HttpResponse:
    rows = [(key, "revoked" if key.revoked_at else "active") for key in keys_of(merchant=request.merchant)]
    context = {"rows": rows, "form": form}
    return show(request, "keys.html", context, place="keys", title=_("Keys"), status=status)

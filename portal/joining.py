"""From a public page to a working link: one address, one code (bar A1).

The program is remembered in the session while the person proves the address; `/enter/`, where
every sign-in ends, finishes the joining.
"""

from allauth.account.forms import SignupForm
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.internal.flows.signup import complete_signup
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from affiliates import access, enrolments, members, queries
from ledger.errors import Refusal
from payouts.queries.public import program_facts
from portal.errors import sentence_of
from tracking import links

#: The session's key for the program a person is about to join.
JOINING = "joining"


class JoinForm(forms.Form):
    """The one field."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )


@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the address and send the code; somebody who is signed in joins at once."""
    program = access.open_public_program(slug)
    if request.method == "POST" and request.user.is_authenticated:
        request.session[JOINING] = program.slug
        return redirect("enter")
    form = JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        request.session[JOINING] = program.slug
        return _prove_address(request, form.cleaned_data["email"].strip().lower())
    facts = program_facts(program, at=timezone.now())
    return render(
        request,
        "portal/join.html",
        {"form": form, "facts": facts, "program": program},
        status=400 if form.errors else 200,
    )


def finish_joining(request: HttpRequest) -> bool:
    """Give the signed-in person a place and a first link in the program it came for; whether there was one."""
    slug = request.session.pop(JOINING, "")
    if not slug:
        return False
    at = timezone.now()
    try:
        program = access.open_public_program(slug)
        affiliate = members.sign_up_affiliate(request.user, at=at)  # type: ignore[arg-type]
        enrolment = enrolments.join_program(affiliate, program, at=at)
        if enrolment.status == "approved":
            links.create_link(enrolment, at=at)
            messages.success(request, _("You are in. Your link to %(program)s is ready.") % {"program": program.name})
        else:
            messages.info(
                request,
                _("%(merchant)s looks at your application. We write to you.") % {"merchant": program.merchant.name},
            )
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    return True


def _prove_address(request: HttpRequest, email: str) -> HttpResponse:
    """Send a code: to sign in where the address is known, to sign up where it is not. Both look the same."""
    known = queries.user_by_email(email)
    try:
        if known is not None:
            LoginCodeVerificationProcess.initiate(request=request, user=known, email=email)
            return redirect("account_confirm_login_code")
        form = SignupForm({"email": email})
        if not form.is_valid():
            return redirect("account_signup")
        user, response = form.try_save(request)
        return response or complete_signup(request, user=user, redirect_url="/enter/")
    except ImmediateHttpResponse as immediate:
        return immediate.response

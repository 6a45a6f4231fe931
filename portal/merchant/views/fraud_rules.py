"""What is looked for in each program: on, threshold, action; and what that would have hit, before it is saved."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from affiliates.access import may, open_program_of
from affiliates.queries import programs_of
from ledger.errors import Refusal
from payouts.fraud.policies import policy_of, rules_of, set_policy, try_policy
from portal.errors import sentence_of
from portal.fraud import action_words
from portal.fraud_words import rule_words
from portal.merchant.fraud_forms import FraudRulesForm
from portal.merchant.pages import here, show
from portal.requests import MerchantRequest

#: Seconds that a trial may take before it says over how many days it is.
_TRIAL_SECONDS = 5.0


@require_safe
def overview(request: MerchantRequest) -> HttpResponse:
    """The programs and what is looked for in each."""
    rows = []
    for program in programs_of(request.merchant):
        rules = rules_of(program)
        rows.append(
            {
                "program": program,
                "on": sum(one.is_on for one in rules.values()),
                "of": len(rules),
                "holds": [rule for rule, one in rules.items() if one.is_on and one.action == "hold"],
                "policy": policy_of(program),
                "url": here(request, "fraud-program", program.slug),
            }
        )
    return show(
        request, "fraud_rules.html", {"rows": rows}, place="fraud", title=_("What is looked for"),
        lead=_("Each program has its own thresholds. Try a threshold on your own last ninety days before you save it."),
        crumbs=[(_("Fraud"), here(request, "fraud"))],
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def program(request: MerchantRequest, program_slug: str) -> HttpResponse:
    """One program's rules: try them on the last ninety days, then save them."""
    found = open_program_of(request.merchant, program_slug)
    at = timezone.now()
    rules, policy = rules_of(found), policy_of(found)
    data = request.POST if request.method == "POST" else None
    form = FraudRulesForm(data, rules=rules, answer_days=policy.answer_days)
    may_change = may(request.roles, "merchant.fraud")
    context: dict[str, Any] = {
        "form": form,
        "program": found,
        "policy": policy,
        "may_change": may_change,
        "rows": [
            {"rule": rule, "words": words, "on": on, "threshold": threshold, "action": action}
            for rule, words, on, threshold, action in form.rows()
        ],
        "list_url": here(request, "fraud", program=found.slug),
    }
    if data is not None and form.is_valid():
        try:
            if "try" in data:
                _try(request, found, form, context, at=at)
            else:
                set_policy(found, form.rules(), answer_days=form.cleaned_data["answer_days"], by=request.user, at=at)
                messages.success(request, _("Saved. The next look, in the night, goes by it."))
                return redirect("merchant:fraud-program", request.merchant.slug, found.slug)
        except Refusal as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
    status = 200 if data is None or "trial" in context else 400
    return show(
        request, "fraud_program.html", context, place="fraud", status=status,
        title=_("What is looked for in %(program)s") % {"program": found.name},
        lead=_("A threshold says from where a rule begins to test. A finding needs more: it must be too unlikely to be luck."),
        crumbs=[(_("Fraud"), here(request, "fraud")), (_("What is looked for"), here(request, "fraud-rules"))],
    )  # fmt: skip


def _try(request: MerchantRequest, found: Any, form: FraudRulesForm, context: dict[str, Any], *, at: Any) -> None:
    """Put beside each rule what it would have hit."""
    trial = try_policy(found, form.rules(), at=at, seconds=_TRIAL_SECONDS)
    context["trial"] = trial
    for row in context["rows"]:
        row["hit"] = trial.hits.get(row["rule"])
    context["hits"] = [
        {
            "hit": hit,
            "title": rule_words(rule).title,
            "action": action_words(form.cleaned_data[f"{rule}_action"]),
            "url": here(request, "fraud", rule=rule, program=found.slug),
        }
        for rule, hit in trial.hits.items()
    ]

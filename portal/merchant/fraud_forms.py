"""The form of a program's rules: seventeen rows of on, threshold and action, and the promised days."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payouts.fraud.policies import MOST_ANSWER_DAYS
from portal.fraud_words import ACTIONS, RuleWords, rule_words
from tracking.fraud.policies import DEFAULTS, RULES, RulePolicy


class FraudRulesForm(forms.Form):
    """What is looked for in one program, how far it may go, and what a finding does."""

    answer_days = forms.IntegerField(
        label=gettext_lazy("A hold is answered within (days)"),
        min_value=1,
        max_value=MOST_ANSWER_DAYS,
        help_text=gettext_lazy("The partner reads the date. When it has passed, the commissions are let go by themselves."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, rules: Mapping[str, RulePolicy], answer_days: int) -> None:
        super().__init__(data, initial={"answer_days": answer_days})
        for rule in RULES:
            policy, usual, words = rules[rule], DEFAULTS[rule], rule_words(rule)
            self.fields[f"{rule}_on"] = forms.BooleanField(
                label=_("%(rule)s looks") % {"rule": rule}, required=False, initial=policy.is_on
            )
            self.fields[f"{rule}_threshold"] = forms.FloatField(
                label=_("Threshold: %(unit)s") % {"unit": words.unit},
                min_value=usual.least,
                max_value=usual.most,
                initial=_plain(policy.threshold),
                widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
                help_text=_("%(least)s to %(most)s, usually %(usual)s")
                % {"least": _plain(usual.least), "most": _plain(usual.most), "usual": _plain(usual.threshold)},
            )
            self.fields[f"{rule}_action"] = forms.ChoiceField(
                label=_("Then"), choices=list(ACTIONS.items()), initial=policy.action
            )

    def rows(self) -> Iterator[tuple[str, RuleWords, BoundField, BoundField, BoundField]]:
        """Each rule with its words and its three fields."""
        for rule in RULES:
            yield rule, rule_words(rule), self[f"{rule}_on"], self[f"{rule}_threshold"], self[f"{rule}_action"]

    def rules(self) -> dict[str, dict[str, Any]]:
        """What was said, as `payouts.fraud.policies.set_policy` wants it."""
        said = self.cleaned_data
        return {
            rule: {
                "on": said[f"{rule}_on"],
                "threshold": said[f"{rule}_threshold"],
                "action": said[f"{rule}_action"],
            }
            for rule in RULES
        }


def _plain(value: float) -> float | int:
    return int(value) if value == int(value) else value

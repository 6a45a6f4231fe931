"""Routing rules as a person writes them: one form a rule, blank ones below."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tracking.routing import DEVICES, MOST_RULES, RoutingRefused

type Data = Mapping[str, Any] | None

_BLANKS = 2
_MOMENT = "%Y-%m-%dT%H:%M"
_DEVICE_WORDS = {
    "desktop": _("Computer"),
    "mobile": pgettext_lazy("device", "Phone"),
    "tablet": _("Tablet"),
    "other": _("Anything else"),
}
#: Where in the form a refusal's path belongs.
_FIELDS = {
    "url": "url",
    "do": "do",
    "country": "countries",
    "device": "devices",
    "from": "starts",
    "until": "ends",
    "share": "share",
    "referrer": "referrers",
}


class RuleForm(forms.Form):
    """One rule; one that does nothing is left out."""

    do = forms.ChoiceField(
        label=_("Then"), required=False,
        choices=[("", _("– no rule –")), ("redirect", _("lead to another page")), ("block", _("do not count the click"))],
    )  # fmt: skip
    url = forms.CharField(
        label=_("Page"), required=False, max_length=2000,
        widget=forms.URLInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "placeholder": "https://"}),
    )  # fmt: skip
    countries = forms.CharField(
        label=_("Countries"), required=False, max_length=1200, help_text=_("Two letters each, such as DE, AT."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    devices = forms.MultipleChoiceField(
        label=_("Devices"), required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(name, _DEVICE_WORDS[name]) for name in DEVICES],
    )  # fmt: skip
    starts = forms.DateTimeField(
        label=_("From"), required=False, input_formats=[_MOMENT, f"{_MOMENT}:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
    )  # fmt: skip
    ends = forms.DateTimeField(
        label=_("Until"), required=False, input_formats=[_MOMENT, f"{_MOMENT}:%S", "%Y-%m-%d %H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=_MOMENT),
    )  # fmt: skip
    share = forms.IntegerField(label=_("Share of visitors"), required=False, min_value=1, max_value=100)
    referrers = forms.CharField(
        label=_("Coming from sites"), required=False, max_length=2000, help_text=_("Such as coupons.example."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip
    place = forms.IntegerField(label=_("Position"), required=False, min_value=1, max_value=MOST_RULES)

    @property
    def is_blank(self) -> bool:
        """Whether nothing is asked for yet."""
        return not self.initial.get("do") and not self.errors and not (self.is_bound and self.cleaned_data.get("do"))

    def as_rule(self) -> dict[str, Any] | None:
        """The rule as it is stored; None when there is none."""
        said = self.cleaned_data
        if not said.get("do"):
            return None
        when: dict[str, Any] = {}
        for key, name in (("country", "countries"), ("referrer", "referrers")):
            texts = [text for text in said.get(name, "").replace(";", ",").replace(",", " ").split() if text]
            if texts:
                when[key] = texts
        if said.get("devices"):
            when["device"] = said["devices"]
        for key, name in (("from", "starts"), ("until", "ends")):
            if said.get(name) is not None:
                when[key] = said[name].isoformat()
        if said.get("share"):
            when["share"] = said["share"]
        rule: dict[str, Any] = {"when": when, "do": said["do"]}
        if said["do"] == "redirect":
            text = said.get("url", "").strip()
            rule["url"] = text if "://" in text or not text else f"https://{text}"
        return rule


def rule_forms(data: Data, rules: Sequence[Mapping[str, Any]]) -> list[RuleForm]:
    """A form for each rule there is, and blank ones below."""
    count = min(MOST_RULES, len(rules) + _BLANKS)
    if data is not None:
        try:
            count = min(MOST_RULES, max(1, int(data.get("rows", count))))
        except (TypeError, ValueError):
            count = min(MOST_RULES, count)
    return [
        RuleForm(
            data,
            prefix=f"rule{number}",
            initial=_initial(rules[number], number) if number < len(rules) else {},
            use_required_attribute=False,
        )
        for number in range(count)
    ]


def rules_of(found: Sequence[RuleForm]) -> list[dict[str, Any]] | None:
    """The rules in the order of their positions; None when a form has an error."""
    answers = [form.is_valid() for form in found]
    if not all(answers):
        return None
    return [rule for _form, rule in _kept(found)]


def refuse_at(found: Sequence[RuleForm], refusal: RoutingRefused) -> None:
    """Says what is wrong at the field of the rule it is about."""
    _field, _dot, path = (refusal.field or "").partition(".")
    number, _dot, rest = path.partition(".")
    kept = _kept(found)
    if not number.isdigit() or int(number) >= len(kept):
        found[0].add_error(None, refusal.message)
        return
    form = kept[int(number)][0]
    form.add_error(_FIELDS.get(rest.rpartition(".")[2]), _sentence(refusal))


def _sentence(refusal: RoutingRefused) -> str:
    if refusal.code == "routing_url":
        return _now("This page cannot be led to: %(why)s") % {"why": refusal.message}
    return refusal.message


def _kept(found: Sequence[RuleForm]) -> list[tuple[RuleForm, dict[str, Any]]]:
    """Forms with a rule, by their position; a position that was typed goes before the one that was there."""
    pairs = []
    for number, form in enumerate(found):
        rule = form.as_rule()
        if rule is not None:
            place = form.cleaned_data.get("place") or number + 1
            moved = "place" in form.changed_data
            pairs.append(((place, not moved, number), form, rule))
    return [(form, rule) for _key, form, rule in sorted(pairs, key=lambda pair: pair[0])]


def _initial(rule: Mapping[str, Any], number: int) -> dict[str, Any]:
    when = rule.get("when", {})
    return {
        "do": rule.get("do", ""),
        "url": rule.get("url", ""),
        "countries": ", ".join(when.get("country", [])),
        "devices": when.get("device", []),
        "starts": _local(when.get("from")),
        "ends": _local(when.get("until")),
        "share": when.get("share"),
        "referrers": ", ".join(when.get("referrer", [])),
        "place": number + 1,
    }


def _local(text: str | None) -> datetime | None:
    moment = parse_datetime(text) if text else None
    return timezone.localtime(moment).replace(tzinfo=None) if moment else None

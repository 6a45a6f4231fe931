"""A new version of a program's rules, as a merchant writes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.errors import Refusal
from ledger.money import Money
from payouts.queries.rule_history import LineFacts
from payouts.rules.versions import LineDraft
from portal.explain import event_words

type Data = Mapping[str, Any] | None

#: A version has at most this many lines here.
MOST_LINES = 10

_BLANKS = 2
_EVENTS = ("sale", "lead", "signup", "trial")
_HUNDRED = Decimal(100)
_SIX_PLACES = -6


class LineForm(forms.Form):
    """One line; a line without a value is left out."""

    event = forms.ChoiceField(label=_("For each"))
    kind = forms.ChoiceField(
        label=_("Pay"),
        choices=[("percent", _("percent of the order")), ("flat", _("a fixed amount"))],
    )  # fmt: skip
    value = forms.CharField(
        label=_("Value"), required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )  # fmt: skip
    name = forms.CharField(label=_("Name"), required=False, max_length=120)

    def __init__(self, data: Data = None, *, currency: str, events: Sequence[str], **options: Any) -> None:
        super().__init__(data, **options)
        self.currency = currency
        field = self.fields["event"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(event, event_words(event)) for event in events]

    def clean(self) -> dict[str, Any]:
        """The line as a draft, or none."""
        said: dict[str, Any] = super().clean() or {}
        text = str(said.get("value", "")).strip().rstrip("%").strip()
        said["draft"] = None
        if not text:
            return said
        event = said.get("event") or "sale"
        name = said.get("name") or str(_("Every %(event)s")) % {"event": event_words(event)}
        if said.get("kind") == "flat":
            try:
                flat = Money.parse(text, self.currency)
            except Refusal:
                self.add_error(
                    "value", _("Value: write an amount in %(currency)s, such as 5.00.") % {"currency": self.currency}
                )
                return said
            said["draft"] = LineDraft(name, "flat", event=event, flat=flat)
            return said
        rate = _rate(text)
        if rate is None:
            self.add_error(
                "value", _("Value: write a percentage from 0 to 100 with at most four decimals, such as 12.5.")
            )
            return said
        said["draft"] = LineDraft(name, "percent", event=event, rate=rate)
        return said


class VersionForm(forms.Form):
    """When the version starts, and why it was made."""

    starts_at = forms.DateTimeField(
        label=_("Starts"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
    )  # fmt: skip
    note = forms.CharField(
        label=_("Note"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Partners read it beside the version."),
    )  # fmt: skip

    def __init__(self, data: Data = None, *, zone: str) -> None:
        super().__init__(data)
        self.zone = zone
        self.fields["starts_at"].help_text = _(
            "In %(zone)s. Leave it empty to start at once. It cannot lie in the past."
        ) % {"zone": zone}

    def starts(self, now: datetime) -> datetime:
        """The start as an instant; now when none was given."""
        said: datetime | None = self.cleaned_data.get("starts_at")
        return now if said is None else said.replace(tzinfo=ZoneInfo(self.zone))


def line_forms(data: Data, lines: Sequence[LineFacts], *, currency: str) -> list[LineForm]:
    """A form for each line there is, and blank ones below."""
    events = [*_EVENTS, *sorted({line.event for line in lines} - set(_EVENTS))]
    count = min(MOST_LINES, len(lines) + _BLANKS)
    found = []
    for number in range(count):
        initial = _initial(lines[number]) if number < len(lines) else {"event": "sale", "kind": "percent"}
        found.append(
            LineForm(
                data,
                currency=currency,
                events=events,
                initial=initial,
                prefix=f"line{number}",
                use_required_attribute=False,
            )
        )
    return found


def _initial(line: LineFacts) -> dict[str, str]:
    value = line.flat.major if line.flat is not None else f"{(line.rate * _HUNDRED).normalize():f}"
    return {"event": line.event, "kind": line.kind, "value": value, "name": line.name}


def _rate(text: str) -> Decimal | None:
    try:
        percent = Decimal(text)
    except InvalidOperation:
        return None
    if not percent.is_finite() or not 0 <= percent <= _HUNDRED:
        return None
    rate = percent / _HUNDRED
    return rate if rate.normalize().as_tuple().exponent >= _SIX_PLACES else None  # type: ignore[operator]

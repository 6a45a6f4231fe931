"""The question to the inbox."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.inbox.words import DOORS, OFFERED
from portal.reasons import reason_of
from portal.states import state_of
from tracking.queries.inbox import VERDICTS, InboxFilter

type Data = Mapping[str, object] | None

_ALL = ("", _("All"))


class InboxFilterForm(forms.Form):
    """Which requests are listed. Days are those of the reader's time zone, the last one included."""

    q = forms.CharField(label=_("Order, request or field"), required=False, max_length=128, widget=forms.SearchInput)
    verdict = forms.ChoiceField(
        label=_("Verdict"), required=False,
        choices=lambda: [_ALL, *((name, state_of("inbox", name).label) for name in VERDICTS)],
    )  # fmt: skip
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    door = forms.ChoiceField(
        label=_("Door"), required=False, choices=lambda: [_ALL, *((name, DOORS[name]) for name in OFFERED)]
    )
    mode = forms.ChoiceField(label=_("Kind"), required=False, choices=[_ALL, ("live", _("Live")), ("test", _("Test"))])
    merchant = forms.ChoiceField(label=_("Merchant"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Data, *, reasons: Iterable[str], merchants: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(data)
        self._offer("reason", [(code, reason_of(code).title) for code in reasons])
        shops = list(merchants)
        if shops:
            self._offer("merchant", [("-", _("Nobody's")), *shops])
        else:
            del self.fields["merchant"]

    def asked(self) -> InboxFilter:
        """The question; what cannot be read of it is left out."""
        self.is_valid()
        said = self.cleaned_data
        since, until = said.get("since"), said.get("until")
        return InboxFilter(
            verdict=said.get("verdict", ""),
            door=said.get("door", ""),
            reason=said.get("reason", ""),
            mode=said.get("mode", ""),
            text=said.get("q", ""),
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
            merchant_slug=said.get("merchant", ""),
        )

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [_ALL, *choices]


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))

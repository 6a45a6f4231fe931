"""The forms of endpoints."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class EndpointForm(forms.Form):
    """An endpoint of a merchant's or a partner's. Its `url` is checked by the verb that saves it."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Only you see it, such as “Warehouse”."))
    url = forms.CharField(label=_("Address"), max_length=2000, widget=forms.TextInput(attrs={"inputmode": "url"}))
    method = forms.ChoiceField(label=_("Method"), choices=[("GET", "GET"), ("POST", "POST")], required=False)
    program = forms.ChoiceField(label=_("Only about one program"), required=False)
    events = forms.MultipleChoiceField(label=_("Tell me when"), widget=forms.CheckboxSelectMultiple)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: str,
        events: Mapping[str, str | Promise],
        programs: Iterable[tuple[str, str]],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        chosen, program = self.fields["events"], self.fields["program"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        assert isinstance(program, forms.ChoiceField)
        chosen.choices = list(events.items())
        program.choices = [("", _("All programs")), *programs]
        if kind == "postback":
            self.fields["url"].help_text = _(
                "Write macros in braces, such as https://tracker.example/postback?cid={affiliate_click_id}&amp;payout={amount}."
            )
        else:
            del self.fields["method"]
            self.fields["url"].help_text = _("It gets JSON by POST, signed as Standard Webhooks.")


class CallFilter(forms.Form):
    """The question to the list of calls."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), ("waiting", _("waiting")), ("delivered", _("delivered")), ("dead", _("given up"))],
    )
    event = forms.CharField(label=_("Event"), required=False, max_length=40, widget=forms.SearchInput)

"""What people type in the network office."""

from django import forms
from django.utils.translation import gettext_lazy as _

from affiliates.queries import role_choices
from portal.states import STATES


class PartnersFilter(forms.Form):
    """Which partners are listed."""

    q = forms.CharField(label=_("Name or address"), required=False, max_length=120, widget=forms.SearchInput)
    status = forms.ChoiceField(
        label=_("State"), required=False,
        choices=lambda: [("", _("All")), *((name, state.label) for name, state in STATES["affiliate"].items())],
    )  # fmt: skip


class PeopleFilter(forms.Form):
    """Which people are listed."""

    q = forms.CharField(label=_("Name or address"), required=False, max_length=120, widget=forms.SearchInput)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=lambda: [("", _("All")), *role_choices()])


class ReasonForm(forms.Form):
    """Why something is done to a member."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        help_text=_("It stands in the log. The partner does not read it."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )

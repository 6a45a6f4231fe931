"""A list's question in its address: what was not understood, and the chips that say what is asked."""

from collections.abc import Iterable, Mapping

from django.forms import Form
from django.http import HttpRequest

#: Keys that are the list's own and no question.
_OWN = frozenset({"page", "sort", "csrfmiddlewaretoken"})


def ignored_keys(request: HttpRequest, form: Form, *, known: Iterable[str] = ()) -> list[str]:
    """The parts of the address that are ignored: unknown keys and values that the form cannot read."""
    understood = {*form.fields, *known, *_OWN}
    unknown = [key for key in request.GET if key not in understood]
    return unknown + [name for name in form.errors if request.GET.get(name)]


def chips_of(request: HttpRequest, labels: Mapping[str, object]) -> list[tuple[str, str]]:
    """(what is asked, this address without it) for the keys that have a label, for parts/filter_bar.html."""
    chips = []
    for key, label in labels.items():
        if request.GET.get(key):
            query = request.GET.copy()
            query.pop(key)
            query.pop("page", None)
            chips.append((str(label), f"?{query.urlencode()}"))
    return chips

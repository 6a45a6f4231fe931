"""Creatives and deals of a partner's programs, each with the partner's own link inside."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from affiliates.queries import enrolments_of
from ledger.errors import Refusal
from portal.affiliate.pages import PAGE_ROWS, Text, show
from portal.asset_words import KINDS, kind_choices, language_word
from portal.errors import sentence_of
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.requests import PartnerRequest
from tracking.links import create_link
from tracking.queries import assets

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from django.db.models import QuerySet

    from tracking.models import Creative, Deal

#: The columns of the file of deals.
DEAL_COLUMNS = ("id", "program", "title", "terms", "code", "from", "until", "exclusive", "page", "link")


class LibraryForm(forms.Form):
    """The question to the library and to the list of deals."""

    q = forms.CharField(label=gettext_lazy("Words"), required=False, max_length=64, widget=forms.SearchInput)
    kind = forms.ChoiceField(label=gettext_lazy("Kind"), required=False, choices=kind_choices)
    size = forms.ChoiceField(label=gettext_lazy("Size"), required=False)
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    program = forms.ChoiceField(label=gettext_lazy("Program"), required=False)

    def __init__(self, request: PartnerRequest, *, has_kinds: bool) -> None:
        super().__init__(request.GET)
        every = [("", _("All"))]
        places = enrolments_of(request.affiliate).filter(status="approved")
        self._choose("program", [*every, *((place.program.slug, place.program.name) for place in places)])
        if has_kinds:
            at = timezone.now()
            sizes = assets.sizes_for(request.affiliate, at=at)
            self._choose("size", [*every, *((f"{width}x{height}", f"{width} × {height}") for width, height in sizes)])
            tags = assets.languages_for(request.affiliate, at=at)
            self._choose("language", [*every, *((tag, language_word(tag)) for tag in tags)])
        else:
            for name in ("kind", "size", "language"):
                del self.fields[name]
        self.is_valid()

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def said(self) -> dict[str, Any]:
        """What was asked and understood."""
        return {name: value for name, value in self.cleaned_data.items() if value and name != "q"} | {
            "text": self.cleaned_data.get("q", "")
        }


@require_safe
def creatives(request: PartnerRequest) -> HttpResponse:
    """The library: what the partner's programs offer now, with the code of each."""
    form = LibraryForm(request, has_kinds=True)
    found = assets.creatives_for(request.affiliate, **form.said(), at=timezone.now())
    page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    own = assets.own_addresses(request.affiliate, shown)
    rows = [
        (
            one, KINDS[one.kind], _language(one),
            assets.snippet_of(one, own[one.pk]) if one.pk in own else "", _banner(one),
        )
        for one in shown
    ]  # fmt: skip
    return show(
        request, "assets.html", {"rows": rows, "page": page, **_asked(request, form), "tabs": _tabs("assets")},
        place="assets", title=_("Creatives"), lead=_("Banners, text links and HTML with your own link inside."),
    )  # fmt: skip


@require_safe
def creative(request: PartnerRequest, creative_id: str) -> HttpResponse:
    """One creative with the code to paste."""
    found = assets.open_creative_for(request.affiliate, creative_id, at=timezone.now())
    address = assets.own_addresses(request.affiliate, [found]).get(found.pk)
    context = {
        "creative": found,
        "kind": KINDS[found.kind],
        "language": _language(found),
        "address": address,
        "code": assets.snippet_of(found, address) if address else "",
        "banner_url": _banner(found),
        "banner_address": assets.banner_address(found),
        "report_url": reverse(
            "partner:reports", query={"by": "creative", "creative": found.public_id, "period": "30d"}
        ),
    }
    return show(
        request, "asset.html", context, place="assets", title=found.name,
        crumbs=[(_("Creatives"), reverse("partner:assets"))],
    )  # fmt: skip


@require_POST
def creative_link(request: PartnerRequest, creative_id: str) -> HttpResponse:
    """Make the link that a creative needs; asking twice gives the same one."""
    found = assets.open_creative_for(request.affiliate, creative_id, at=timezone.now())
    _make_link(request, found)
    return redirect("partner:asset", found.public_id)


@require_safe
def deals(request: PartnerRequest) -> HttpResponse:
    """What customers get now, with the partner's own link to it."""
    form = LibraryForm(request, has_kinds=False)
    page = Paginator(_deals(request, form), PAGE_ROWS).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    own = assets.own_addresses(request.affiliate, shown)
    context = {
        "rows": [(one, own.get(one.pk)) for one in shown],
        "page": page,
        **_asked(request, form),
        "tabs": _tabs("deals"),
        "export_url": reverse("partner:deals-export", query=request.GET),
    }
    return show(
        request, "deals.html", context, place="assets", title=_("Deals"),
        lead=_("What your programs offer customers now. What has ended leaves the list by itself."),
    )  # fmt: skip


@require_safe
def deals_export(request: PartnerRequest) -> StreamingHttpResponse:
    """The list as CSV."""
    found = list(_deals(request, LibraryForm(request, has_kinds=False)))
    own = assets.own_addresses(request.affiliate, found)

    def rows() -> Iterator[list[object]]:
        for one in found:
            address = own.get(one.pk)
            yield [
                one.public_id, one.program.slug, one.title, one.terms, one.code, one.starts_at.isoformat(),
                one.ends_at.isoformat() if one.ends_at else "", "yes" if one.is_exclusive else "", one.target_url,
                address.link if address else "",
            ]  # fmt: skip

    return csv_response("deals.csv", DEAL_COLUMNS, rows())


@require_POST
def deal_link(request: PartnerRequest, deal_id: str) -> HttpResponse:
    """Make the link that a deal needs; asking twice gives the same one."""
    _make_link(request, assets.open_deal_for(request.affiliate, deal_id, at=timezone.now()))
    return redirect("partner:deals")


def _make_link(request: PartnerRequest, one: "Creative | Deal") -> None:
    try:
        create_link(assets.place_for(request.affiliate, one), destination=one.target_url, at=timezone.now())
    except Refusal as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("Your link is ready."))


def _deals(request: PartnerRequest, form: LibraryForm) -> "QuerySet[Deal]":
    return assets.deals_for(request.affiliate, **form.said(), at=timezone.now())


def _asked(request: PartnerRequest, form: LibraryForm) -> dict[str, Any]:
    labels = {}
    for name, value in form.cleaned_data.items():
        choices = dict(getattr(form.fields[name], "choices", ()))
        labels[name] = choices.get(value, value)
    return {
        "filter": form,
        "chips": chips_of(request, {name: label for name, label in labels.items() if form.cleaned_data[name]}),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
    }


def _tabs(current: str) -> list[tuple[Text, str, bool]]:
    return [
        (_("Creatives"), reverse("partner:assets"), current == "assets"),
        (_("Deals"), reverse("partner:deals"), current == "deals"),
    ]


def _language(one: "Creative") -> str:
    return language_word(one.language) if one.language else ""


def _banner(one: "Creative") -> str:
    return reverse("banner", args=[one.public_id]) if one.path else ""

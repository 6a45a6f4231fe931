"""Codes: whose each is, how strongly it speaks, until when; and codes brought in by a list."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from affiliates import coupons as verbs
from affiliates.access import open_enrolment_in, open_program_of
from affiliates.coupon_queries import coupons_in, open_coupon_in
from affiliates.queries import enrolments_in, programs_of
from ledger.errors import Refusal
from payouts.queries.coupons import brought_by_codes
from portal.errors import sentence_of
from portal.exports import csv_response
from portal.filters import chips_of, ignored_keys
from portal.merchant.attribution_forms import CouponFilterForm, CouponForm, CouponListForm
from portal.merchant.pages import Text, here, page_of, show
from portal.merchant.views.attribution import tabs
from portal.requests import MerchantRequest

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from django.db.models import QuerySet

    from affiliates.models import Coupon, Enrolment


@require_safe
def coupons(request: MerchantRequest) -> HttpResponse:
    """Every code with its partner, its state and what it brought."""
    at = timezone.now()
    form = _filter(request)
    page = page_of(request, _found(request, form))
    found = list(page.object_list)
    brought = brought_by_codes(found)
    query = request.GET.urlencode()
    export = here(request, "coupons-export")
    said = form.cleaned_data
    context = {
        "rows": [
            (one, one.state_at(at), brought[one.pk], _orders_url(request, one))
            for one in found
        ],
        "page": page,
        "filter": form,
        "chips": chips_of(request, {
            "q": said.get("q", ""), "state": dict(form.fields["state"].choices).get(said.get("state", ""), ""),  # type: ignore[attr-defined]
            "program": said.get("program", ""),
        }),
        "ignored": ignored_keys(request, form),
        "clear_url": request.path,
        "export_url": f"{export}?{query}" if query else export,
        "tabs": tabs(request, "coupons"),
    }  # fmt: skip
    return show(
        request, "coupons.html", context, place="attribution", title=_("Codes"),
        lead=_("A partner's code brings it the order, with or without a click."),
    )  # fmt: skip


@require_safe
def export(request: MerchantRequest) -> StreamingHttpResponse:
    """The list as CSV, in the columns that the import reads."""
    at = timezone.now()
    rows = (
        [
            one.code, one.enrolment.affiliate.public_id if one.enrolment else "", "yes" if one.is_exclusive else "",
            one.policy, one.starts_at.date().isoformat(),
            (one.ends_at - timedelta(microseconds=1)).date().isoformat() if one.ends_at else "",
            one.enrolment.affiliate.name if one.enrolment else "", one.program.slug, one.state_at(at),
        ]
        for one in _found(request, _filter(request)).iterator(chunk_size=500)
    )  # fmt: skip
    header = [*verbs.COLUMNS, "partner_name", "program", "state"]
    return csv_response("codes.csv", header, rows)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: MerchantRequest) -> HttpResponse:
    """Make a code."""
    data = request.POST if request.method == "POST" else None
    form = _form(request, data)
    if data is not None and form.is_valid():
        at = timezone.now()
        said = form.cleaned_data
        try:
            coupon = verbs.issue_coupon(
                open_program_of(request.merchant, said["program"]), said["code"], enrolment=_place(request, said["partner"]),
                is_exclusive=said["is_exclusive"], policy=said["policy"], starts_at=form.starts_at(at),
                ends_at=form.ends_at(), at=at, by=request.user,
            )  # fmt: skip
        except Refusal as refusal:
            _blame(form, refusal)
        else:
            messages.success(request, _("The code %(code)s is made.") % {"code": coupon.code})
            return redirect("merchant:coupons", request.merchant.slug)
    return show(
        request, "coupon_new.html", {"form": form}, place="attribution", title=_("New code"),
        crumbs=_crumbs(request), status=200 if data is None else 400,
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def coupon(request: MerchantRequest, coupon_id: str) -> HttpResponse:
    """Change a code: its partner, how strongly it speaks, its dates."""
    found = open_coupon_in(request.merchant, coupon_id)
    data = request.POST if request.method == "POST" else None
    form = _form(request, data, found)
    if data is not None and form.is_valid():
        said = form.cleaned_data
        try:
            verbs.change_coupon(
                found, enrolment=_place(request, said["partner"]), is_exclusive=said["is_exclusive"],
                policy=said["policy"], starts_at=form.starts_at(found.starts_at), ends_at=form.ends_at(),
                at=timezone.now(), by=request.user,
            )  # fmt: skip
        except Refusal as refusal:
            _blame(form, refusal)
        else:
            messages.success(request, _("The code %(code)s is changed.") % {"code": found.code})
            return redirect("merchant:coupons", request.merchant.slug)
    return show(
        request, "coupon.html", {"form": form, "coupon": found, "state": found.state_at(timezone.now())},
        place="attribution", title=_("Code %(code)s") % {"code": found.code}, crumbs=_crumbs(request),
        status=200 if data is None else 400,
    )  # fmt: skip


@require_POST
def end(request: MerchantRequest, coupon_id: str) -> HttpResponse:
    """Let a code win no orders from now on."""
    found = verbs.end_coupon(open_coupon_in(request.merchant, coupon_id), at=timezone.now(), by=request.user)
    messages.success(request, _("The code %(code)s wins no orders from now on.") % {"code": found.code})
    return redirect("merchant:coupons", request.merchant.slug)


@require_http_methods(["GET", "HEAD", "POST"])
def import_list(request: MerchantRequest) -> HttpResponse:
    """Bring codes in by a list; what became of each row stands below."""
    data = request.POST if request.method == "POST" else None
    form = CouponListForm(data, request.FILES or None, programs=_programs(request))
    rows, is_rehearsal, status = None, False, 200
    if data is not None:
        status = 400
        if form.is_valid():
            said = form.cleaned_data
            is_rehearsal = said["is_rehearsal"]
            try:
                rows = verbs.import_coupons(
                    open_program_of(request.merchant, said["program"]), said["file"], at=timezone.now(),
                    by=request.user, is_rehearsal=is_rehearsal,
                )  # fmt: skip
                status = 200
            except Refusal as refusal:
                form.add_error("file", sentence_of(refusal))
    refused = [row for row in rows or [] if row.result not in {"created", "changed"}]
    context = {
        "form": form,
        "rows": refused + [row for row in rows or [] if row not in refused] if rows is not None else None,
        "done": len(rows or []) - len(refused),
        "refused": len(refused),
        "is_rehearsal": is_rehearsal,
        "columns": ",".join(verbs.COLUMNS),
    }
    return show(
        request, "coupon_import.html", context, place="attribution", title=_("Codes from a list"),
        crumbs=_crumbs(request), status=status,
    )  # fmt: skip


def _filter(request: MerchantRequest) -> CouponFilterForm:
    form = CouponFilterForm(request.GET, programs=_programs(request))
    form.is_valid()
    return form


def _found(request: MerchantRequest, form: CouponFilterForm) -> "QuerySet[Coupon]":
    said = form.cleaned_data
    return coupons_in(
        request.merchant, text=said.get("q", ""), state=said.get("state", ""), program=said.get("program", ""),
        at=timezone.now(),
    )  # fmt: skip


def _programs(request: MerchantRequest) -> list[tuple[str, str]]:
    return [(program.slug, program.name) for program in programs_of(request.merchant)]


def _form(request: MerchantRequest, data: object, found: "Coupon | None" = None) -> CouponForm:
    places = enrolments_in(request.merchant, status="approved").order_by("affiliate__name", "pk")
    if found is not None:
        places = places.filter(program=found.program_id)
    several = len(_programs(request)) > 1 and found is None
    partners = [
        (place.public_id, f"{place.affiliate.name} · {place.program.name}" if several else place.affiliate.name)
        for place in places
    ]
    if found is not None and found.enrolment is not None and found.enrolment.public_id not in dict(partners):
        partners.append((found.enrolment.public_id, found.enrolment.affiliate.name))
    zone = request.merchant.time_zone
    # A code that customers type already, from the list of those that are nobody's.
    initial: dict[str, Any] = {name: request.GET[name] for name in ("code", "program") if name in request.GET}
    if found is not None:
        initial = {
            "partner": found.enrolment.public_id if found.enrolment else "",
            "is_exclusive": found.is_exclusive,
            "policy": found.policy,
            "starts_on": timezone.localtime(found.starts_at).date(),
            "ends_on": timezone.localtime(found.ends_at - timedelta(microseconds=1)).date() if found.ends_at else None,
        }
    return CouponForm(
        data, zone=zone, programs=_programs(request), partners=partners, is_new=found is None, initial=initial  # type: ignore[arg-type]
    )  # fmt: skip


def _orders_url(request: MerchantRequest, one: "Coupon") -> str:
    """Where the figures come from: the orders of the code's partner in the program."""
    partner = one.enrolment.affiliate.public_id if one.enrolment else ""
    return here(request, "conversions", partner=partner, program=one.program.slug)


def _place(request: MerchantRequest, public_id: str) -> "Enrolment | None":
    return open_enrolment_in(request.merchant, public_id) if public_id else None


def _blame(form: CouponForm, refusal: Refusal) -> None:
    names = {"enrolment": "partner", "starts_at": "starts_on", "ends_at": "ends_on"}
    name = names.get(refusal.field or "", refusal.field)
    form.add_error(name if name in form.fields else None, sentence_of(refusal))


def _crumbs(request: MerchantRequest) -> list[tuple[Text, str]]:
    return [(_("Attribution"), here(request, "attribution")), (_("Codes"), here(request, "coupons"))]

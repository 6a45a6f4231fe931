"""The kit's own pages: the theme switch, and (with DEBUG) every component in every state."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from ledger.money import Money
from portal import charts
from portal.context import THEMES, NavItem
from portal.formats import format_money
from portal.states import STATES

_YEAR_SECONDS = 31_536_000


# Without a token, so that public pages with the switch stay the same for everybody: all a forged
# request could do is turn the light off.
@csrf_exempt
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the reader's choice of light or dark in a cookie; anything else means "like the system"."""
    theme = request.POST.get("theme", "")
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    if theme in THEMES:
        response.set_cookie("theme", theme, max_age=_YEAR_SECONDS, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie("theme", samesite="Lax")
    return response


# ── The page of everything, for whoever builds screens ───────────────────────────────────
_NOON = datetime(2026, 11, 3, 14, 2, tzinfo=UTC)


class ExampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(label="Display name", max_length=60)
    url = forms.URLField(label="Page", help_text="A page of acme.com or shop.acme.com.", assume_scheme="https")
    rate = forms.DecimalField(label="Rate", min_value=0, max_value=100)
    note = forms.CharField(label="Note", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    country = forms.ChoiceField(label="Country", choices=[("DE", "Germany"), ("CN", "China"), ("US", "United States")])
    kind = forms.ChoiceField(
        label="Kind",
        choices=[("percent", "Percent of the order"), ("flat", "Fixed amount")],
        widget=forms.RadioSelect,
    )
    file = forms.FileField(label="Import", required=False)
    agree = forms.BooleanField(label="I accept the terms", help_text="Version 4 of 3 November 2026.")


class ExampleFilter(forms.Form):
    """A list's question."""

    q = forms.CharField(label="Search", required=False, widget=forms.SearchInput)
    status = forms.ChoiceField(label="State", required=False, choices=[("", "All"), ("pending", "Pending")])
    program = forms.ChoiceField(label="Program", required=False, choices=[("", "All"), ("acme", "Acme")])


def _dollars(text: str) -> Money:
    return Money.parse(text, "USD", negative=True)


def _example_explanation() -> dict[str, Any]:
    return {
        "sentence": f"{format_money(_dollars('12.40'))} = 20% of {format_money(_dollars('62.00'))}",
        "because": "Pro plan pays 20% for 12 months; this is month 3.",
        "kind": "money",
        "state": "pending",
        "until": _NOON + timedelta(days=30),
        "base": {
            "lines": [
                ("Order 1042", _dollars("74.00"), "#order"),
                ("Shipping", _dollars("-7.00"), "#order"),
                ("Tax", _dollars("-5.00"), "#order"),
            ],
            "total": ("Commissionable", _dollars("62.00"), "#order"),
        },
        "rule": {
            "name": "Acme default v7, line 2",
            "url": "#rule",
            "since": _NOON - timedelta(days=63),
            "text": "20% on Pro plan for 12 months.",
        },
        "why": [
            "Click 3 Nov 13:58 on go.acme.example/maya-pricing, 4 minutes before the order; the window is 30 days.",
            "Another partner's click of 10:11 is older. The last click wins.",
        ],
        "did_not_apply": [
            ("Member day +5%", "the order is 2 hours before its start"),
            ("Volume bonus", "34 of 50 sales so far"),
        ],
        "timeline": _example_timeline(),
        "ledger": [
            {
                "at": _NOON,
                "debit": "merchant/acme:receivable",
                "credit": "affiliate/maya:pending",
                "amount": _dollars("12.40"),
                "reference": "comm_01j9z8abcdefghjkmnpqrstvwx",
                "url": "#entry",
            },
        ],
        "question_url": "#question",
    }


def _example_timeline() -> list[dict[str, Any]]:
    return [
        {
            "what": "Click",
            "at": _NOON - timedelta(minutes=4),
            "detail": "go.acme.example/maya-pricing",
            "state": "done",
        },
        {"what": "Order 1042", "at": _NOON, "state": "done", "url": "#order"},
        {"what": "Attributed", "at": _NOON, "state": "done"},
        {
            "what": "Refund window",
            "at": _NOON + timedelta(days=30),
            "style": "date",
            "state": "current",
        },
        {"what": "Approved", "detail": "after the refund window"},
        {"what": "Paid", "at": _NOON + timedelta(days=63), "style": "date"},
    ]


def _example_charts() -> dict[str, charts.Chart]:
    def shown(value: float) -> str:
        return format_money(_dollars(f"{value:.2f}"))

    days = [f"{day} Nov" for day in range(1, 29)]
    earned = [round(9 + 7 * ((day * 37) % 11) / 10 + (day % 6) * 1.7, 2) for day in range(1, 29)]
    months = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
    return {
        "columns": charts.columns(
            days,
            earned,
            title="Earnings rose 18% on the 28 days before",
            name="Earnings",
            label_name="Day",
            unit="US dollars a day",
            shown=shown,
            provisional=3,
            urls=["#day"] * 28,
        ),
        "lines": charts.lines(
            months,
            [
                charts.Series("Maya", [410, 455, 430, 520, 560, 540, 610, 680, 640, 700, 720, 790]),
                charts.Series("Kenji", [300, 310, 305, 350, 360, 420, 400, 390, 410, 380, 370, 360]),
                charts.Series("Lena", [120, 150, 180, 170, 220, 260, 310, 330, 350, 400, 430, 470]),
                charts.Series("Omar", [90, 80, None, None, 100, 120, 110, 150, 170, 160, 180, 210]),
                charts.Series("Other", [50, 60, 55, 70, 65, 80, 75, 90, 85, 95, 100, 110]),
            ],
            title="Maya brings most, Lena grows fastest",
            unit="orders a month",
            label_name="Month",
        ),
        "line": charts.lines(
            months,
            [
                charts.Series(
                    "Clicks",
                    [3200, 3500, 3100, 4200, 4600, 4400, 5100, 5600, 5400, 6100, 6500, 7200],
                )
            ],
            title="Clicks doubled within the year",
            unit="clicks a month",
            label_name="Month",
        ),
        "funnel": charts.funnel(
            [
                charts.Part("Clicks", 60000),
                charts.Part("Orders", 2400),
                charts.Part("Approved", 2150),
                charts.Part("Paid", 1980),
            ],
            title="4% of clicks become orders",
            rate_name="of the step before",
        ),
        "bridge": charts.bridge(
            [
                charts.Part("Oct", 45120, shown=shown(45120), is_total=True, url="#run"),
                charts.Part("New", 2140, shown=shown(2140), url="#run"),
                charts.Part("Gone", -980, shown=shown(-980), url="#run"),
                charts.Part("Volume", 3310, shown=shown(3310), url="#run"),
                charts.Part("Rules", 1665, shown=shown(1665), url="#run"),
                charts.Part("Bonus", 420, shown=shown(420), url="#run"),
                charts.Part("Refunds", -1260, shown=shown(-1260), url="#run"),
                charts.Part("FX", -500, shown=shown(-500), url="#run"),
                charts.Part("Nov", 49915, shown=shown(49915), is_total=True, url="#run"),
            ],
            title="The run grew by 10.6%, mostly through volume",
            unit="US dollars",
            name="Amount",
        ),
        "stacked": charts.stacked(
            [
                charts.Part("Up to 30 days", 18240, shown=shown(18240), url="#age"),
                charts.Part("31–60 days", 9100, shown=shown(9100), url="#age"),
                charts.Part("61–90 days", 3400, shown=shown(3400), url="#age"),
                charts.Part("Older", 900, shown=shown(900), url="#age"),
            ],
            title="58% of the liability is younger than 30 days",
            name="Amount",
        ),
    }


def _example_rows() -> list[dict[str, Any]]:
    return [
        {
            "at": _NOON,
            "title": "Pro plan",
            "sub": "from /pricing",
            "state": "approved",
            "orders": 1,
            "amount": _dollars("12.40"),
            "clicks": 318,
        },
        {
            "at": _NOON,
            "title": "Starter",
            "sub": "from newsletter",
            "state": "pending",
            "until": _NOON + timedelta(days=30),
            "orders": 1,
            "amount": _dollars("4.00"),
            "clicks": 120,
        },
        {
            "at": _NOON,
            "title": "Code SAVE20",
            "sub": "belongs to another affiliate",
            "state": "not_paid",
            "orders": 1,
            "amount": _dollars("0.00"),
            "clicks": 44,
        },
        {
            "at": _NOON,
            "title": "Returned order 997",
            "sub": "the customer sent it back",
            "state": "clawed_back",
            "orders": 1,
            "amount": _dollars("-18.60"),
            "clicks": 9,
        },
    ]


def kit(request: HttpRequest) -> HttpResponse:
    """Every component in every state; only with DEBUG."""
    if not settings.DEBUG:
        raise Http404
    for level, text in (
        (messages.SUCCESS, "The link is saved."),
        (messages.ERROR, "The link was not saved. Acme pays only for pages on acme.com."),
    ):
        messages.add_message(request, level, text)
    wrong = ExampleForm({"wrong-name": "Maya", "wrong-url": "nowhere", "wrong-rate": "120"}, prefix="wrong")
    wrong.is_valid()
    context = {
        "page_title": "The design kit",
        "page_lead": "Every component in every state, as the screens use them.",
        "nav": [
            NavItem("Home", "#home", "house", is_current=True),
            NavItem("Links", "#links", "link"),
            NavItem("Earnings", "#earnings", "wallet"),
            NavItem("Payouts", "#payouts", "banknote"),
            NavItem("Statistics", "#stats", "chart-line"),
            NavItem("Programs", "#programs", "store", badge=3),
            NavItem("Messages", "#messages", "messages-square"),
        ],
        "workspace": {"label": "Maya Chen Media", "kind": "partner", "url": "#maya"},
        "workspaces": [
            {"label": "Maya Chen Media", "kind": "partner", "url": "#maya"},
            {"label": "Acme Ltd", "kind": "merchant", "url": "#acme"},
            {"label": "Finance", "kind": "finance", "url": "#finance"},
        ],
        "crumbs": [("Network", "#network"), ("Handbook", "#handbook")],
        "help_url": "#help",
        "states": sorted(STATES.items()),
        "tones": ["pos", "neg", "warn", "info", "neutral"],
        "amounts": [
            _dollars("1284.20"),
            _dollars("-18.60"),
            Money(1234567, "JPY"),
            Money(1234, "KWD"),
            Money(1240, "PTS"),
        ],
        "available": _dollars("1284.20"),
        "pending": _dollars("316.75"),
        "year": _dollars("9120.00"),
        "rise": Decimal("0.18"),
        "fall": Decimal("-0.043"),
        "noon": _NOON,
        "soon": _NOON + timedelta(days=30),
        "spark": [3, 5, 4, 6, 7, 6, 8, 9, 8, 10, 9, 12],
        "form": ExampleForm(),
        "wrong": wrong,
        "filter": ExampleFilter(request.GET),
        "chips": [("State: Pending", "?q="), ("Country: Germany", "?q=")],
        "tabs": [
            ("All", "#all", True, 1204),
            ("Needs review", "#review", False, 22),
            ("Zero", "#zero", False),
        ],
        "page": Paginator(range(120), 50).page(2),
        "rows": _example_rows(),
        "steps": [
            {"name": "Prepare", "state": "done", "detail": "1 Dec 00:05"},
            {"name": "Review", "state": "current", "detail": "22 findings"},
            {"name": "Approve"},
            {"name": "Send"},
            {"name": "Reconcile"},
        ],
        "timeline": _example_timeline(),
        "explain": _example_explanation(),
        "checklist": [
            {"what": "Address of your shop", "state": "done", "detail": "acme.com"},
            {
                "what": "Order arrives",
                "state": "bad",
                "detail": "The signature does not match. Copy the key again.",
                "action_label": "Show the key",
                "action_url": "#key",
            },
            {
                "what": "Invite the first affiliate",
                "state": "current",
                "action_label": "Invite",
                "action_url": "#invite",
            },
            {"what": "Publish the program"},
        ],
        "facts": [("Merchant", "Acme Ltd"), ("Window", "30 days"), ("Hold", "30 days")],
        "job": {
            "title": "Statements for November",
            "state": "running",
            "done": 412,
            "failed": 3,
            "left": 789,
            "total": 1204,
            "eta": "about 2 minutes",
            "log_url": "#log",
            "cancel_url": "#cancel",
        },
        "charts": _example_charts(),
        "public": "comm_01j9z8abcdefghjkmnpqrstvwx",
        "code": 'curl https://network.example/api/v1/conversions \\\n  -H \'Authorization: Bearer sk_test_…\' \\\n  -d \'{"order_id": "1042", "amount": "62.00", "currency": "USD"}\'',
    }
    return render(request, "portal/kit.html", context)


urlpatterns = [path("theme/", set_theme, name="set_theme")]

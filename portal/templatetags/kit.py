"""The kit's tags: `{% load kit %}`. Money, times, states, icons, forms; charts are in `charts`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.forms import BaseForm, BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from ua_parser import parse

from portal import explain, formats
from portal.form_errors import sentences_of
from portal.icons import draw_icon
from portal.states import WORKSPACE_KINDS, State, state_of

register = template.Library()

_MARK = (
    '<svg class="brand-mark" viewBox="0 0 28 28" fill="none" aria-hidden="true" focusable="false">'
    '<rect width="28" height="28" rx="8" fill="currentColor"/>'
    '<g class="brand-lines" stroke-width="2" stroke-linecap="round">'
    '<path d="M5.5 7.5c6.5 0 7.5 6.5 13 6.5"/><path d="M5.5 14h13"/><path d="M5.5 20.5c6.5 0 7.5-6.5 13-6.5"/></g>'
    '<circle class="brand-dot" cx="20.5" cy="14" r="2.75"/></svg>'
)


@register.simple_tag
def brand_mark() -> SafeString:
    """The house's sign: many paths, one point."""
    return mark_safe(_MARK)  # noqa: S308 - a constant


@register.simple_tag
def icon(name: str, *, small: bool = False, mirrors: bool = False) -> SafeString:
    """`{% icon "wallet" %}`: a Lucide icon, hidden from readers; put a word beside it."""
    return draw_icon(str(name), small=small, extra_class="mirrors" if mirrors else "")


# ── Numbers ──────────────────────────────────────────────────────────────────────────────
@register.simple_tag(takes_context=True)
def money(
    context: template.Context,
    amount: formats.Amount | str | None,
    url: str = "",
    *,
    code: bool | None = None,
    signed: bool = False,
    accounting: bool = False,
) -> SafeString | str:
    """`{% money amount url %}`: a figure that leads to its explanation.

    Without a url it is a plain figure; use that only where the whole row or card is the link's own
    explanation. `several_currencies` in the context adds the ISO code, as does code=True.
    """
    if amount is None or isinstance(amount, str):
        return formats.NO_VALUE
    with_code = bool(context.get("several_currencies")) if code is None else code
    text = formats.format_money(amount, code=with_code, signed=signed, accounting=accounting)
    if not url:
        return format_html('<span class="amount" data-amount>{}</span>', text)
    return formats.explained(text, url)


@register.filter
def plain_money(amount: formats.Amount | None) -> str:
    """The figure as text, for sentences and attributes: `{{ amount|plain_money }}`."""
    return formats.NO_VALUE if amount is None else formats.format_money(amount)


@register.simple_tag
def percent(rate: Decimal | float | None, *, digits: int = 2, signed: bool = False) -> SafeString | str:
    """`{% percent rule.rate %}`: a fraction (0.125) as the reader's percent."""
    if rate is None:
        return formats.NO_VALUE
    return format_html('<span class="figure">{}</span>', formats.format_percent(rate, digits=digits, signed=signed))


@register.simple_tag
def number(value: Decimal | float | None, *, digits: int = 2) -> SafeString | str:
    """`{% number clicks %}`: grouped digits."""
    if value is None:
        return formats.NO_VALUE
    return format_html('<span class="figure">{}</span>', formats.format_number(value, digits=digits))


@register.simple_tag
def change(rate: Decimal | float | str | None, *, good: str = "up") -> SafeString | str:
    """`{% change 0.18 %}`: a comparison with arrow, sign and tone; good="down" for costs."""
    if rate is None or isinstance(rate, str):
        return format_html('<span class="change muted">{}</span>', _("nothing to compare"))
    if not rate:
        return format_html('<span class="change muted">{}{}</span>', draw_icon("equal", small=True), _("no change"))
    rises = rate > 0
    tone = "pos" if rises == (good == "up") else "neg"
    arrow = draw_icon("trending-up" if rises else "trending-down", small=True)
    return format_html(
        '<span class="change {}">{}<bdi>{}</bdi></span>',
        tone,
        arrow,
        formats.format_percent(rate, digits=1, signed=True),
    )


# ── Times ────────────────────────────────────────────────────────────────────────────────
@register.simple_tag
def when(moment: datetime | date | str | None, style: str = "date", *, zone: str = "") -> SafeString | str:
    """`{% when sale.at "time" %}`: styles date, short, time (date and clock), clock, month, ago.

    The hover text has the weekday, the clock and the zone.
    """
    if not moment or isinstance(moment, str):
        return formats.NO_VALUE
    place = ZoneInfo(zone) if zone else None
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        formats.describe_moment(moment, zone=place),
        formats.format_moment(moment, style=style, zone=place),
    )


# ── States ───────────────────────────────────────────────────────────────────────────────
def _badge(text: object, tone: str, icon_name: str) -> SafeString:
    drawn = draw_icon(icon_name, small=True) if icon_name else ""
    plain = "" if icon_name else " plain"
    return format_html('<span class="badge tone-{}{}">{}<span>{}</span></span>', tone, plain, drawn, text)


@register.simple_tag
def status(kind: str, value: str, *, until: datetime | date | None = None, detail: str | Promise = "") -> SafeString:
    """`{% status "commission" row.status until=row.due_at %}`: icon, word and tone of a state.

    Kinds: money (= commission), payout, run, enrolment, conversion (= inbox), program, affiliate,
    link, payout_method, rule, key, job. `detail` follows the word: "Held · bank changed".
    """
    state: State = state_of(kind, str(value))
    text = str(state.label)
    if until and state.until is not None:
        text = str(state.until) % {"date": formats.format_moment(until, style="short")}
    if detail:
        text = f"{text} · {detail}"
    return _badge(text, state.tone, state.icon)


@register.simple_tag
def badge(text: object, tone: str = "neutral", icon_name: str = "") -> SafeString:
    """`{% badge _("Example") "info" "eye" %}`: a free label; tones pos, neg, warn, info, neutral."""
    return _badge(text, tone, icon_name)


@register.simple_tag
def workspace_kind(kind: str) -> str:
    """The word for a kind of workspace."""
    return str(WORKSPACE_KINDS.get(str(kind), kind))


@register.simple_tag
def workspace_label(place: Any) -> str:
    """What a workspace is called: the company's own name, or the word for the network's own desks."""
    kind, label = (place["kind"], place["label"]) if isinstance(place, dict) else (place.kind, place.label)
    return str(label) if kind in _NAMED_WORKSPACES else str(WORKSPACE_KINDS.get(kind, label))


_NAMED_WORKSPACES = frozenset({"partner", "merchant"})

_MESSAGE_TONES = {
    "success": "pos",
    "error": "neg",
    "warning": "warn",
    "info": "info",
    "debug": "neutral",
}
_TONE_ICONS = {
    "pos": "circle-check",
    "neg": "circle-alert",
    "warn": "triangle-alert",
    "info": "info",
    "neutral": "info",
}


@register.filter
def message_tone(level: str) -> str:
    """The notice class of a Django message level."""
    return f"tone-{_MESSAGE_TONES.get(level, 'info')}"


@register.simple_tag
def message_icon(level: str) -> SafeString:
    """The icon of a Django message level."""
    return draw_icon(_TONE_ICONS[_MESSAGE_TONES.get(level, "info")])


@register.simple_tag
def tone_icon(tone: str) -> SafeString:
    """The icon that goes with a tone."""
    return draw_icon(_TONE_ICONS.get(tone, "info"))


# ── Things with names ────────────────────────────────────────────────────────────────────
_ID_TAIL = 6


@register.simple_tag
def public_id(thing: object, *, full: bool = False) -> SafeString | str:
    """`{% public_id payout %}`: prefix and last six characters, the whole id on hover and on copy.

    Takes a record (its .public_id) or the text itself.
    """
    whole = str(getattr(thing, "public_id", thing) or "")
    if not whole:
        return formats.NO_VALUE
    prefix, separator, tail = whole.rpartition("_")
    is_long = bool(separator) and len(tail) > _ID_TAIL + 2
    shown = f"{prefix}_…{tail[-_ID_TAIL:]}" if is_long and not full else whole
    return format_html(
        '<span class="id"><code title="{}">{}</code>'
        '<button type="button" data-copy-text="{}" aria-label="{}">{}</button></span>',
        whole,
        shown,
        whole,
        _("Copy %(id)s") % {"id": whole},
        draw_icon("copy", small=True),
    )


@register.simple_tag
def avatar(name: object, *, square: bool = False, large: bool = False) -> SafeString:
    """`{% avatar user.name %}`: initials in a disc (a square for a company); decoration beside a name."""
    words = str(name or "?").replace("@", " ").split()
    letters = words[0][0] if words else "?"
    if len(words) > 1 and words[0].isascii():
        letters += words[1][0]
    classes = "avatar" + (" square" if square else "") + (" large" if large else "")
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, letters.upper())


@register.filter
def language_tag(code: str) -> str:
    """A Django language code as an HTML lang value."""
    return formats.language_tag(code)


@register.filter
def browser_name(user_agent: str) -> str:
    """A user agent in words: "Firefox · Windows"; what cannot be told is left out."""
    seen = parse(user_agent)
    known = [part.family for part in (seen.user_agent, seen.os) if part is not None]
    return " · ".join(known) or _("Unknown browser")


@register.filter
def event_words(event: str) -> str:
    """A conversion's event in words: `{{ row.event|event_words }}`."""
    return explain.event_words(event)


@register.filter
def request_words(request: Any) -> str:
    """What a request of the inbox was: its method and path, or the row of a file that it stands for."""
    if request.method == "ROW":
        return _("Row %(number)s of a file") % {"number": request.path.rpartition("#")[2]}
    return f"{request.method} {request.path}"


@register.filter
def customer_words(status: str) -> str:
    """What an order said of its customer, in words."""
    return explain.customer_words(status)


# ── Forms ────────────────────────────────────────────────────────────────────────────────
@register.filter
def is_checkbox(bound: BoundField) -> bool:
    """Whether the field is one tick, whose label stands behind it."""
    return isinstance(bound.field.widget, CheckboxInput)


@register.filter
def sentences(bound: BoundField) -> list[str]:
    """What is wrong with the field, said with its own label."""
    return sentences_of(bound)


@register.simple_tag
def field(bound: BoundField, *, prefix: str = "", suffix: str = "") -> SafeString:
    """`{% field form.rate suffix="%" %}`: label, hint, error and control, tied together for readers."""
    context = {"field": bound, "prefix": prefix, "suffix": suffix}
    return mark_safe(bound.form.renderer.render("portal/forms/field.html", context))  # noqa: S308 - a template's output


@register.simple_tag
def error_summary(form: BaseForm) -> SafeString | str:
    """`{% error_summary form %}`: what is wrong with the form, each linked to its field."""
    problems: list[tuple[str, str]] = [(str(error), "") for error in form.non_field_errors()]
    for bound in form:
        target = bound.id_for_label or (f"{bound.auto_id}_0" if bound.use_fieldset else bound.auto_id)
        problems += [(sentence, target) for sentence in sentences_of(bound)]
    if not problems:
        return ""
    return render_to_string("portal/forms/error_summary.html", {"problems": problems})


# ── Lists ────────────────────────────────────────────────────────────────────────────────
@register.simple_tag(takes_context=True)
def sort_header(context: template.Context, label: object, key: str, *, number: bool = False) -> SafeString:
    """`{% sort_header _("Amount") "amount" number=True %}`: a column head that sorts by ?sort=.

    Renders the whole <th scope="col">; the second press turns the order round; page is forgotten.
    """
    request = context["request"]
    current = request.GET.get("sort", "")
    query = request.GET.copy()
    query.pop("page", None)
    query["sort"] = f"-{key}" if current == key else key
    direction = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    arrow = {"ascending": "arrow-up", "descending": "arrow-down"}.get(direction, "arrow-up-down")
    sorted_by = format_html(' aria-sort="{}"', direction) if direction else ""
    return format_html(
        '<th scope="col"{}{}><a class="sort" href="?{}">{}{}</a></th>',
        mark_safe(' class="number"') if number else "",
        sorted_by,
        query.urlencode(),
        label,
        draw_icon(arrow, small=True),
    )


@register.simple_tag(takes_context=True)
def query_string(context: template.Context, **changes: object) -> str:
    """`{% query_string page=2 status=None %}`: this address's query with changes; None takes a key out."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        query.pop(key, None)
        if value not in {None, ""}:
            query[key] = str(value)
    return f"?{query.urlencode()}"


@register.simple_tag
def attributes(pairs: dict[str, Any]) -> SafeString:
    """Attributes from a dict, for parts that pass some through."""
    return format_html_join("", ' {}="{}"', pairs.items())

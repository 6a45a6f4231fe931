"""What the kit's tags write, checked against CLDR's own output."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone, translation

from ledger.money import Money
from portal import formats
from portal.form_errors import sentences_of
from portal.icons import draw_icon
from portal.states import STATES, state_of

NBSP = "\N{NO-BREAK SPACE}"
MOMENT = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)


def render(source, language="en", query="", **context):
    template = engines["django"].from_string("{% load i18n kit charts %}" + source)
    with translation.override(language):
        return template.render(context, RequestFactory().get(f"/list/{query}"))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "$1,234,567.89"),
        ("en-gb", "US$1,234,567.89"),
        ("de", f"1.234.567,89{NBSP}$"),
        ("zh-hans", "US$1,234,567.89"),
        ("zh-hant", "US$1,234,567.89"),
        ("en-in", "$12,34,567.89"),
        ("ar", f"1,234,567.89{NBSP}USD"),
    ],
)
def test_money_is_written_as_the_reader_writes_it(language, text):
    assert formats.format_money(Money(123456789, "USD"), language=language) == text


def test_french_groups_with_narrow_spaces():
    text = formats.format_money(Money(123456789, "USD"), language="fr")

    assert text.replace("\N{NARROW NO-BREAK SPACE}", " ").replace(NBSP, " ") == "1 234 567,89 $US"


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1234567, "JPY"), "¥1,234,567"),
        (Money(1234, "KWD"), "KWD1.234"),
        (Money(1240, "PTS"), f"1,240{NBSP}PTS"),
        (Money(-1860, "USD"), "−$18.60"),
        (Money(123456, "HUF"), "HUF1,234.56"),
    ],
)
def test_every_currency_keeps_its_own_decimals(money, text):
    assert formats.format_money(money, language="en") == text


def test_the_code_is_added_where_several_currencies_meet():
    yen = Money(1000, "JPY")

    assert formats.format_money(yen, language="zh-hans", code=True) == f"JP¥1,000{NBSP}JPY"
    assert formats.format_money(yen, language="zh-hant", code=True) == f"¥1,000{NBSP}JPY"
    assert formats.format_money(Money(1240, "PTS"), language="en", code=True) == f"1,240{NBSP}PTS"


def test_signs_and_parentheses():
    assert formats.format_money(Money(1860, "USD"), language="en", signed=True) == "+$18.60"
    assert formats.format_money(Money(0, "USD"), language="en", signed=True) == "$0.00"
    assert formats.format_money(Money(-1860, "USD"), language="en", accounting=True) == "($18.60)"


def test_a_figure_is_a_link_with_a_question_for_a_name():
    written = render("{% money amount '/why/' %}", amount=Money(1240, "USD"))

    assert written == '<a class="money" data-money href="/why/" aria-label="Why $12.40?">$12.40</a>'


def test_the_figures_name_follows_the_readers_language():
    assert "为什么是 US$12.40？" in render("{% money amount '/why/' %}", "zh-hans", amount=Money(1240, "USD"))


def test_a_figure_without_an_explanation_is_plain_and_none_is_a_dash():
    assert render("{% money amount %}", amount=Money(0, "USD")) == '<span class="amount" data-amount>$0.00</span>'
    assert render("{% money amount '/why/' %}", amount=None) == "–"
    assert render("{% money missing '/why/' %}") == "–"


def test_the_context_asks_for_codes_once_for_the_whole_page():
    written = render("{% money amount '/why/' %}", amount=Money(1240, "USD"), several_currencies=True)

    assert f">$12.40{NBSP}USD<" in written


def test_addresses_are_escaped():
    assert "javascript" not in render("{% money amount url %}", amount=Money(1, "USD"), url='"><script>').lower()
    assert "&quot;&gt;&lt;script&gt;" in render("{% money amount url %}", amount=Money(1, "USD"), url='"><script>')


@pytest.mark.parametrize(("language", "text"), [("en", "12.5%"), ("de", f"12,5{NBSP}%"), ("zh-hans", "12.5%")])
def test_percent_follows_the_reader(language, text):
    assert formats.format_percent(Decimal("0.125"), language=language) == text


def test_percent_signs():
    assert formats.format_percent(Decimal("0.18"), language="en", signed=True) == "+18%"
    assert formats.format_percent(Decimal("-0.043"), language="en", digits=1) == "−4.3%"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Nov 2, 2026"),
        ("de", "02.11.2026"),
        ("zh-hans", "2026年11月2日"),
        ("en-gb", "2 Nov 2026"),
    ],
)
def test_dates_follow_the_reader(language, text):
    assert formats.format_moment(date(2026, 11, 2), language=language) == text


def test_a_moment_is_shown_in_the_readers_zone_and_says_so_on_hover():
    with timezone.override("Europe/Berlin"):
        written = render("{% when moment 'time' %}", moment=MOMENT)

    assert ">Nov 3, 2026, 00:30<" in written
    assert 'datetime="2026-11-02T23:30:00+00:00"' in written
    assert 'title="Tuesday, November 3, 2026, 00:30:00 Europe/Berlin"' in written


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("date", "Nov 2, 2026"),
        ("clock", "23:30"),
        ("month", "November 2026"),
        ("time", "Nov 2, 2026, 23:30"),
    ],
)
def test_the_styles_of_a_moment(style, text):
    assert f">{text}<" in render("{% when moment style %}", moment=MOMENT, style=style)


@pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
def test_chinese_sets_a_space_between_date_and_clock(language):
    assert formats.format_moment(MOMENT, style="time", language=language) == "2026年11月2日 23:30"


def test_an_order_speaks_the_readers_language():
    words = "{{ event|event_words }} · {{ status|customer_words }}"

    assert render(words, event="sale", status="new") == "sale · new"
    assert render(words, "zh-hans", event="sale", status="new") == "销售 · 新顾客"
    assert render(words, "zh-hant", event="renewal", status="vip") == "renewal · vip"


def test_relative_times_end_after_a_day():
    near = formats.format_moment(MOMENT, style="ago", at=MOMENT + timedelta(minutes=5), language="en")
    far = formats.format_moment(MOMENT, style="ago", at=MOMENT + timedelta(days=2), language="en")

    assert (near, far) == ("5 minutes ago", "Nov 2, 2026")


def test_short_dates_name_the_year_only_when_it_is_another():
    assert formats.format_moment(MOMENT, style="short", at=MOMENT, language="en") == "Nov 2"
    assert formats.format_moment(MOMENT, style="short", at=MOMENT + timedelta(days=100), language="en") == "Nov 2, 2026"


def test_no_moment_is_a_dash():
    assert render("{% when nothing %}", nothing=None) == "–"


def test_a_state_is_an_icon_a_word_and_a_tone():
    written = render("{% status 'commission' 'approved' %}")

    assert 'class="badge tone-pos"' in written
    assert "<span>Approved</span>" in written
    assert "<svg" in written
    assert 'aria-hidden="true"' in written


def test_a_state_names_the_next_date_when_it_is_known():
    year = timezone.now().year + 1

    assert f"<span>Pending until Dec 3, {year}</span>" in render(
        "{% status 'commission' 'pending' until=due %}", due=date(year, 12, 3)
    )
    assert "<span>Held · bank changed</span>" in render("{% status 'money' 'held' detail='bank changed' %}")


def test_an_unknown_state_shows_its_own_name():
    assert state_of("payout", "lost_in_space").label == "Lost in space"


def test_every_state_has_an_icon_that_exists_and_a_tone_the_sheet_knows():
    for values in STATES.values():
        for state in values.values():
            assert "<svg" in draw_icon(state.icon, small=True)
            assert state.tone in {"pos", "neg", "warn", "info", "neutral"}


def test_states_of_one_kind_differ_without_colour():
    for kind, values in STATES.items():
        words = [str(state.label) for state in values.values()]
        assert len(words) == len(set(words)), kind


def test_an_id_is_short_to_the_eye_and_whole_to_the_hand():
    whole = "comm_01j9z8abcdefghjkmnpqrstvwx"
    written = render("{% public_id thing %}", thing=whole)

    assert f'title="{whole}">comm_…rstvwx<' in written
    assert f'data-copy-text="{whole}"' in written
    assert ">JE-1<" in render("{% public_id 'JE-1' %}")
    assert render("{% public_id nothing %}", nothing=None) == "–"


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Maya Chen", "MC"), ("陈美雅", "陈"), ("maya@example.com", "ME"), ("", "?")],
)
def test_initials(name, letters):
    assert f">{letters}<" in render("{% avatar name %}", name=name)


@pytest.mark.parametrize(
    ("rate", "good", "tone"),
    [
        (0.18, "up", "pos"),
        (-0.1, "up", "neg"),
        (0.18, "down", "neg"),
        (-0.1, "down", "pos"),
        (0, "up", "muted"),
    ],
)
def test_a_comparison_says_whether_it_is_good(rate, good, tone):
    assert f'class="change {tone}"' in render("{% change rate good=good %}", rate=rate, good=good)


def test_nothing_to_compare_with_is_said():
    assert "nothing to compare" in render("{% change rate %}", rate=None)


def test_a_column_sorts_one_way_then_the_other():
    first = render("{% sort_header 'Amount' 'amount' number=True %}", query="?q=a&page=3")
    second = render("{% sort_header 'Amount' 'amount' number=True %}", query="?q=a&sort=amount")
    third = render("{% sort_header 'Amount' 'amount' %}", query="?sort=-amount")

    assert 'href="?q=a&amp;sort=amount"' in first
    assert "aria-sort" not in first
    assert 'href="?q=a&amp;sort=-amount"' in second
    assert 'aria-sort="ascending"' in second
    assert 'aria-sort="descending"' in third


def test_a_query_changes_in_place():
    assert render("{% query_string page=2 status=None %}", query="?status=held&q=x") == "?q=x&amp;page=2"


def test_browsers_are_named():
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0"

    assert render("{{ agent|browser_name }}", agent=agent) == "Firefox · Windows"
    assert render("{{ agent|browser_name }}", agent="") == "Unknown browser"


class Order(forms.Form):
    name = forms.CharField(label="Name", max_length=5, help_text="As on the invoice.")
    page = forms.URLField(label="Page", assume_scheme="https")
    rate = forms.DecimalField(label="Rate", max_value=100)
    kind = forms.ChoiceField(label="Kind", choices=[("a", "A")], widget=forms.RadioSelect)
    agree = forms.BooleanField(label="I agree")
    note = forms.CharField(label="Note", required=False, error_messages={"required": "Say something."})

    def clean(self):
        raise ValidationError("Two rules give different rates.")


def test_a_field_ties_label_hint_error_and_control_together():
    written = render("{% field form.name suffix='!' %}", form=Order({"name": ""}))

    assert '<label for="id_name">Name</label>' in written
    assert 'id="id_name_helptext">As on the invoice.' in written
    assert 'aria-describedby="id_name_helptext id_name_error"' in written
    assert 'aria-invalid="true"' in written
    assert '<div class="affix">' in written
    assert "Fill in: Name." in written


def test_the_summary_leads_to_every_field_that_is_wrong():
    written = render(
        "{% error_summary form %}",
        form=Order({"name": "Longer than five", "page": "nowhere", "rate": "120"}),
    )

    assert 'role="alert"' in written
    assert "There are 6 problems" in written
    for target in ("id_name", "id_page", "id_rate", "id_kind_0", "id_agree"):
        assert f'href="#{target}"' in written
    assert "<li>Two rules give different rates.</li>" in written


def test_a_form_without_problems_has_no_summary():
    assert render("{% error_summary form %}", form=Order()) == ""


def test_sentences_name_the_field_and_the_way_out():
    form = Order({"name": "Longer than five", "page": "nowhere", "rate": "120", "kind": "b"})

    assert sentences_of(form["name"]) == ["Name: shorten it to 5 characters; it has 16."]
    assert sentences_of(form["page"]) == ["Page: write an address such as https://example.com/page."]
    assert sentences_of(form["rate"]) == ["Rate: write 100 or less."]
    assert sentences_of(form["kind"]) == ["Kind: choose one of the list."]
    assert sentences_of(form["agree"]) == ["Tick “I agree” to go on."]


def test_a_sentence_that_the_form_chose_itself_is_kept():
    class Own(forms.Form):
        name = forms.CharField(error_messages={"required": "Say who you are."})
        code = forms.CharField()

        def clean_code(self):
            raise ValidationError("This code is taken. Choose another.", code="invalid")

    form = Own({"name": "", "code": "x"})

    assert sentences_of(form["name"]) == ["Say who you are."]
    assert sentences_of(form["code"]) == ["This code is taken. Choose another."]


def test_optional_fields_say_so_and_required_ones_do_not():
    form = Order()

    assert "(optional)" in render("{% field form.note %}", form=form)
    assert "(optional)" not in render("{% field form.name %}", form=form)


@pytest.mark.parametrize(
    ("method", "path", "words"),
    [
        ("POST", "/api/v1/conversions", "POST /api/v1/conversions"),
        ("ROW", "/merchant/acme/uploads/send/#4", "Row 4 of a file"),
    ],
)
def test_a_request_of_the_inbox_in_words(method, path, words):
    request = SimpleNamespace(method=method, path=path)

    assert render("{{ asked|request_words }}", asked=request) == words

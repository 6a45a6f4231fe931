"""The design kit keeps its promises: contrast, budgets, no inline anything, every state on one page."""

import gzip
import re
from http import HTTPStatus
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template
from django.utils import translation

STATIC = Path(settings.BASE_DIR) / "portal" / "static" / "portal"
TEMPLATES = Path(settings.BASE_DIR) / "portal" / "templates"
CSS = (STATIC / "kit.css").read_text()

TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9A-F]{6}), (#[0-9A-F]{6})\)", CSS)
}

TEXT, MARK = 4.5, 3.0

# What stands on what, the contrast it needs, and what ux.md measured in light and dark.
PAIRS = [
    ("text", "bg", TEXT, 16.32, 16.01),
    ("text", "surface", TEXT, 17.05, 14.85),
    ("text", "sunken", TEXT, 15.19, 16.64),
    ("muted", "bg", TEXT, 6.41, 8.04),
    ("muted", "surface", TEXT, 6.70, 7.46),
    ("muted", "sunken", TEXT, 5.97, 8.36),
    ("link", "bg", TEXT, 7.64, 9.20),
    ("link", "surface", TEXT, 7.99, 8.53),
    ("focus", "bg", MARK, 7.64, 9.20),
    ("focus", "surface", MARK, 7.99, 8.53),
    ("on-accent", "accent", TEXT, 7.99, 9.26),
    ("border-strong", "bg", MARK, 3.33, 4.22),
    ("border-strong", "surface", MARK, 3.48, 3.92),
    ("pos", "pos-bg", TEXT, 5.70, 7.62),
    ("pos", "surface", TEXT, 6.50, 9.28),
    ("neg", "neg-bg", TEXT, 5.66, 7.76),
    ("neg", "surface", TEXT, 6.54, 8.57),
    ("warn", "warn-bg", TEXT, 6.09, 7.99),
    ("warn", "surface", TEXT, 6.80, 9.55),
    ("info", "info-bg", TEXT, 7.43, 8.19),
    ("neutral", "neutral-bg", TEXT, 7.14, 8.55),
    ("series-1", "surface", MARK, 7.99, 4.43),
    ("series-2", "surface", MARK, 4.55, 7.21),
    ("series-3", "surface", MARK, 3.18, 13.63),
    ("series-4", "surface", MARK, 12.35, 3.49),
    ("series-5", "surface", MARK, 3.03, 9.74),
]
# Pairs of the kit's own that ux.md does not list.
OWN_PAIRS = [
    ("text", "info-bg", TEXT),
    ("text", "neg-bg", TEXT),
    ("text", "warn-bg", TEXT),
    ("text", "pos-bg", TEXT),
    ("text", "neutral-bg", TEXT),
    ("muted", "neutral-bg", TEXT),
    ("neg", "bg", TEXT),
    ("pos", "bg", TEXT),
    ("warn", "bg", TEXT),
    ("accent", "sunken", TEXT),
    ("accent", "neutral-bg", TEXT),
    ("neutral", "surface", TEXT),
    ("bg", "text", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("on-danger", "danger", TEXT),
    ("on-danger", "danger-hover", TEXT),
    ("series-other", "surface", MARK),
]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_measured_as_wcag_defines_it():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("front", "back", "needed", "light", "dark"), PAIRS)
def test_every_pair_of_tokens_has_its_measured_contrast(front, back, needed, light, dark):
    measured = [contrast(TOKENS[front][theme], TOKENS[back][theme]) for theme in (0, 1)]

    assert measured == [pytest.approx(light, abs=0.015), pytest.approx(dark, abs=0.015)]
    assert min(measured) >= needed


@pytest.mark.parametrize(("front", "back", "needed"), OWN_PAIRS)
def test_the_kits_own_pairs_are_readable_in_both_themes(front, back, needed):
    assert min(contrast(TOKENS[front][theme], TOKENS[back][theme]) for theme in (0, 1)) >= needed


def test_the_entrances_panel_is_readable():
    assert min(contrast(front, "#0F2E63") for front in ("#FFFFFF", "#CFE0FB", "#8AB8FF")) >= TEXT


def test_the_style_sheet_and_the_script_stay_small():
    assert len(gzip.compress(CSS.encode(), 9)) <= 30_000
    assert len((STATIC / "kit.js").read_bytes()) <= 10_240


def test_sides_are_logical_so_that_right_to_left_needs_no_second_sheet():
    physical = re.findall(
        r"(?<![\w-])(?:margin|padding|border)-(?:left|right|top|bottom)\b|(?<![\w-])(?:left|right|top|bottom|width|height|min-width|max-width):(?! \d+px\))|text-align: (?:left|right)",
        re.sub(r"@media[^{]*|@page[^}]*}|/\*.*?\*/", "", CSS, flags=re.DOTALL),
    )

    assert physical == []


def test_grid_columns_can_always_shrink():
    columns = re.findall(r"grid-(?:template|auto)-columns: ([^;]+);", CSS)
    bare = [value for value in columns if re.search(r"(?<!, )\b1fr", value)]

    assert columns
    assert bare == []


def test_colours_are_tokens():
    """The entrance's brand panel, paper and the white behind a QR code are the only fixed colours."""
    after_tokens = CSS.split("@layer elements {", 1)[1]
    fixed = set(re.findall(r"#[0-9A-Fa-f]{3,8}\b", after_tokens))

    assert fixed == {"#FFFFFF", "#0F2E63", "#8AB8FF", "#CFE0FB"}


def pages():
    """Our templates; mails are apart, because mail programs know no style sheets."""
    return [path for path in TEMPLATES.rglob("*.html") if "mail" not in path.parts and "email" not in path.parts]


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_compile_and_carry_no_inline_style_or_script(path):
    source = path.read_text()

    get_template(str(path.relative_to(TEMPLATES)))
    assert not re.search(r"\sstyle\s*=", source)
    assert not re.search(r"<style", source)
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", source)
    for attributes in re.findall(r"<script([^>]*)>", source):
        assert "src=" in attributes or 'type="application/json"' in attributes


@pytest.fixture
def kit_page(client, settings):
    settings.DEBUG = True
    return client.get("/network/kit/")


def test_the_kit_page_shows_everything(kit_page):
    page = kit_page.content.decode()

    assert kit_page.status_code == HTTPStatus.OK
    for piece in (
        "kpi hero",
        "badge tone-pos",
        "error-summary",
        'class="chart columns"',
        'class="explain',
        "<dialog",
        "is-example",
        'class="timeline"',
        'class="steps"',
        'class="checklist"',
        "data-copy=",
        'class="pagination"',
    ):
        assert piece in page, piece


@pytest.mark.django_db
def test_the_kit_page_is_a_developers_page(client, settings):
    settings.DEBUG = False

    assert client.get("/network/kit/").status_code == HTTPStatus.NOT_FOUND


def test_there_is_one_primary_action_a_page(kit_page):
    head = kit_page.content.decode().split('class="page-head"')[1].split('class="stack loose"')[0]

    assert head.count('class="button"') == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_comes_from_the_cookie_so_that_nothing_flashes(client, settings, theme):
    settings.DEBUG = True
    client.cookies["theme"] = theme

    assert f'data-theme="{theme}"' in client.get("/network/kit/").content.decode()


def test_an_unknown_theme_is_ignored(client, settings):
    settings.DEBUG = True
    client.cookies["theme"] = '"><script>'
    page = client.get("/network/kit/").content.decode()

    assert "data-theme=" not in page
    assert "<script>" not in page


def test_the_theme_switch_works_without_script(client):
    chosen = client.post("/theme/", {"theme": "dark", "next": "/partner/"})

    assert chosen.headers["Location"] == "/partner/"
    assert chosen.cookies["theme"].value == "dark"

    back = client.post("/theme/", {"theme": "", "next": "https://elsewhere.example/"})

    assert back.headers["Location"] == "/"
    assert back.cookies["theme"].value == ""
    assert client.post("/theme/", {"theme": "neon"}).cookies["theme"].value == ""


def test_the_language_stands_on_the_page(client, settings):
    settings.DEBUG = True
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"

    # The test client leaves the request's language behind; the next test wants its own.
    with translation.override("en"):
        page = client.get("/network/kit/").content.decode()

    assert '<html lang="zh-Hans" dir="ltr"' in page

"""Translations: complete, in the right script, with every placeholder in place, compiled without gettext."""

import ast
import os
import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.translation.template import templatize

from portal.management.commands.compile_catalogs import compile_catalog

ROOT = Path(settings.BASE_DIR)
SOURCES = sorted(ROOT.glob("locale/*/LC_MESSAGES/*.po"))
PACKAGES = ("affiliates", "cms", "config", "ledger", "payouts", "portal", "tracking")
EVERY_CATALOGUE = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.parent.name)

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{[^{}]*\}|</?[a-z]+[^<>]*>")
HAN = re.compile(r"[\u3400-\u9fff]")
#: A character set that has the characters of one script and lacks those that only the other one uses.
CHARACTERS_OF = {"zh_Hans": "gb2312", "zh_Hant": "big5"}
#: Words that locale/README.md gives up for another, and the polite you.
NOT_OURS = ("推广者", "推廣者", "冲销", "沖銷", "您")

#: Where xgettext looks: the function's name, and which of its arguments are (context, message).
KEYWORDS = {
    "_": (None, 0), "gettext": (None, 0), "gettext_lazy": (None, 0), "gettext_noop": (None, 0),
    "ngettext": (None, 0), "ngettext_lazy": (None, 0), "pgettext": (0, 1), "pgettext_lazy": (0, 1),
    "npgettext": (0, 1), "npgettext_lazy": (0, 1),
}  # fmt: skip
_TEXT = r"""[a-zA-Z]{0,2}(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_CALL = re.compile(rf"(?<![\w.])({'|'.join(KEYWORDS)})\(\s*({_TEXT}(?:\s*,\s*{_TEXT})*)", re.DOTALL)


def messages_of_module(text):
    """(context, message) of every sentence a Python module marks for translation."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in KEYWORDS:
                context, message = KEYWORDS[name]
                words = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
                if len(words) > message and isinstance(words[message], str):
                    found.add((None if context is None else words[context], words[message]))
    return found


def messages_of_template(text):
    """The same of a template, as Django itself prepares it for xgettext."""
    found = set()
    for name, arguments in _CALL.findall(templatize(text)):
        context, message = KEYWORDS[name]
        words = [ast.literal_eval(one) for one in re.findall(_TEXT, arguments, re.DOTALL)]
        found.add((None if context is None else words[context], words[message]))
    return found


def messages_in_use():
    """Every marked sentence with the file that says it."""
    used = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"}:
                read = messages_of_module if path.suffix == ".py" else messages_of_template
                for message in read(path.read_text(encoding="utf-8")):
                    used.setdefault(message, path.relative_to(ROOT))
    return used


def texts_of(entry):
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def current(source):
    return [entry for entry in polib.pofile(str(source)) if not entry.obsolete]


@pytest.fixture
def catalogue(tmp_path):
    source = tmp_path / "zh_Hans" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "Paid"\nmsgstr "已付款"\n\n#, fuzzy\nmsgid "Sent"\nmsgstr "？"\n'
    )
    return source


def test_there_are_catalogues():
    assert {source.parent.parent.name for source in SOURCES} >= {"zh_Hans", "zh_Hant"}


def test_a_marked_sentence_is_found_wherever_it_stands():
    module = """
_("a" " b")
self.x(gettext_lazy("c"))
ngettext("one", "many", n)
pgettext("program", "Open")
_(name)
"""
    template = """{% load i18n %}
{% translate 'Its' %}{% translate "Open" context "program" %}{% include "x.html" with y=_("In") %}
{% blocktranslate count n=n trimmed %}
  {{ n }} "click"
{% plural %}
  {{ n }} clicks
{% endblocktranslate %}
<p>gettext('not marked')</p>
"""

    assert messages_of_module(module) == {(None, "a b"), (None, "c"), (None, "one"), ("program", "Open")}
    assert messages_of_template(template) == {(None, "Its"), ("program", "Open"), (None, "In"), (None, '%(n)s "click"')}


@EVERY_CATALOGUE
def test_every_sentence_of_the_product_is_in_the_catalogue(source):
    """What a fresh `makemessages` would add; found without gettext, so it runs everywhere."""
    known = {(entry.msgctxt, entry.msgid) for entry in current(source)}
    used = messages_in_use()

    assert len(used) > 1000
    assert {message: str(path) for message, path in used.items() if message not in known} == {}


@EVERY_CATALOGUE
def test_every_sentence_is_translated(source):
    assert [entry.msgid for entry in current(source) if not all(texts_of(entry))] == []


@EVERY_CATALOGUE
def test_no_translation_is_only_a_guess(source):
    assert [entry.msgid for entry in current(source) if entry.fuzzy] == []
    assert [line for line in source.read_text(encoding="utf-8").splitlines() if line.startswith("#|")] == []


@EVERY_CATALOGUE
def test_chinese_has_one_plural_form(source):
    assert polib.pofile(str(source)).metadata["Plural-Forms"] == "nplurals=1; plural=0;"
    assert [entry.msgid for entry in current(source) if entry.msgid_plural and set(entry.msgstr_plural) != {0}] == []


@EVERY_CATALOGUE
def test_a_translation_keeps_its_placeholders(source):
    for entry in current(source):
        wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural))
        for text in texts_of(entry):
            assert set(PLACEHOLDER.findall(text)) == wanted, entry.msgid


@EVERY_CATALOGUE
def test_a_translation_ends_its_lines_as_the_original_does(source):
    for entry in current(source):
        for text in texts_of(entry):
            edges = [(one.startswith("\n"), one.endswith("\n")) for one in (entry.msgid, text)]
            assert edges[0] == edges[1], entry.msgid


@EVERY_CATALOGUE
def test_chinese_uses_its_own_punctuation(source):
    for entry in current(source):
        for text in texts_of(entry):
            assert not re.search(r"[\u3400-\u9fff][,;!?:()]|[,;!?:][\u3400-\u9fff]|[\u3400-\u9fff]\.(\s|$)", text), text


@EVERY_CATALOGUE
def test_a_catalogue_keeps_to_its_own_script(source):
    characters = CHARACTERS_OF[source.parent.parent.name]
    for entry in current(source):
        for text in texts_of(entry):
            "".join(HAN.findall(text)).encode(characters)


@EVERY_CATALOGUE
def test_one_word_stands_for_one_thing(source):
    for entry in current(source):
        for text in texts_of(entry):
            assert [word for word in NOT_OURS if word in text] == [], text


def test_compiling_leaves_fuzzy_sentences_out(catalogue):
    assert compile_catalog(catalogue) == 1
    assert polib.mofile(str(catalogue.with_suffix(".mo"))).find("Paid").msgstr == "已付款"
    assert polib.mofile(str(catalogue.with_suffix(".mo"))).find("Sent") is None


def test_a_second_run_does_nothing(catalogue, settings, capsys):
    settings.LOCALE_PATHS = [catalogue.parent.parent.parent]
    call_command("compile_catalogs")
    first = capsys.readouterr().out
    call_command("compile_catalogs")
    second = capsys.readouterr().out

    assert (first, second) == ("zh_Hans: 1 messages\n", "")

    os.utime(catalogue, (catalogue.stat().st_mtime + 10,) * 2)
    call_command("compile_catalogs")

    assert capsys.readouterr().out == "zh_Hans: 1 messages\n"


def test_a_broken_catalogue_is_named(catalogue, settings):
    settings.LOCALE_PATHS = [catalogue.parent.parent.parent]
    catalogue.write_text("this is no catalogue")

    with pytest.raises(CommandError, match=r"django\.po"):
        call_command("compile_catalogs")

"""Translations: compiled without gettext, only when they changed, with every placeholder in place."""

import os
import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from portal.management.commands.compile_catalogs import compile_catalog

SOURCES = sorted(Path(settings.BASE_DIR).glob("locale/*/LC_MESSAGES/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|</?\w+>")


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


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.parent.name)
def test_a_translation_keeps_its_placeholders(source):
    for entry in polib.pofile(str(source)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                wanted = {
                    *PLACEHOLDER.findall(entry.msgid),
                    *PLACEHOLDER.findall(entry.msgid_plural),
                }
                assert set(PLACEHOLDER.findall(text)) == wanted, entry.msgid


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.parent.parent.name)
def test_chinese_uses_its_own_punctuation(source):
    for entry in polib.pofile(str(source)):
        assert not re.search(r"[\u4e00-\u9fff][,;!?:]", entry.msgstr), entry.msgstr


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

"""Builds the starter site: home, a page for each open program, help; in every language the network speaks."""

import uuid
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from wagtail.models import GroupPagePermission, Locale, Page, Site

from cms import starter
from cms.models import HomePage, ProgramPage, StandardPage
from cms.models.pages import SitePage


@transaction.atomic
def build_site() -> HomePage:
    """The site's home page; made with all its pages where there is none yet. Editors go on from there."""
    known = HomePage.objects.filter(locale=_locale("en")).first()
    if known is not None:
        return known
    root = Page.get_first_root_node()
    if root is None:
        root = Page.add_root(instance=Page(title="Root", slug="root", locale=_locale("en")))
    # Wagtail's own welcome page, and the site that points at it.
    for page in Page.objects.filter(depth=2):
        page.delete()
    root = Page.objects.get(pk=root.pk)
    home = HomePage(slug="home", locale=_locale("en"), **_home_fields("en"))
    root.add_child(instance=home)
    _point_site_at(home)
    pages: list[SitePage] = [home]
    for program in _programs():
        page = ProgramPage(
            slug=program.slug,
            title=program.name,
            program=program,
            locale=home.locale,
            body=_steps(starter.PROGRAM["en"]),
        )
        home.add_child(instance=page)
        pages.append(page)
    aid = StandardPage(slug="help", show_in_menus=True, locale=home.locale, **_help_fields("en"))
    home.add_child(instance=aid)
    pages.append(aid)
    for code, _name in settings.LANGUAGES[1:]:
        for page in pages:
            _translate(page, code)
    _let_editors_in(home)
    return home


def _translate(page: SitePage, code: str) -> None:
    copy = page.copy_for_translation(_locale(code), copy_parents=True)
    if isinstance(page, HomePage):
        fields = _home_fields(code)
    elif isinstance(page, ProgramPage):
        fields = {"body": _steps(starter.PROGRAM[code])}
    else:
        fields = _help_fields(code)
    for name, value in fields.items():
        setattr(copy, name, value)
    copy.save_revision().publish()


def _home_fields(code: str) -> dict[str, Any]:
    words = starter.HOME[code]
    return {
        "title": words["title"],
        "seo_title": words["headline"],
        "search_description": words["description"],
        "lead": words["lead"],
        "body": [
            *_steps(words),
            {"type": "program_cards", "value": {"title": words["programs"]}, "id": _id()},
            {"type": "promises", "value": _listed(words, "promises"), "id": _id()},
            _questions(words),
        ],
    }


def _help_fields(code: str) -> dict[str, Any]:
    words = starter.HELP[code]
    return {"title": words["title"], "lead": words["lead"], "body": [_questions(words)]}


def _steps(words: starter.Words) -> list[dict[str, Any]]:
    return [{"type": "steps", "value": _listed(words, "steps"), "id": _id()}]


def _questions(words: starter.Words) -> dict[str, Any]:
    title, pairs = words["questions"]
    questions = [{"type": "item", "value": {"question": q, "answer": a}, "id": _id()} for q, a in pairs]
    return {"type": "questions", "value": {"title": title, "questions": questions}, "id": _id()}


def _listed(words: starter.Words, name: str) -> dict[str, Any]:
    title, pairs = words[name]
    return {"title": title, name: [{"type": "item", "value": {"title": a, "text": b}, "id": _id()} for a, b in pairs]}


def _id() -> str:
    return str(uuid.uuid4())


def _locale(code: str) -> Locale:
    locale, _is_new = Locale.objects.get_or_create(language_code=code)
    return locale


def _point_site_at(home: HomePage) -> None:
    address = urlsplit(settings.BASE_URL)
    port = address.port or (443 if address.scheme == "https" else 80)
    fields = {
        "hostname": address.hostname or "localhost",
        "port": port,
        "root_page": home,
        "site_name": settings.NETWORK_NAME,
    }
    if not Site.objects.filter(is_default_site=True).update(**fields):
        Site.objects.create(is_default_site=True, **fields)
    Site.clear_site_root_paths_cache()


def _let_editors_in(home: HomePage) -> None:
    """Wagtail's own group of editors may work on the whole site."""
    group, _is_new = Group.objects.get_or_create(name="Editors")
    for page in Page.objects.filter(depth=2):
        for action in ("add_page", "change_page", "publish_page"):
            permission = GroupPagePermission._meta.get_field("permission").related_model.objects.get(  # noqa: SLF001
                codename=action, content_type__app_label="wagtailcore"
            )
            GroupPagePermission.objects.get_or_create(group=group, page=page, permission=permission)


def _programs() -> list[Any]:
    field = ProgramPage._meta.get_field("program")  # noqa: SLF001 - the model by its key, not by import
    return list(field.related_model.objects.filter(status="open").order_by("name"))

"""Home, program and plain pages."""

from typing import Any

from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language_info, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel
from wagtail.fields import StreamField
from wagtail.models import Page, Site
from wagtail.search import index

from cms import context as domain
from cms.blocks import BODY


class SitePage(Page):
    """What all our pages share: a lead, a body of blocks, the site's navigation and its languages."""

    lead = models.TextField(pgettext_lazy("page", "lead"), blank=True, default="")
    body = StreamField(BODY, blank=True, verbose_name=_("body"))

    content_panels = [*Page.content_panels, FieldPanel("lead"), FieldPanel("body")]
    search_fields = [*Page.search_fields, index.SearchField("lead"), index.SearchField("body")]

    class Meta:
        abstract = True

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The navigation and the same page in the other languages."""
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        root = Site.find_for_request(request).root_page.localized
        context["site_nav"] = [
            (page.title, page.get_url(request), page.pk == self.pk)
            for page in root.get_children().live().in_menu().specific().order_by("path")
        ]
        context["language_links"] = [
            (
                page.locale.language_code,
                get_language_info(page.locale.language_code)["name_local"],
                page.get_url(request),
            )
            for page in self.get_translations(inclusive=True).live().select_related("locale")
        ]
        context["footer_links"] = [
            *(
                (page.title, page.get_url(request))
                for page in root.get_children().live().type(StandardPage).order_by("path")
            ),
            (_("Published log"), reverse("log")),
        ]
        return context


class HomePage(SitePage):
    """The network's front page."""

    max_count_per_parent = 1
    parent_page_types = ["wagtailcore.Page"]
    subpage_types = ["cms.ProgramPage", "cms.StandardPage"]
    template = "cms/home_page.html"


class ProgramPage(SitePage):
    """One program's page: its figures are read from the rule engine whenever it is shown."""

    program = models.ForeignKey(
        "affiliates.Program", on_delete=models.PROTECT, related_name="+", verbose_name=_("program")
    )

    content_panels = [*Page.content_panels, FieldPanel("program"), FieldPanel("lead"), FieldPanel("body")]
    parent_page_types = ["cms.HomePage"]
    subpage_types: list[str] = []
    template = "cms/program_page.html"

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The program's facts as they are now."""
        context = super().get_context(request, *args, **kwargs)
        context["facts"] = domain.facts_of(self.program.slug)
        return context


class StandardPage(SitePage):
    """A plain page: help, privacy, contact."""

    parent_page_types = ["cms.HomePage"]
    subpage_types: list[str] = []
    template = "cms/standard_page.html"

"""What editors build pages of. Live blocks read the domain when the page is shown: nobody types a rate."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from wagtail import blocks

from cms import context as domain

LIVE = _("Live program data")
TEXT = _("Text")


class ParagraphBlock(blocks.RichTextBlock):
    """Running text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(features=["h2", "h3", "bold", "italic", "link", "ul", "ol"], **options)

    class Meta:
        icon = "pilcrow"
        group = TEXT
        template = "cms/blocks/paragraph.html"
        description = _("Headings, paragraphs, lists and links.")


class StepBlock(blocks.StructBlock):
    """One step."""

    title = blocks.CharBlock(label=_("Title"), max_length=80)
    text = blocks.TextBlock(label=_("Text"), rows=2)


class StepsBlock(blocks.StructBlock):
    """Numbered steps side by side."""

    title = blocks.CharBlock(label=_("Title"), max_length=120)
    steps = blocks.ListBlock(StepBlock(), label=_("Steps"), min_num=2, max_num=4)

    class Meta:
        icon = "list-ol"
        group = TEXT
        template = "cms/blocks/steps.html"
        description = _("Two to four numbered steps.")


class QuestionBlock(blocks.StructBlock):
    """A question and its answer."""

    question = blocks.CharBlock(label=_("Question"), max_length=160)
    answer = blocks.TextBlock(label=_("Answer"), rows=3)


class QuestionsBlock(blocks.StructBlock):
    """Frequent questions that fold."""

    title = blocks.CharBlock(label=_("Title"), max_length=120)
    questions = blocks.ListBlock(QuestionBlock(), label=_("Questions"))

    class Meta:
        icon = "help"
        group = TEXT
        template = "cms/blocks/questions.html"
        description = _("Questions that open and close.")


class PromisesBlock(blocks.StructBlock):
    """Short promises, each with a proof."""

    title = blocks.CharBlock(label=_("Title"), max_length=120)
    promises = blocks.ListBlock(StepBlock(), label=_("Promises"), min_num=2, max_num=6)

    class Meta:
        icon = "pick"
        group = TEXT
        template = "cms/blocks/promises.html"
        description = _("What we promise, in a grid.")


class ProgramCardsBlock(blocks.StructBlock):
    """Every open program with its rate as it is now."""

    title = blocks.CharBlock(label=_("Title"), max_length=120)

    def get_context(self, value: Any, parent_context: dict[str, Any] | None = None) -> dict[str, Any]:
        """The programs, read when the page is shown."""
        context: dict[str, Any] = super().get_context(value, parent_context)
        context["programs"] = domain.open_programs()
        return context

    class Meta:
        icon = "table"
        group = LIVE
        template = "cms/blocks/program_cards.html"
        description = _("All open programs, with live rates.")


BODY = [
    ("paragraph", ParagraphBlock()),
    ("steps", StepsBlock()),
    ("promises", PromisesBlock()),
    ("questions", QuestionsBlock()),
    ("program_cards", ProgramCardsBlock()),
]

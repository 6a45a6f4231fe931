"""Creatives as code for a partner's page, and which HTML of a merchant's may stand there.

A partner pastes the code into its own site, so that it holds words, pictures and links and nothing that runs.
"""

from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from tracking.errors import CreativeRefused

#: Stands for the partner's own link in a merchant's HTML.
LINK = "{link}"
LONGEST_HTML = 8_000

_TAGS = frozenset({
    "a", "abbr", "b", "blockquote", "br", "button", "cite", "div", "em", "figcaption", "figure", "h2", "h3", "h4", "hr",
    "i", "img", "li", "ol", "p", "picture", "q", "s", "section", "small", "span", "strong", "sub", "sup", "table",
    "tbody", "td", "th", "thead", "tr", "u", "ul",
})  # fmt: skip
_ATTRIBUTES = frozenset({
    "alt", "align", "class", "colspan", "dir", "height", "href", "lang", "rel", "rowspan", "src", "style", "target",
    "title", "width",
})  # fmt: skip


class _Reader(HTMLParser):
    """Notes what may not stand in a partner's page, and whether the link is there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong = ""
        self.has_link = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        if tag not in _TAGS:
            self.wrong = self.wrong or f"<{tag[:20]}>"
        for name, value in attrs:
            text = (value or "").strip()
            if name not in _ATTRIBUTES or (name == "style" and _loads(text)):
                self.wrong = self.wrong or f"{name[:20]}="
            elif name == "href":
                # The only way out of the piece is the partner's link: no visitor leaves uncounted.
                if text != LINK:
                    self.wrong = self.wrong or f"href={text[:40]}"
                self.has_link = self.has_link or text == LINK
            elif name == "src" and urlsplit(text).scheme.lower() != "https":
                self.wrong = self.wrong or f"src={text[:40]}"

    def handle_comment(self, data: str) -> None:
        """Old browsers run comments that carry a condition."""
        self.wrong = self.wrong or "<!--"

    def handle_decl(self, decl: str) -> None:
        """No document of its own."""
        self.wrong = self.wrong or "<!"

    def unknown_decl(self, data: str) -> None:
        """Nor such a thing as CDATA."""
        self.wrong = self.wrong or "<!["

    def handle_pi(self, data: str) -> None:
        """Nor a processing instruction."""
        self.wrong = self.wrong or "<?"


def read_html(text: str) -> str:
    """HTML that may stand in a partner's page. Raises CreativeRefused: html_too_long, html_unsafe, html_no_link."""
    text = text.strip()
    if len(text) > LONGEST_HTML:
        raise CreativeRefused(f"The HTML has at most {LONGEST_HTML:,} characters.", code="html_too_long", field="text")
    reader = _Reader()
    reader.feed(text)
    reader.close()
    # What is left open at the end would swallow the page that follows.
    if reader.rawdata or reader.wrong or text.rfind("<") > text.rfind(">"):
        raise CreativeRefused(
            f"{reader.wrong or "An open <"} may not stand in a partner's page. Use words, pictures over https and "
            f'links with href="{LINK}".',
            code="html_unsafe", field="text",
        )  # fmt: skip
    if not reader.has_link:
        raise CreativeRefused(f'The HTML has no link. Write <a href="{LINK}">…</a>.', code="html_no_link", field="text")
    return text


def code_of(kind: str, text: str, *, link: str, view: str, image: str = "", width: int = 0, height: int = 0) -> str:
    """What a partner pastes: the creative with the link inside, and the point that counts that it was seen."""
    href = escape(link)
    if kind == "image":
        shown = f'<img src="{escape(image)}" width="{width}" height="{height}" alt="{escape(text)}">'
    else:
        shown = escape(text)
    body = text.replace(LINK, href) if kind == "html" else f'<a href="{href}" rel="sponsored noopener">{shown}</a>'
    return f'{body}<img src="{escape(view)}" width="1" height="1" alt="">'


def with_creative(address: str, creative: str) -> str:
    """A tracked address that says which creative or deal brought the visitor."""
    return f"{address}{'&' if '?' in address else '?'}{urlencode({'creative': creative})}"


def _loads(style: str) -> bool:
    low = style.lower()
    return any(sign in low for sign in ("url", "expression", "import", "\\", "position", "behavior", "-moz-binding"))

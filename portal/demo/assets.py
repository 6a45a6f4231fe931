"""Creatives and deals in the demo: what two merchants give their partners, planned, live and ended."""

from datetime import timedelta
from typing import TYPE_CHECKING

from portal.demo.cast import PARTNERS
from portal.demo.drawing import draw_banner
from tracking.creatives import CreativeDraft, add_creative
from tracking.deals import DealDraft, add_deal

if TYPE_CHECKING:
    from portal.demo.play import Stage

_HTML = (
    "<table><tr><td><strong>Ridge tent</strong><br>1.4 kg, two people, four seasons</td></tr>"
    '<tr><td><a href="{link}">See it at Acme Outdoor</a></td></tr></table>'
)
#: Name, width, height, sky, hill.
_BANNERS = (
    ("Autumn, rectangle", 300, 250, (226, 190, 140), (120, 84, 50)),
    ("Autumn, leaderboard", 728, 90, (226, 190, 140), (120, 84, 50)),
    ("Winter tents, mobile", 320, 100, (176, 206, 236), (70, 96, 130)),
)


def play_assets(stage: "Stage") -> None:
    """A library for Acme's partners, and four deals: for all, for one, one to come, one that is over."""
    program = stage.network.programs["acme"]
    by, page, now = stage.network.users["merchant@demo.example"], program.landing_url, stage.now
    since = now - timedelta(days=30)
    drafts = [
        CreativeDraft(
            name=name, kind="image", text="A tent below a ridge", target_url=f"{page}?product={number}", language="en",
            starts_at=since, picture=draw_banner(width, height, sky, hill),
        )
        for number, (name, width, height, sky, hill) in enumerate(_BANNERS, start=1)
    ]  # fmt: skip
    drafts += [
        CreativeDraft(
            "Ridge tent, words", "text", "The tent we take above 3,000 metres", f"{page}?product=1", "en", since
        ),
        CreativeDraft("Zelte, Wörter", "text", "Zelte für vier Jahreszeiten", page, "de", since),
        CreativeDraft("Ridge tent, table", "html", _HTML, f"{page}?product=1", "en", since),
        CreativeDraft("Summer sale", "text", "Summer sale at Acme Outdoor", page, "en", since, now - timedelta(days=9)),
    ]
    for draft in drafts:
        add_creative(program, draft, by=by, at=since)
    maya = [one.enrolment for one in stage.network.places if one.shop.slug == "acme" and one.partner is PARTNERS[0]]
    for deal in (
        DealDraft(
            "15% off all tents", since, now + timedelta(days=12), "From 100 on. Not on gift cards.", "TENT15", page
        ),
        DealDraft("Free boots wax with every pair", since, None, "While there is some.", "", f"{page}?product=3"),
        DealDraft(
            "20% for Maya's readers", since, now + timedelta(days=5), "One order each.", "MAYA20", page, maya[:1]
        ),
        DealDraft("Winter sale", now + timedelta(days=20), now + timedelta(days=34), "", "WINTER", page),
        DealDraft("Late summer", since, now - timedelta(days=8), "", "SUMMER", page),
    ):
        add_deal(program, deal, by=by, at=since)

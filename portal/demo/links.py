"""Links in the demo as their owners use them: named codes, aliases, presets, bulk, routing rules, UTM, a host of its own."""

from datetime import timedelta
from typing import TYPE_CHECKING

from portal.demo.cast import PARTNERS
from tracking import links
from tracking.domains import add_domain
from tracking.links import LinkDraft
from tracking.program_settings import change_tracking, offer_page

if TYPE_CHECKING:
    from datetime import datetime

    from portal.demo.people import Place
    from portal.demo.play import Stage

#: What Maya pastes for her autumn articles, all in one go.
_ARTICLES = (
    ("Tent test 2026", 1, "tent-test"),
    ("Pack list, four days", 2, "pack-list"),
    ("Boots after 500 km", 3, "boots-500"),
    ("Layers for October", 4, "layers"),
    ("Cooking above the tree line", 5, "stoves"),
)


def name_links(stage: "Stage") -> None:
    """Before anybody clicks: the first partner's links with names of its own, and one for each of its articles."""
    place = _first_place(stage)
    if place is None:
        return
    at, page = place.since + timedelta(hours=2), place.enrolment.program.landing_url
    named = links.create_link(place.enrolment, label="Profile page", code="maya", presets={"sub1": "profile"}, at=at)
    letter = links.create_link(
        place.enrolment, destination=f"{page}?product=2", label="Newsletter", code="maya-letter",
        presets={"sub1": "newsletter"}, utm={"utm_campaign": "letter"}, at=at,
    )  # fmt: skip
    drafts = [
        LinkDraft(f"{page}?product={number}", label, presets={"sub1": "article", "sub2": mark})
        for label, number, mark in _ARTICLES
    ]
    made = links.create_links(place.enrolment, drafts, at=at + timedelta(days=1))
    place.links.extend([named, letter, *(one.link for one in made if one.link is not None)])


def play_links(stage: "Stage") -> None:
    """One merchant decides how links to it behave; its first partner routes, renames and retires some of its own."""
    at = stage.now - timedelta(days=20)
    _shape_program(stage, at=at)
    place = _first_place(stage)
    if place is not None:
        _shape_links(place, stage, at=at)


def _first_place(stage: "Stage") -> "Place | None":
    """Maya's place at Acme, where she has one."""
    found = (one for one in stage.network.places if one.shop.slug == "acme" and one.partner is PARTNERS[0])
    return next(found, None)


def _shape_program(stage: "Stage", *, at: "datetime") -> None:
    """Pages to choose from, what is added to addresses, a rule for all links, two hosts on their way."""
    program, merchant = stage.network.programs["acme"], stage.network.merchants["acme"]
    owner, page = stage.network.users["merchant@demo.example"], program.landing_url
    for number, name in enumerate(("Ridge tent", "Trail pack 38", "Alpine boots"), start=1):
        offer_page(program, name=name, url=f"{page}?product={number}", by=owner, at=at)
    change_tracking(
        program, by=owner, at=at,
        utm_template={"utm_source": "{affiliate}", "utm_medium": "affiliate", "utm_campaign": "{sub1}"},
        routing=[
            {"when": {"country": ["AU", "NZ"]}, "do": "redirect", "url": f"{page}?product=4"},
            {"when": {"country": ["RU"]}, "do": "block"},
        ],
        traffic_back_url=page,
    )  # fmt: skip
    add_domain(merchant, "go.acme.example", program=program, by=owner, at=stage.now - timedelta(hours=3))
    add_domain(merchant, "links.acme-outdoor.example", by=owner, at=stage.now - timedelta(days=9))


def _shape_links(place: "Place", stage: "Stage", *, at: "datetime") -> None:
    """The link with a name gets another; the newsletter leads phones elsewhere; an article has had its day."""
    page = place.enrolment.program.landing_url
    by_label = {link.label: link for link in place.links}
    if named := by_label.get("Profile page"):
        links.add_alias(links.rename_link(named, "maya-chen", at=at), "maya-yt", at=at + timedelta(days=3))
    if letter := by_label.get("Newsletter"):
        links.route_link(
            letter,
            [
                {"when": {"device": ["mobile"], "share": 50}, "do": "redirect", "url": f"{page}?product=3"},
                {"when": {"device": ["mobile"], "share": 50}, "do": "redirect", "url": f"{page}?product=4"},
                {
                    "when": {"from": f"{stage.now - timedelta(days=5):%Y-%m-%d}T00:00:00Z", "country": ["CA"]},
                    "do": "redirect", "url": f"{page}?product=1",
                },
            ],
            at=at,
        )  # fmt: skip
    if old := by_label.get(_ARTICLES[-1][0]):
        links.retire_link(old, at=at + timedelta(days=8))

"""What the API answers about creatives and deals."""

from datetime import datetime

from ninja import Schema


class CreativeOut(Schema):
    """A banner, text link or piece of HTML; `link` and `html` are the asking partner's own, null without a link."""

    id: str
    program: str
    name: str
    kind: str
    text: str
    url: str
    language: str | None
    width: int | None
    height: int | None
    picture: str | None
    starts_at: datetime
    ends_at: datetime | None
    state: str
    link: str | None
    html: str | None


class Creatives(Schema):
    """A page of creatives; `next` is the address of the following page."""

    data: list[CreativeOut]
    next: str | None


class DealOut(Schema):
    """A dated offer; `link` is the asking partner's own, null without a link."""

    id: str
    program: str
    title: str
    terms: str
    code: str | None
    url: str
    starts_at: datetime
    ends_at: datetime | None
    exclusive: bool
    state: str
    link: str | None


class Deals(Schema):
    """A page of deals; `next` is the address of the following page."""

    data: list[DealOut]
    next: str | None

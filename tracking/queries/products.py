"""What pages and keys are told of products: a merchant's feeds, and what a partner may promote, with its own tracked addresses."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import quote
from uuid import UUID

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from affiliates.models import Affiliate, Enrolment, Merchant, Program
from ledger.currencies import digits
from tracking.errors import LinkQuotaReached
from tracking.links import create_link
from tracking.models import FeedRefusal, Link, Product, ProductFeed, ProgramTracking
from tracking.queries.links import addresses_of

#: The label of the link that a place's products are promoted by.
LABEL = "Products"
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Question:
    """What a partner looks for; empty parts ask nothing. Prices are in major units of each product's own currency."""

    words: str = ""
    category: str = ""
    brand: str = ""
    program: str = ""
    currency: str = ""
    least: Decimal | None = None
    most: Decimal | None = None
    is_in_stock: bool = False
    is_on_sale: bool = False


def feeds_in(merchant: Merchant) -> list[tuple[Program, ProductFeed | None, bool]]:
    """A merchant's programs, their feeds, and whether partners may link to single pages at all."""
    programs = list(merchant.programs.order_by("name"))
    feeds = {feed.program_id: feed for feed in ProductFeed.objects.filter(program__in=programs)}
    shut = _shut(program.pk for program in programs)
    return [(program, feeds.get(program.pk), program.pk not in shut) for program in programs]


def open_feed(program: Program, *, at: datetime) -> ProductFeed:
    """The feed of a program that the caller has opened; an unsaved one where there is none."""
    return ProductFeed.objects.filter(program=program).first() or ProductFeed(program=program, created_at=at)


def refusals_of(feed: ProductFeed) -> QuerySet[FeedRefusal]:
    """The refused rows, in their order."""
    return feed.refusals.order_by("number")


def may_link_to_products(program: Program) -> bool:
    """Whether partners may link to single pages of the program."""
    return program.pk not in _shut([program.pk])


def products_in(merchant: Merchant) -> QuerySet[Product]:
    """What a merchant's programs sell, newest first."""
    return _loaded(Product.objects.filter(program__merchant=merchant, gone_at=None))


def products_for(affiliate: Affiliate) -> QuerySet[Product]:
    """What an affiliate may promote by single pages: of the open programs it has an approved place in, newest first."""
    places = Enrolment.objects.filter(affiliate=affiliate, status=Enrolment.Status.APPROVED)
    shut = ProgramTracking.objects.filter(deep_links=False).values("program_id")
    return _loaded(
        Product.objects.filter(
            program__in=places.values("program_id"), program__status=Program.Status.OPEN, gone_at=None
        ).exclude(program__in=shut)
    )


def _loaded(rows: QuerySet[Product]) -> QuerySet[Product]:
    return rows.select_related("program__merchant").order_by("-pk").fetch_mode(models.FETCH_RAISE)


def asked_for(rows: QuerySet[Product], question: Question) -> QuerySet[Product]:
    """The products that answer a question. Every word must be there, in title, brand, category or SKU."""
    for word in question.words.replace("\0", " ").lower().split()[:10]:
        rows = rows.filter(words__contains=word)
    same = {"category": question.category, "brand": question.brand, "program__slug": question.program}
    rows = rows.filter(**{name: value.replace("\0", "\ufffd") for name, value in same.items() if value})
    if question.currency:
        rows = rows.filter(currency=question.currency.replace("\0", "\ufffd"))
    if question.least is not None or question.most is not None:
        rows = rows.annotate(now_minor=Coalesce("sale_price_minor", "price_minor")).filter(_between(rows, question))
    if question.is_in_stock:
        rows = rows.filter(availability=Product.Availability.IN_STOCK)
    return rows.filter(sale_price_minor__isnull=False) if question.is_on_sale else rows


def _between(rows: QuerySet[Product], question: Question) -> Q:
    """The bounds in minor units of each currency there is: 20 is 2000 cents, and 20 yen."""
    found = Q(pk__in=[])
    for currency in rows.order_by("currency").values_list("currency", flat=True).distinct():
        unit = 10 ** digits(currency)
        one = Q(currency=currency)
        if question.least is not None:
            one &= Q(now_minor__gte=int((question.least * unit).to_integral_value()))
        if question.most is not None:
            one &= Q(now_minor__lte=int((question.most * unit).to_integral_value()))
        found |= one
    return found


def programs_with_products(affiliate: Affiliate) -> list[tuple[str, str]]:
    """(slug, name) of the programs whose products an affiliate may promote."""
    found = products_for(affiliate).order_by("program__name").values_list("program__slug", "program__name")
    return list(found.distinct())


def categories_for(affiliate: Affiliate, *, most: int = 200) -> list[str]:
    """The categories of what an affiliate may promote, by name."""
    found = products_for(affiliate).exclude(category="").order_by("category").values_list("category", flat=True)
    return list(found.distinct()[:most])


def bases_for(affiliate: Affiliate, programs: Iterable[UUID], *, at: datetime) -> dict[UUID, str]:
    """By program, the address of the affiliate's own link that its products are promoted by; made where there is none.

    Twice is once: the link is found by its label, and the database lets only one be.
    """
    wanted = set(programs)
    if not wanted:
        return {}
    # The database knows the label of each; that it leads to the program's own page is what create_link checks.
    links = {
        link.program_id: link
        for link in Link.objects.filter(
            affiliate=affiliate, program__in=wanted, label=LABEL, presets={}, status=Link.Status.ACTIVE,
            destination__startswith=F("program__landing_url"),
        ).select_related("program").order_by("pk")
    }  # fmt: skip
    missing = wanted - links.keys()
    if missing:
        for place in Enrolment.objects.filter(
            affiliate=affiliate, program__in=missing, status=Enrolment.Status.APPROVED
        ).select_related("program__merchant", "affiliate"):
            try:
                links[place.program_id] = create_link(place, label=LABEL, at=at)
            except LinkQuotaReached:
                # A place with all the links there may be has one that will do.
                own = Link.objects.filter(enrolment=place).select_related("program").order_by("pk")[0]
                links[place.program_id] = own
    addresses = addresses_of(links.values())
    return {program: addresses[link.pk] for program, link in links.items()}


def tracked(base: str, page: str) -> str:
    """The address of a page by way of a link."""
    return f"{base}{'&' if '?' in base else '?'}url={quote(page, safe='')}"


def with_links(rows: Iterable[Product], affiliate: Affiliate, *, at: datetime) -> Iterator[tuple[Product, str]]:
    """Each product with the affiliate's own address for it; links are looked up as programs come by."""
    bases: dict[UUID, str] = {}
    for product in rows:
        if product.program_id not in bases:
            bases |= bases_for(affiliate, [product.program_id], at=at)
        base = bases.get(product.program_id)
        yield product, tracked(base, product.url) if base else ""


def stream(rows: QuerySet[Product]) -> Iterator[Product]:
    """The products one by one, never all of them in memory."""
    return rows.iterator(chunk_size=_CHUNK)


def facts_of(product: Product, link: str) -> Mapping[str, object]:
    """A product as machines read it; amounts as decimal text in major units."""
    sale = product.sale_price
    return {
        "id": product.public_id,
        "program": product.program.public_id,
        "program_name": product.program.name,
        "sku": product.sku,
        "title": product.title,
        "price": product.price.major,
        "sale_price": sale.major if sale else None,
        "currency": product.currency,
        "availability": product.availability,
        "category": product.category,
        "brand": product.brand,
        "image": product.image_url or None,
        "page": product.url,
        "link": link or None,
        "changed_at": product.changed_at.isoformat().replace("+00:00", "Z"),
    }


def _shut(programs: Iterable[UUID]) -> set[UUID]:
    found = ProgramTracking.objects.filter(program__in=list(programs), deep_links=False)
    return set(found.values_list("program_id", flat=True))

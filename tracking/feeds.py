"""Product feeds: set up by a merchant, fetched when due or sent as a file, and made into the program's products."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from affiliates.fetching import fetch_file
from affiliates.models import Program, User
from affiliates.outside import AddressRefused, Unreachable, read_address
from ledger.errors import Refusal
from ledger.journal import record_event
from tracking.errors import InputRefused
from tracking.feed_reading import FeedUnreadable, kind_of, read_rows
from tracking.feed_values import ProductFacts, RowRefused, read_product
from tracking.models import FeedRefusal, Product, ProductFeed

#: How often an address may be fetched, in hours.
EVERY_HOURS = (1, 6, 12, 24, 168)
#: Of the refused rows so many are kept; the count is of all.
MOST_REFUSALS_KEPT = 10_000
#: A fetch that has not ended after this long died; another may begin.
_DEAD_AFTER = timedelta(minutes=15)
#: After a failure it is tried again so soon, then twice as long after each further one, up to the feed's own hours.
_SOONEST_AGAIN = timedelta(minutes=15)
_BATCH = 1_000
_FIELDS = (
    "title", "price_minor", "sale_price_minor", "currency", "availability", "category", "brand", "image_url", "url",
    "words",
)  # fmt: skip


def feed_of(program: Program, *, at: datetime) -> ProductFeed:
    """The program's feed; an empty one is made where there is none."""
    return ProductFeed.objects.get_or_create(program=program, defaults={"created_at": at})[0]


def set_address(program: Program, url: str, *, every_hours: int, by: User | None, at: datetime) -> ProductFeed:
    """Say where the feed is fetched, and how often; empty: no more. It is due at once when the address is another.

    Raises AddressRefused, InputRefused. The products stay until the next feed has been read.
    """
    if every_hours not in EVERY_HOURS:
        raise InputRefused(f"every_hours is one of {', '.join(map(str, EVERY_HOURS))}.", field="every_hours")
    address = url.strip() and read_address(url, allow_local=settings.ALLOW_LOCAL_DESTINATIONS)
    with transaction.atomic():
        feed = _locked(feed_of(program, at=at))
        if (feed.url, feed.every_hours) == (address, every_hours):
            return feed
        if feed.url != address:
            feed.url, feed.etag, feed.last_modified = address, "", ""
            feed.reason, feed.detail, feed.failures = "", "", 0
            feed.next_at = at if address else None
        elif feed.asked_at is not None:
            feed.next_at = max(at, feed.asked_at + timedelta(hours=every_hours))
        feed.every_hours = every_hours
        feed.save()
        _tell("feed.address_set", feed, by=by, at=at, host=address.split("/")[2] if address else "", hours=every_hours)
    return feed


def ask_now(feed: ProductFeed, *, by: User | None, at: datetime) -> ProductFeed:
    """Have the feed fetched as soon as a worker comes by. Raises InputRefused without an address."""
    if not feed.url:
        raise InputRefused("The feed has no address. Give one first, or send a file.", field="url")
    with transaction.atomic():
        ProductFeed.objects.filter(pk=feed.pk).update(next_at=at)
        _tell("feed.asked_for", feed, by=by, at=at)
    return feed.refreshed()


def take_file(program: Program, content: bytes, *, name: str, by: User | None, at: datetime) -> ProductFeed:
    """Read a feed that was sent as a file. Raises FeedUnreadable; then the products are as they were."""
    if len(content) > settings.FEED_MOST_BYTES:
        raise FeedUnreadable(
            f"The file is larger than {settings.FEED_MOST_BYTES // 1_000_000} MB. Serve it at an address in parts.",
            code="feed_too_long",
        )
    feed = feed_of(program, at=at)
    with transaction.atomic():
        locked = _locked(feed)
        locked.asked_at, locked.file_name = at, name[:200].replace("\0", "")
        _read_into(locked, content, by=by, at=at)
    return feed.refreshed()


def withdraw_products(feed: ProductFeed, *, by: User | None, at: datetime) -> int:
    """Take all products out of the lists, until the next feed is read; how many there were."""
    with transaction.atomic():
        locked = _locked(feed)
        count = Product.objects.filter(program_id=feed.program_id, gone_at=None).update(gone_at=at, changed_at=at)
        if count:
            locked.product_count, locked.gone_count, locked.sha256 = 0, count, ""
            locked.etag = locked.last_modified = ""
            locked.save()
            _tell("feed.withdrawn", locked, by=by, at=at, products=count)
    return count


def fetch_due_feeds(*, at: datetime, seconds: float = 240.0, clock: Any = None) -> int:
    """Fetch the feeds that are due, the longest due first; how many. What is left is due for the next one who asks."""
    done = 0
    due = ProductFeed.objects.filter(next_at__lte=at).exclude(url="").order_by("next_at").values_list("pk", flat=True)
    for key in list(due[:200]):
        if clock is not None and clock() > at + timedelta(seconds=seconds):
            break
        done += fetch_feed(key, at=at)
    return done


def fetch_feed(key: object, *, at: datetime) -> bool:
    """Fetch one feed if it is due and nobody else is at it; whether it was. What goes wrong is written down with it."""
    free = Q(fetching_since=None) | Q(fetching_since__lt=at - _DEAD_AFTER)
    if not ProductFeed.objects.filter(free, pk=key, next_at__lte=at).exclude(url="").update(fetching_since=at):
        return False
    feed = ProductFeed.objects.select_related("program").get(pk=key)
    try:
        _fetch(feed, at=at)
    except (AddressRefused, Unreachable) as trouble:
        _note_failure(feed, trouble.code, str(trouble), at=at)
    except FeedUnreadable as refusal:
        _note_failure(feed, refusal.code, refusal.message, at=at)
    return True


def _fetch(feed: ProductFeed, *, at: datetime) -> None:
    # The same bytes are read again when the program's hosts have changed since, for rows are judged by them.
    is_as_read = bool(feed.sha256) and feed.sha256[:16] == _digest_of_hosts(feed.program)
    known = {"If-None-Match": feed.etag, "If-Modified-Since": feed.last_modified} if is_as_read else {}
    answer = fetch_file(
        feed.url,
        headers={name: value for name, value in known.items() if value} | {"User-Agent": "affiliate-network-feeds/1"},
        most_bytes=settings.FEED_MOST_BYTES,
        seconds=settings.FEED_SECONDS,
        allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
    )
    if answer.status not in {200, 304}:
        words = "Redirects are not followed: give the final address." if 300 <= answer.status < 400 else ""
        raise Unreachable("feed_answer", f"The address answered {answer.status}. {words}".strip())
    with transaction.atomic():
        locked = _locked(feed)
        if locked.url != feed.url:
            # The address was changed meanwhile, and the new one is due.
            locked.fetching_since = None
            locked.save(update_fields=["fetching_since"])
            return
        locked.asked_at, locked.fetching_since = at, None
        locked.next_at = at + timedelta(hours=locked.every_hours)
        if answer.status == 304:
            locked.reason, locked.detail, locked.failures = "", "", 0
            locked.save()
            return
        locked.file_name = ""
        _read_into(locked, answer.content, by=None, at=at)
        locked.etag = _plain(answer.headers.get("etag", ""), 500)
        locked.last_modified = _plain(answer.headers.get("last-modified", ""), 100)
        locked.save(update_fields=["etag", "last_modified"])


def _plain(text: str, longest: int) -> str:
    """A header's value as it may be sent back; one that is too long or odd is not kept."""
    return text if len(text) <= longest and text.isascii() and text.isprintable() else ""


def _note_failure(feed: ProductFeed, code: str, detail: str, *, at: datetime) -> None:
    with transaction.atomic():
        locked = _locked(feed)
        locked.fetching_since, locked.asked_at = None, at
        if locked.url == feed.url:
            wait = min(_SOONEST_AGAIN * 2 ** min(locked.failures, 12), timedelta(hours=locked.every_hours))
            locked.next_at = at + wait
            locked.failures += 1
            locked.reason, locked.detail = code[:40], detail[:2000]
            if locked.failures == 1:
                _tell("feed.failed", locked, by=None, at=at, reason=locked.reason)
        locked.save()


# ── From rows to products ────────────────────────────────────────────────────────────────


def _read_into(feed: ProductFeed, content: bytes, *, by: User | None, at: datetime) -> None:
    """Make the program's products what the feed says, all or nothing. Raises FeedUnreadable."""
    digest = _digest(content, feed.program)
    feed.reason, feed.detail, feed.failures = "", "", 0
    if feed.sha256 == digest:
        feed.save()
        return
    kind = kind_of(content)
    refused: list[FeedRefusal] = []
    seen: dict[str, int] = {}
    counts = {"rows": 0, "refused": 0, "new": 0, "changed": 0}
    for batch in _batches(_judged(feed.program, content, kind, seen)):
        good: list[ProductFacts] = []
        for number, verdict in batch:
            counts["rows"] += 1
            if isinstance(verdict, ProductFacts):
                good.append(verdict)
                continue
            counts["refused"] += 1
            if len(refused) < MOST_REFUSALS_KEPT:
                refused.append(_refusal_row(feed, number, verdict))
        new, changed = _store(feed.program, good, at=at)
        counts["new"] += new
        counts["changed"] += changed
    if not seen:
        first = f" The first refused row says: {refused[0].detail}" if refused else ""
        # Most likely a mistake: an empty file must not empty a shop.
        raise FeedUnreadable(f"There is no product in it; the products stay as they were.{first}", code="feed_empty")
    gone = _let_go(feed.program, seen, at=at)
    feed.refusals.all().delete()
    FeedRefusal.objects.bulk_create(refused, batch_size=_BATCH)
    feed.sha256, feed.kind, feed.read_at = digest, kind, at
    feed.row_count, feed.product_count, feed.refused_count = counts["rows"], len(seen), counts["refused"]
    feed.new_count, feed.changed_count, feed.gone_count = counts["new"], counts["changed"], gone
    feed.save()
    _tell("feed.read", feed, by=by, at=at, products=len(seen), gone=gone, **counts)


def _judged(
    program: Program, content: bytes, kind: str, seen: dict[str, int]
) -> Iterator[tuple[int, ProductFacts | RowRefused]]:
    """Every row as a product, or why it is none; `seen` learns the SKUs and where they came first."""
    for number, row in read_rows(content, kind):
        if isinstance(row, RowRefused):
            yield number, row
            continue
        try:
            facts = read_product(
                row, currency=program.currency, allowed_hosts=program.allowed_hosts,
                allow_local=settings.ALLOW_LOCAL_DESTINATIONS,
            )  # fmt: skip
        except RowRefused as refusal:
            yield number, refusal
            continue
        first = seen.setdefault(facts.sku, number)
        if first != number:
            yield number, RowRefused(
                f"sku {facts.sku} came before, in row {first}. Give each product its own.",
                field="sku", code="feed_sku_twice", sku=facts.sku,
            )  # fmt: skip
        else:
            yield number, facts


def _batches[T](rows: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(rows)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def _store(program: Program, good: list[ProductFacts], *, at: datetime) -> tuple[int, int]:
    """Write the products of a batch that are new or other than before; how many of each."""
    if not good:
        return 0, 0
    known = {one.sku: one for one in Product.objects.filter(program=program, sku__in=[facts.sku for facts in good])}
    new, changed = [], []
    for facts in good:
        values = _values_of(facts)
        before = known.get(facts.sku)
        if before is None:
            new.append(Product(program=program, sku=facts.sku, first_seen_at=at, changed_at=at, **values))
        elif before.gone_at is not None or any(getattr(before, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(before, name, value)
            before.gone_at, before.changed_at = None, at
            changed.append(before)
    Product.objects.bulk_create(new)
    if changed:
        # One statement for all of them, where an update of each would be as many.
        Product.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=[*_FIELDS, "gone_at", "changed_at"]
        )
    return len(new), len(changed)


def _values_of(facts: ProductFacts) -> dict[str, Any]:
    return {
        "title": facts.title,
        "price_minor": facts.price.minor,
        "sale_price_minor": None if facts.sale_price is None else facts.sale_price.minor,
        "currency": facts.price.currency,
        "availability": facts.availability,
        "category": facts.category,
        "brand": facts.brand,
        "image_url": facts.image_url,
        "url": facts.url,
        "words": " ".join([facts.title, facts.brand, facts.category, facts.sku]).lower(),
    }


def _let_go(program: Program, seen: dict[str, int], *, at: datetime) -> int:
    """Mark the products gone that are no more in the feed; how many."""
    listed = Product.objects.filter(program=program, gone_at=None).values_list("pk", "sku")
    missing = [key for key, sku in listed.iterator(chunk_size=5_000) if sku not in seen]
    for start in range(0, len(missing), _BATCH):
        Product.objects.filter(pk__in=missing[start : start + _BATCH]).update(gone_at=at, changed_at=at)
    return len(missing)


def _refusal_row(feed: ProductFeed, number: int, refusal: RowRefused) -> FeedRefusal:
    return FeedRefusal(
        feed=feed, number=number, sku=refusal.sku[:100], field=(refusal.field or "")[:40], code=refusal.code,
        detail=refusal.message[:1000].replace("\0", "\ufffd"),
    )  # fmt: skip


def _digest(content: bytes, program: Program) -> str:
    """16 signs for the hosts and the currency by which rows are judged, 48 for the bytes."""
    return _digest_of_hosts(program) + hashlib.sha256(content).hexdigest()[:48]


def _digest_of_hosts(program: Program) -> str:
    return hashlib.sha256(" ".join([program.currency, *program.allowed_hosts]).encode()).hexdigest()[:16]


def _locked(feed: ProductFeed) -> ProductFeed:
    """The feed as it is now; whoever else reads into it waits."""
    locked: ProductFeed = (
        ProductFeed.objects.select_related("program__merchant").select_for_update(of=("self",)).get(pk=feed.pk)
    )
    return locked


def _tell(event: str, feed: ProductFeed, *, by: User | None, at: datetime, **data: Any) -> None:
    program = feed.program
    record_event(
        event, feed.public_id, at=at, actor=by.public_id if by else "",
        about=[program.public_id, program.merchant.public_id], data=data,
    )  # fmt: skip


def refusal_of(feed: ProductFeed) -> Refusal | None:
    """Why the last attempt brought nothing, where it did not."""
    return FeedUnreadable(feed.detail, code=feed.reason) if feed.reason else None

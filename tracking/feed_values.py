"""What a row of a product feed says, value by value: from the words of many shops to one product, or a refusal that names the field.

The names understood are those of Google's product data specification, and those other networks' feeds use for the same
things (`_ALIASES`). Pure: nothing here asks the database.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.currencies import digits
from ledger.errors import CurrencyUnknown, MoneyUnreadable, Refusal
from ledger.money import Money
from tracking.destinations import DestinationRefused, read_destination

#: The columns of our own template, in its order.
COLUMNS = ("sku", "title", "price", "sale_price", "currency", "availability", "category", "brand", "image", "link")

_ALIASES: dict[str, tuple[str, ...]] = {
    "sku": (
        "sku",
        "id",
        "product_id",
        "merchant_product_id",
        "item_id",
        "offer_id",
        "variant_sku",
        "产品编号",
        "商品编号",
    ),
    "title": ("title", "name", "product_name", "item_name", "标题", "商品名称"),
    "price": ("price", "regular_price", "search_price", "current_price", "unit_price", "variant_price", "价格"),
    "sale_price": ("sale_price", "special_price", "discount_price", "促销价"),
    "currency": ("currency", "currency_code", "price_currency", "币种", "货币"),
    "availability": ("availability", "stock_status", "in_stock", "stock_availability", "库存状态"),
    "category": ("category", "product_type", "google_product_category", "merchant_category", "category_name", "分类"),
    "brand": ("brand", "brand_name", "manufacturer", "vendor", "品牌"),
    "image": ("image", "image_link", "image_url", "merchant_image_url", "imageurl", "picture", "图片"),
    "link": (
        "link",
        "url",
        "product_url",
        "page",
        "page_url",
        "deep_link",
        "merchant_deep_link",
        "buyurl",
        "链接",
        "网址",
    ),
}
_FIELD_OF = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}

_LONGEST = {"sku": 100, "title": 300, "category": 300, "brand": 100}
_AVAILABILITY = {
    "in_stock": {"in_stock", "instock", "available", "true", "yes", "1", "y", "limited_availability", "limitedavailability"},
    "out_of_stock": {"out_of_stock", "outofstock", "oos", "sold_out", "soldout", "false", "no", "0", "n", "discontinued"},
    "preorder": {"preorder", "pre_order", "presale"},
    "backorder": {"backorder", "back_order", "available_for_order"},
}  # fmt: skip
_AVAILABLE_AS = {word: name for name, words in _AVAILABILITY.items() for word in words}

_SIGNS = {"€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₫": "VND", "₪": "ILS"}
_CODE = re.compile(r"(?<![A-Za-z])[A-Za-z]{3}(?![A-Za-z])")
_PLAIN = re.compile(r"[0-9]{1,13}(?:\.[0-9]{1,6})?", re.ASCII)
_GROUPED = re.compile(r"[0-9]{1,3}(?:([,.'’\u00a0\u202f ])[0-9]{3})(?:\1[0-9]{3})*", re.ASCII)


class RowRefused(Refusal):
    """A row is no product; `field` says which part is wrong, the message what to write.

    Codes: feed_field_missing, feed_field_invalid, feed_price_invalid, feed_currency_unknown, feed_page_not_allowed,
    feed_sku_twice, feed_row_unreadable.
    """

    code = "feed_field_invalid"

    def __init__(self, message: str, *, field: str, code: str = "feed_field_invalid", sku: str = "") -> None:
        self.sku = sku
        super().__init__(message, code=code, field=field)


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """One product as a feed says it."""

    sku: str
    title: str
    price: Money
    sale_price: Money | None
    availability: str
    category: str
    brand: str
    image_url: str
    url: str


def field_of(heading: str) -> str:
    """The field that a heading stands for, or the heading as it is."""
    name = heading.strip().strip("\ufeff").lower().rpartition(":")[2]
    name = re.sub(r"[\s\-.]+", "_", name.strip())
    return _FIELD_OF.get(name, name)


def named(pairs: Mapping[str, str]) -> dict[str, str]:
    """A row by our names; where two columns mean the same, the first one that says something counts."""
    found: dict[str, str] = {}
    for heading, value in pairs.items():
        name = field_of(heading)
        if not found.get(name):
            found[name] = value
    return found


def read_product(
    row: Mapping[str, str], *, currency: str, allowed_hosts: Collection[str], allow_local: bool = False
) -> ProductFacts:
    """The product of a row by our names. `currency` is what prices are in that name none. Raises RowRefused."""
    sku = _text(row, "sku", is_required=True)
    try:
        price, sale = _prices(row, currency)
        return ProductFacts(
            sku=sku,
            title=_text(row, "title", is_required=True),
            price=price,
            sale_price=sale,
            availability=_availability(row.get("availability", "")),
            category=_text(row, "category"),
            brand=_text(row, "brand"),
            image_url=_image(row.get("image", ""), allow_local=allow_local),
            url=_page(row.get("link", ""), allowed_hosts=allowed_hosts, allow_local=allow_local),
        )
    except RowRefused as refusal:
        refusal.sku = sku
        raise


def _text(row: Mapping[str, str], name: str, *, is_required: bool = False) -> str:
    text = " ".join(row.get(name, "").split())
    if is_required and not text:
        raise RowRefused(f"{name} is missing. Every product needs one.", field=name, code="feed_field_missing")
    if len(text) > _LONGEST[name]:
        raise RowRefused(f"{name} has more than {_LONGEST[name]} characters. Shorten it.", field=name)
    if not text.isprintable():
        raise RowRefused(f"{name} has signs that cannot be seen. Write it without them.", field=name)
    return text


def _prices(row: Mapping[str, str], currency: str) -> tuple[Money, Money | None]:
    said = row.get("currency", "").strip().upper()
    price = _price(row.get("price", ""), said or currency, field="price", is_named=bool(said))
    if price is None:
        raise RowRefused('price is missing. Write one such as "12.99 EUR".', field="price", code="feed_field_missing")
    sale = _price(row.get("sale_price", ""), price.currency, field="sale_price", is_named=True)
    if sale is not None and sale.minor > price.minor:
        raise RowRefused("sale_price is higher than price. Exchange them, or leave it empty.", field="sale_price")
    return price, None if sale == price else sale


def _price(text: str, currency: str, *, field: str, is_named: bool) -> Money | None:
    """An amount such as `12.99 EUR`, `EUR 12,99`, `€1.299,00` or `12.99`; None for nothing at all."""
    text = text.strip()
    if not text:
        return None
    codes = _CODE.findall(text) + [code for sign, code in _SIGNS.items() if sign in text]
    number = _CODE.sub("", text).strip(f"{''.join(_SIGNS)}$¥￥ \u00a0\u202f")
    if len(codes) > 1 or (codes and is_named and codes[0].upper() != currency):
        raise RowRefused(
            f"{field} names another currency than the rest of the row. Use one currency a product.",
            field=field, code="feed_price_invalid",
        )  # fmt: skip
    currency = codes[0].upper() if codes else currency
    try:
        places = digits(currency)
        plain = _plain_number(number)
        if plain is not None and "." in plain and len(plain.partition(".")[2].rstrip("0")) <= places:
            # 12.990 is 12.99 and 1200.00 yen are 1200: only what is more than the currency has is refused.
            plain = f"{Decimal(plain):.{places}f}"
        if plain is None:
            raise RowRefused(
                f'{field} is {text[:40]!r}. Write an amount such as "12.99 {currency}".',
                field=field, code="feed_price_invalid",
            )  # fmt: skip
        return Money.parse(plain, currency, field=field)
    except CurrencyUnknown:
        raise RowRefused(
            f"{currency[:10]!r} is no currency. Use an ISO 4217 code such as EUR.", field="currency",
            code="feed_currency_unknown",
        ) from None  # fmt: skip
    except MoneyUnreadable as refusal:
        raise RowRefused(refusal.message, field=field, code="feed_price_invalid") from None


def _plain_number(text: str) -> str | None:
    """A number with a point and no groups, or None. Of point and comma the last one is the decimal sign."""
    whole, sign, rest = text, "", ""
    place = max(text.rfind("."), text.rfind(","))
    if place >= 0:
        whole, sign, rest = text[:place], text[place], text[place + 1 :]
        if sign == "," and len(rest) == 3 and "." not in whole:
            # 1,299: a group, for no shop writes thousandths after a comma.
            whole, rest = text, ""
        elif sign == "." and "." in whole:
            whole, rest = text, ""
    if _GROUPED.fullmatch(whole):
        whole = re.sub(r"[^0-9]", "", whole)
    plain = f"{whole}.{rest}" if rest else whole
    return plain if _PLAIN.fullmatch(plain) else None


def _availability(text: str) -> str:
    word = re.sub(r"[\s\-]+", "_", text.strip().lower()).rpartition("/")[2]
    if not word:
        return "unknown"
    found = _AVAILABLE_AS.get(word)
    if found is None:
        raise RowRefused(
            f"availability is {text.strip()[:40]!r}. Use in_stock, out_of_stock, preorder or backorder.",
            field="availability",
        )
    return found


def _image(text: str, *, allow_local: bool) -> str:
    if not text.strip():
        return ""
    try:
        return read_destination(text.strip(), allowed_hosts=None, allow_local=allow_local).url
    except DestinationRefused as refusal:
        raise RowRefused(f"image: {refusal.message} Leave it empty where there is none.", field="image") from None


def _page(text: str, *, allowed_hosts: Collection[str], allow_local: bool) -> str:
    if not text.strip():
        raise RowRefused("link is missing. Give the product's page.", field="link", code="feed_field_missing")
    try:
        return read_destination(text.strip(), allowed_hosts=allowed_hosts, allow_local=allow_local).url
    except DestinationRefused as refusal:
        hosts = ", ".join(list(allowed_hosts)[:5])
        raise RowRefused(
            f"{refusal.message} Give a page on {hosts}.", field="link", code="feed_page_not_allowed"
        ) from None

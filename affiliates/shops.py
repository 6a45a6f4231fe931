"""Shops that report by signed webhooks: connected, paused, given a new secret. A secret is shown once or never."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from affiliates.errors import NotVisible, ShopLabelTaken, ShopSecretRefused
from affiliates.models import Merchant, ShopConnection, User
from ledger.journal import record_event

#: How long the secret before a rotation still opens: shops retry what was on its way for this long and less.
PREVIOUS_SECRET_OPENS = timedelta(days=1)

_K = ShopConnection.Kind
_SHORTEST, _LONGEST = 16, 200


@transaction.atomic
def connect_shop(
    merchant: Merchant,
    kind: str,
    *,
    label: str,
    secret: str = "",
    settings: dict[str, Any] | None = None,
    by: User | None,
    at: datetime,
) -> tuple[ShopConnection, str]:
    """Connect a shop; the connection, and the secret where we made it (WooCommerce), to be shown this once.

    Stripe and Shopify make the secret themselves: it may be given later, until then nothing is believed.
    Raises ShopLabelTaken, ShopSecretRefused.
    """
    made = _new_secret() if kind == _K.WOOCOMMERCE and not secret else ""
    try:
        with transaction.atomic():
            shop = ShopConnection.objects.create(
                merchant=merchant,
                kind=_K(kind),
                label=label,
                secret=made or _checked(kind, secret),
                settings=settings or {},
                created_at=at,
            )
    except IntegrityError:
        raise ShopLabelTaken("There is a shop of this kind with this name.", field="label") from None
    _tell("shop.connected", shop, by=by, at=at)
    return shop, made


@transaction.atomic
def rotate_shop_secret(shop: ShopConnection, *, secret: str = "", by: User | None, at: datetime) -> str:
    """Replace a shop's secret; the new one where we made it. The one before opens for another day."""
    locked = ShopConnection.objects.select_for_update().get(pk=shop.pk)
    made = _new_secret() if locked.kind == _K.WOOCOMMERCE and not secret else ""
    locked.previous_secret, locked.previous_until = locked.secret, at + PREVIOUS_SECRET_OPENS
    locked.secret, locked.rotated_at = made or _checked(locked.kind, secret, is_required=True), at
    locked.save(update_fields=["secret", "previous_secret", "previous_until", "rotated_at"])
    _tell("shop.secret_rotated", locked, by=by, at=at)
    return made


@transaction.atomic
def pause_shop(shop: ShopConnection, *, by: User | None, at: datetime) -> ShopConnection:
    """Keep a shop's events without booking them."""
    return _turn(shop, ShopConnection.Status.PAUSED, "shop.paused", by=by, at=at)


@transaction.atomic
def resume_shop(shop: ShopConnection, *, by: User | None, at: datetime) -> tuple[ShopConnection, datetime | None]:
    """Book a shop's events again; also since when it was paused, None when it was not."""
    since = ShopConnection.objects.select_for_update().get(pk=shop.pk).settings.get("paused_at")
    turned = _turn(shop, ShopConnection.Status.ACTIVE, "shop.resumed", by=by, at=at)
    return turned, datetime.fromisoformat(since) if since else None


def change_shop_settings(shop: ShopConnection, *, settings: dict[str, Any], by: User | None, at: datetime) -> None:
    """Change what a shop's orders are counted by, from the next event on."""
    with transaction.atomic():
        locked = ShopConnection.objects.select_for_update().get(pk=shop.pk)
        locked.settings = {**locked.settings, **settings}
        locked.save(update_fields=["settings"])
        _tell("shop.settings_changed", locked, by=by, at=at)


def secrets_of(shop: ShopConnection, *, at: datetime) -> list[str]:
    """The secrets with which the shop's events may be signed now. Raises SealBroken."""
    found = [shop.secret]
    if shop.previous_until is not None and at < shop.previous_until:
        found.append(shop.previous_secret)
    return [secret for secret in found if secret]


def has_secret(shop: ShopConnection) -> bool:
    """Whether a shop has a signing secret, without opening it."""
    return ShopConnection.objects.filter(pk=shop.pk).exclude(secret="").exists()


def shops_of(merchant: Merchant) -> QuerySet[ShopConnection]:
    """A merchant's shops without their secrets, by kind and name."""
    found: QuerySet[ShopConnection] = (
        ShopConnection.objects.filter(merchant=merchant).defer("secret", "previous_secret").order_by("kind", "label")
    )
    return found


def signing_shops(merchant_slug: str, kind: str) -> list[ShopConnection]:
    """The connections whose secrets an event of a kind may be signed with; paused ones too. Raises NotVisible."""
    found = list(
        ShopConnection.objects.filter(merchant__slug=merchant_slug, kind=kind)
        .select_related("merchant")
        .order_by("created_at", "pk")
    )
    if not found:
        raise NotVisible("shop")
    return found


def merchant_by_slug(slug: str) -> Merchant | None:
    """The merchant whose address a webhook came to, as yet unproved."""
    return Merchant.objects.filter(slug=slug, status=Merchant.Status.ACTIVE).first()


def open_shop_in(merchant: Merchant, public_id: str) -> ShopConnection:
    """One of a merchant's shops, without its secrets. Raises NotVisible."""
    try:
        key = ShopConnection.key_of(public_id)
    except ValueError:
        raise NotVisible("shop") from None
    found = shops_of(merchant).filter(pk=key).first()
    if found is None:
        raise NotVisible("shop")
    return found


def _turn(shop: ShopConnection, status: str, event: str, *, by: User | None, at: datetime) -> ShopConnection:
    locked = ShopConnection.objects.select_for_update().get(pk=shop.pk)
    if locked.status == status:
        return locked
    locked.status = ShopConnection.Status(status)
    if status == ShopConnection.Status.PAUSED:
        locked.settings = {**locked.settings, "paused_at": at.isoformat()}
    else:
        locked.settings = {name: value for name, value in locked.settings.items() if name != "paused_at"}
    locked.save(update_fields=["status", "settings"])
    _tell(event, locked, by=by, at=at)
    return locked


def _checked(kind: str, secret: str, *, is_required: bool = False) -> str:
    text = secret.strip()
    if not text and not is_required:
        return ""
    if not _SHORTEST <= len(text) <= _LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise ShopSecretRefused("Paste the signing secret as the shop shows it, 16 characters or more.", field="secret")
    if kind == _K.STRIPE and not text.startswith("whsec_"):
        raise ShopSecretRefused("Stripe's signing secret begins with whsec_. It is not an API key.", field="secret")
    return text


def _new_secret() -> str:
    return f"wcs_{secrets.token_urlsafe(32)}"


def _tell(event: str, shop: ShopConnection, *, by: User | None, at: datetime) -> None:
    record_event(
        event,
        shop.public_id,
        at=at,
        actor=by.public_id if by else "",
        about=[shop.merchant.public_id],
        data={"kind": shop.kind, "label": shop.label},
    )

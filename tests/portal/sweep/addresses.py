"""Every address of ours with what it takes; an address that is not known here fails the sweep."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from portal.policy import Audience, row_of
from tests.portal.sweep.town import Tenant, Town

#: What a place in an address may be called, beside the ids of a tenant's things and of what is shared.
OTHER_PLACES = {
    "shop": {"slug": "acme-audio"},
    "shop-buy": {"slug": "acme-audio"},
    "shop-ear": {"slug": "acme-audio"},
    "log-root": {"number": "1"},
    "compat-dub": {"route": "/links"},
}

#: Patterns of Wagtail's without a name: its own page for what is not there. The policy refuses them, as all without a row.
NAMELESS = {"django.views.generic.base.TemplateView", "wagtail.admin.views.home.default"}

#: Objects of another tenant that everybody in this audience may open all the same.
OPEN_TO_ALL = {"partner:program", "partner:program-join"}


@dataclass(frozen=True, slots=True)
class Address:
    """One address: its full name, its audience and action, the names of its places."""

    name: str
    audience: Audience
    action: str
    places: frozenset[str]

    @property
    def objects(self) -> frozenset[str]:
        """The places that name an object of a tenant's."""
        return self.places - {"merchant_slug"}


def all_addresses() -> list[Address]:
    """What the resolver knows, but for the vendors' own."""
    found: dict[str, Address] = {}
    for name, places in _walk(get_resolver()):
        if name in NAMELESS:
            continue
        row = row_of(name)
        assert row is not None, f"{name} has no row in portal/policy.py"
        if row.audience != Audience.VENDOR:
            # Several methods of an address may be several patterns under one name.
            found.setdefault(name, Address(name, row.audience, row.action, frozenset(places)))
    return list(found.values())


def _walk(
    resolver: URLResolver, prefix: str = "", places: frozenset[str] = frozenset()
) -> Iterator[tuple[str, frozenset[str]]]:
    for one in resolver.url_patterns:
        here = places | set(one.pattern.regex.groupindex)
        if isinstance(one, URLResolver):
            yield from _walk(one, f"{prefix}{one.namespace}:" if one.namespace else prefix, here)
        elif isinstance(one, URLPattern):
            yield f"{prefix}{one.name or one.lookup_str}", here


def address_of(one: Address, tenant: Tenant, town: Town, *, slug: str = "", value: str = "") -> str:
    """The address for a tenant's objects; `slug` in another merchant's place, `value` for every object's id."""
    kwargs = {}
    for place in one.places:
        known = OTHER_PLACES.get(one.name, {}) | town.shared | tenant.ids
        assert place in known, f"say in tests/portal/sweep what {place} of {one.name} may be"
        kwargs[place] = value if value and place != "merchant_slug" else known[place]
    if slug and "merchant_slug" in kwargs:
        kwargs["merchant_slug"] = slug
    return reverse(one.name, kwargs=kwargs)


def body_of(name: str, tenant: Tenant) -> dict[str, object]:
    """The smallest form that says something sensible at this address."""
    today = timezone.now().date()
    bodies: dict[str, dict[str, object]] = {
        "merchant:conversion-refund": {"amount": "1.00", "reason": "item_returned", "reference": "sweep-1"},
        "merchant:conversion-amend": {"new_amount": "250.00", "amendment": "sweep-amend"},
        "merchant:enrolment-decline": {"reason": "other"},
        "merchant:setup-tag-orders": {"orders": "wait"},
        "merchant:setup-test": {"amount": "62.00"},
        "merchant:shop-connect": {"kind": "shopify", "label": "sweep"},
        "merchant:key-issue": {"name": "sweep", "kind": "sk_live"},
        "partner:link-new": {"destination": "https://shop.example/sweep", "label": "sweep"},
        "partner:settings": {"name": "Somebody", "country": "US", "contact_email": "sweep@example.com"},
        "partner:switch": {"affiliate": tenant.ids["affiliate_id"]},
        "finance:run-prepare": {"first_day": today - timedelta(days=20), "last_day": today, "label": "sweep"},
        "finance:funding-deposit": {"merchant": tenant.ids["merchant_slug"], "amount": "5.00", "reference": "sweep"},
        "network:partner-freeze": {"reason": "sweep"},
        "merchant:claim-settings": {
            "reply_minutes": 10,
            "deadline_days": 14,
            "opens_at": "09:00",
            "closes_at": "17:00",
        },
        "merchant:claim-decline": {"reason": "order_unknown"},
        "network:claim-decline": {"reason": "order_unknown"},
        "set_language": {"language": "en", "next": "/"},
        "set_theme": {"theme": "dark", "next": "/"},
        "join": {"email": "sweep@example.com"},
    }
    return bodies.get(name, {"note": "sweep"})

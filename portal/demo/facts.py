"""var/demo.json: what a script needs to know of the demo (contract §1)."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings

from portal.demo.cast import PASSWORD, STAFF
from portal.demo.people import Network

_ROLES = {
    "merchant_owner": "merchant",
    "merchant_analyst": "merchant_analyst",
    "finance_maker": "finance_maker",
    "finance_checker": "finance_checker",
    "network_staff": "network",
    "editor": "editor",
}


def path() -> Path:
    """Where the facts lie."""
    return Path(settings.VAR_DIR) / "demo.json"


def read() -> dict[str, Any]:
    """The facts; nothing when the demo has not been made."""
    if not path().exists():
        return {}
    found: dict[str, Any] = json.loads(path().read_text(encoding="utf-8"))
    return found


def write(found: dict[str, Any]) -> None:
    """Write the facts for nobody but this user: there are keys in them."""
    path().parent.mkdir(parents=True, exist_ok=True)
    path().write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    path().chmod(0o600)


def of(network: Network, *, stage: str) -> dict[str, Any]:
    """The facts of a network that was just played."""
    partners = []
    links = []
    seen = set()
    for place in network.places:
        affiliate = place.enrolment.affiliate
        if affiliate.public_id not in seen:
            partners.append(
                {"role": "partner", "email": affiliate.contact_email, "password": PASSWORD, "workspace": "/partner/"}
            )
            seen.add(affiliate.public_id)
        links.append(
            {
                "id": affiliate.public_id,
                "email": affiliate.contact_email,
                "program": place.shop.slug,
                "link": f"{settings.CLICK_BASE_URL}/r/{place.links[0].code}",
            }
        )
    return {
        "base_url": settings.BASE_URL,
        "stage": stage,
        "people": [*partners[:3], *(_person(role, email, slug) for role, email, _name, slug in STAFF)],
        "merchants": [
            {
                "slug": slug,
                "program": network.programs[slug].slug,
                "currency": merchant.currency,
                "secret_key": network.secrets[slug]["sk_live"],
                "test_key": network.secrets[slug]["sk_test"],
            }
            for slug, merchant in network.merchants.items()
        ],
        "affiliates": links,
        "stripe": {"base_url": settings.STRIPE_API_BASE, "mode": "stand-in"},
    }


def _person(role: str, email: str, slug: str) -> dict[str, str]:
    workspace = {"merchant": f"/merchant/{slug}/", "finance": "/finance/", "network": "/network/", "editor": "/cms/"}
    return {"role": _ROLES[role], "email": email, "password": PASSWORD, "workspace": workspace[role.split("_")[0]]}

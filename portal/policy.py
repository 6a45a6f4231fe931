"""Who may open which address: the one table. An address without a row is refused to everybody.

A row says which audience an address is for and which action of affiliates/policy.py it is.
`portal.middleware.PolicyMiddleware` enforces it before any view runs, and opens the workspace:
`request.affiliate` under /partner/, `request.merchant` under /merchant/<slug>/. A test walks the
resolver and fails for any address that has no row.
"""

from dataclasses import dataclass
from enum import StrEnum


class Audience(StrEnum):
    """For whom an address is."""

    PUBLIC = "public"  # anybody
    SIGNED_IN = "signed_in"  # any person
    PARTNER = "partner"
    MERCHANT = "merchant"  # the address has the merchant's slug in `merchant_slug`
    FINANCE = "finance"
    NETWORK = "network"
    API = "api"  # a bearer key, checked by the API itself
    SIGNED = "signed"  # a signature or key in the request, checked by the door itself
    VENDOR = "vendor"  # Wagtail's admin and allauth, which guard themselves


@dataclass(frozen=True, slots=True)
class Row:
    """One address: its audience and the action that a role must allow."""

    audience: Audience
    action: str = ""


_PUBLIC = Row(Audience.PUBLIC)
_PARTNER = Row(Audience.PARTNER, "partner.use")


def _merchant(action: str) -> Row:
    return Row(Audience.MERCHANT, f"merchant.{action}")


def _finance(action: str) -> Row:
    return Row(Audience.FINANCE, f"finance.{action}")


def _network(action: str) -> Row:
    return Row(Audience.NETWORK, f"network.{action}")


#: Whole namespaces and name prefixes of parts that guard themselves.
VENDORS = (
    "account_", "mfa_", "usersessions_", "wagtailadmin", "wagtail_", "wagtaildocs", "wagtailimages",
    "wagtailcore", "wagtail_serve", "wagtailsnippets", "wagtailusers", "wagtailredirects", "wagtailforms",
    "wagtailsites", "wagtaillocales", "wagtail_localize", "wagtailembeds", "wagtailsettings", "wagtailsearch",
    "wagtailapi", "socialaccount", "simple_translation",
)  # fmt: skip

URLS: dict[str, Row] = {
    # Public pages and what keeps the product running
    "enter": Row(Audience.SIGNED_IN),
    "join": _PUBLIC,
    "set_theme": _PUBLIC,
    "set_language": _PUBLIC,
    "click-door": _PUBLIC,
    "healthz": _PUBLIC,
    "readyz": _PUBLIC,
    "metrics": _PUBLIC,
    "shop": _PUBLIC,
    "shop-buy": _PUBLIC,
    "kit": _PUBLIC,
    # /partner/
    "partner:home": _PARTNER,
    "partner:links": _PARTNER,
    "partner:link-new": _PARTNER,
    "partner:link": _PARTNER,
    "partner:link-qr": _PARTNER,
    "partner:link-retire": _PARTNER,
    "partner:earnings": _PARTNER,
    "partner:earnings-export": _PARTNER,
    "partner:earning": _PARTNER,
    "partner:payouts": _PARTNER,
    "partner:payout": _PARTNER,
    "partner:statement": _PARTNER,
    "partner:statement-pdf": _PARTNER,
    "partner:programs": _PARTNER,
    "partner:program": _PARTNER,
    "partner:program-join": _PARTNER,
    "partner:program-leave": _PARTNER,
    "partner:settings": _PARTNER,
    "partner:settings-payout": _PARTNER,
    "partner:payout-start": _PARTNER,
    "partner:payout-return": _PARTNER,
    "partner:switch": _PARTNER,
    # /merchant/<merchant_slug>/
    "merchant:overview": _merchant("view"),
    "merchant:conversions": _merchant("view"),
    "merchant:conversions-export": _merchant("view"),
    "merchant:conversion": _merchant("view"),
    "merchant:conversion-refund": _merchant("review"),
    "merchant:commission": _merchant("view"),
    "merchant:partners": _merchant("view"),
    "merchant:applications": _merchant("view"),
    "merchant:enrolment-approve": _merchant("review"),
    "merchant:enrolment-decline": _merchant("review"),
    "merchant:enrolment-suspend": _merchant("review"),
    "merchant:rules": _merchant("view"),
    "merchant:rule": _merchant("view"),
    "merchant:rule-new": _merchant("rules"),
    "merchant:events": _merchant("view"),
    "merchant:event": _merchant("view"),
    "merchant:keys": _merchant("keys"),
    "merchant:key-issue": _merchant("keys"),
    "merchant:key-revoke": _merchant("keys"),
    "merchant:setup": _merchant("view"),
    "merchant:billing": _merchant("view"),
    # /finance/
    "finance:desk": _finance("view"),
    "finance:runs": _finance("view"),
    "finance:run": _finance("view"),
    "finance:run-lines": _finance("view"),
    "finance:run-export": _finance("view"),
    "finance:run-prepare": _finance("prepare"),
    "finance:run-submit": _finance("prepare"),
    "finance:run-return": _finance("approve"),
    "finance:run-approve": _finance("approve"),
    "finance:run-start": _finance("send"),
    "finance:run-cancel": _finance("prepare"),
    "finance:run-reconcile": _finance("send"),
    "finance:run-clear-alarm": _finance("approve"),
    "finance:payout-exclude": _finance("prepare"),
    "finance:payout": _finance("view"),
    "finance:payout-resume": _finance("send"),
    "finance:failures": _finance("view"),
    "finance:ledger": _finance("view"),
    "finance:account": _finance("view"),
    "finance:entry": _finance("view"),
    "finance:commission": _finance("view"),
    "finance:funding": _finance("view"),
    "finance:funding-deposit": _finance("prepare"),
    # /network/
    "network:home": _network("view"),
    "network:partners": _network("view"),
    "network:partner": _network("view"),
    "network:partner-freeze": _network("members"),
    "network:partner-unfreeze": _network("members"),
    "network:merchants": _network("view"),
    "network:people": _network("view"),
    # Machines
    "api-1.0.0:openapi-json": _PUBLIC,
    "api-1.0.0:api-root": _PUBLIC,
    "api-1.0.0:report_conversion": Row(Audience.API),
    "api-1.0.0:report_conversions": Row(Audience.API),
    "api-1.0.0:get_conversion": Row(Audience.API),
    "api-1.0.0:explain_conversion": Row(Audience.API),
    "api-1.0.0:refund_conversion": Row(Audience.API),
    "api-1.0.0:get_click": Row(Audience.API),
    "api-1.0.0:list_links": Row(Audience.API),
    "api-1.0.0:create_link": Row(Audience.API),
    "api-1.0.0:list_affiliates": Row(Audience.API),
    "api-1.0.0:list_commissions": Row(Audience.API),
    "api-1.0.0:list_payouts": Row(Audience.API),
    "api-1.0.0:report_performance": Row(Audience.API),
    "postback": Row(Audience.SIGNED),
    "reasons": _PUBLIC,
    "stripe-hook": Row(Audience.SIGNED),
}


def row_of(name: str) -> Row | None:
    """The row of an address by its full name (`finance:run-approve`)."""
    row = URLS.get(name)
    if row is None and name.startswith(VENDORS):
        return Row(Audience.VENDOR)
    return row

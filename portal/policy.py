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
    "shop-ear": _PUBLIC,
    "kit": _PUBLIC,
    "log": _PUBLIC,
    "log-roots": _PUBLIC,
    "log-root": _PUBLIC,
    "log-key": _PUBLIC,
    "log-checker": _PUBLIC,
    # /partner/
    "partner:home": _PARTNER,
    "partner:links": _PARTNER,
    "partner:link-new": _PARTNER,
    "partner:link": _PARTNER,
    "partner:link-qr": _PARTNER,
    "partner:link-retire": _PARTNER,
    "partner:link-restore": _PARTNER,
    "partner:link-edit": _PARTNER,
    "partner:link-codes": _PARTNER,
    "partner:link-routing": _PARTNER,
    "partner:link-check": _PARTNER,
    "partner:link-qr-png": _PARTNER,
    "partner:links-bulk": _PARTNER,
    "partner:links-export": _PARTNER,
    "partner:receipts": _PARTNER,
    "partner:receipt": _PARTNER,
    "partner:codes": _PARTNER,
    "partner:earnings": _PARTNER,
    "partner:earnings-export": _PARTNER,
    "partner:earning": _PARTNER,
    "partner:missing": _PARTNER,
    "partner:missing-answer": _PARTNER,
    "partner:claim-new": _PARTNER,
    "partner:earning-question": _PARTNER,
    "partner:claims": _PARTNER,
    "partner:holds": _PARTNER,
    "partner:hold": _PARTNER,
    "partner:hold-appeal": _PARTNER,
    "partner:claim": _PARTNER,
    "partner:claim-comment": _PARTNER,
    "partner:claim-appeal": _PARTNER,
    "partner:claim-withdraw": _PARTNER,
    "partner:claim-paper": _PARTNER,
    "partner:reports": _PARTNER,
    "partner:reports-export": _PARTNER,
    "partner:reports-paths": _PARTNER,
    "partner:reports-paths-export": _PARTNER,
    "partner:reports-cohorts": _PARTNER,
    "partner:reports-cohorts-export": _PARTNER,
    "partner:payouts": _PARTNER,
    "partner:payout": _PARTNER,
    "partner:statement": _PARTNER,
    "partner:statement-pdf": _PARTNER,
    "partner:programs": _PARTNER,
    "partner:program": _PARTNER,
    "partner:program-join": _PARTNER,
    "partner:program-leave": _PARTNER,
    "partner:endpoints": _PARTNER,
    "partner:endpoint-new": _PARTNER,
    "partner:endpoint": _PARTNER,
    "partner:endpoint-edit": _PARTNER,
    "partner:endpoint-act": _PARTNER,
    "partner:endpoint-call": _PARTNER,
    "partner:endpoint-call-replay": _PARTNER,
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
    "merchant:conversion-refunds-apart": _merchant("review"),
    "merchant:conversion-amend": _merchant("review"),
    "merchant:commission": _merchant("view"),
    "merchant:fraud": _merchant("view"),
    "merchant:fraud-export": _merchant("view"),
    "merchant:fraud-rules": _merchant("view"),
    "merchant:fraud-program": _merchant("fraud"),
    "merchant:finding": _merchant("view"),
    "merchant:finding-hold": _merchant("fraud"),
    "merchant:finding-release": _merchant("fraud"),
    "merchant:finding-ask": _merchant("fraud"),
    "merchant:claims": _merchant("view"),
    "merchant:claim-settings": _merchant("claims"),
    "merchant:claim": _merchant("view"),
    "merchant:claim-comment": _merchant("claims"),
    "merchant:claim-ask": _merchant("claims"),
    "merchant:claim-accept": _merchant("claims"),
    "merchant:claim-decline": _merchant("claims"),
    "merchant:claim-paper": _merchant("view"),
    "merchant:partners": _merchant("view"),
    "merchant:applications": _merchant("view"),
    "merchant:enrolment-approve": _merchant("review"),
    "merchant:enrolment-decline": _merchant("review"),
    "merchant:enrolment-suspend": _merchant("review"),
    "merchant:reports": _merchant("view"),
    "merchant:reports-export": _merchant("view"),
    "merchant:reports-paths": _merchant("view"),
    "merchant:reports-paths-export": _merchant("view"),
    "merchant:reports-cohorts": _merchant("view"),
    "merchant:reports-cohorts-export": _merchant("view"),
    "merchant:enrolment-credit-class": _merchant("review"),
    "merchant:attribution": _merchant("view"),
    "merchant:attribution-new": _merchant("rules"),
    "merchant:attribution-compare": _merchant("view"),
    "merchant:attribution-compare-export": _merchant("view"),
    "merchant:coupons": _merchant("view"),
    "merchant:coupons-export": _merchant("view"),
    "merchant:coupon-new": _merchant("review"),
    "merchant:coupon-import": _merchant("review"),
    "merchant:coupons-own": _merchant("review"),
    "merchant:coupons-unknown": _merchant("view"),
    "merchant:coupons-unknown-export": _merchant("view"),
    "merchant:coupon": _merchant("review"),
    "merchant:coupon-end": _merchant("review"),
    "merchant:rules": _merchant("view"),
    "merchant:rule": _merchant("view"),
    "merchant:rule-new": _merchant("rules"),
    "merchant:events": _merchant("view"),
    "merchant:event": _merchant("view"),
    "merchant:events-export": _merchant("view"),
    "merchant:events-replay": _merchant("review"),
    "merchant:events-job": _merchant("view"),
    "merchant:events-job-cancel": _merchant("review"),
    "merchant:event-replay": _merchant("review"),
    "merchant:uploads": _merchant("view"),
    "merchant:upload-template": _merchant("view"),
    "merchant:upload-send": _merchant("review"),
    "merchant:upload": _merchant("view"),
    "merchant:upload-columns": _merchant("review"),
    "merchant:upload-record": _merchant("review"),
    "merchant:upload-discard": _merchant("review"),
    "merchant:upload-export": _merchant("view"),
    "merchant:endpoints": _merchant("view"),
    "merchant:endpoint-new": _merchant("keys"),
    "merchant:endpoint": _merchant("view"),
    "merchant:endpoint-edit": _merchant("keys"),
    "merchant:endpoint-act": _merchant("keys"),
    "merchant:endpoint-call": _merchant("view"),
    "merchant:endpoint-call-replay": _merchant("review"),
    "merchant:tracking": _merchant("view"),
    "merchant:tracking-program": _merchant("view"),
    "merchant:tracking-save": _merchant("rules"),
    "merchant:tracking-routing": _merchant("rules"),
    "merchant:landing-page-withdraw": _merchant("rules"),
    "merchant:domain-add": _merchant("rules"),
    "merchant:domain-check": _merchant("rules"),
    "merchant:domain-remove": _merchant("rules"),
    "merchant:keys": _merchant("keys"),
    "merchant:key-issue": _merchant("keys"),
    "merchant:key-revoke": _merchant("keys"),
    "merchant:shops": _merchant("view"),
    "merchant:shop": _merchant("view"),
    "merchant:shop-connect": _merchant("keys"),
    "merchant:shop-rotate": _merchant("keys"),
    "merchant:shop-turn": _merchant("keys"),
    "merchant:shop-change": _merchant("keys"),
    "merchant:setup": _merchant("view"),
    "merchant:setup-tag": _merchant("view"),
    "merchant:setup-tag-orders": _merchant("rules"),
    "merchant:setup-waiting": _merchant("view"),
    "merchant:setup-confirm": _merchant("review"),
    "merchant:setup-postback": _merchant("view"),
    "merchant:setup-test": _merchant("review"),
    "merchant:setup-translator": _merchant("view"),
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
    "finance:payout-accept": _finance("prepare"),
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
    "network:reports": _network("view"),
    "network:reports-export": _network("view"),
    "network:reports-paths": _network("view"),
    "network:reports-paths-export": _network("view"),
    "network:reports-cohorts": _network("view"),
    "network:reports-cohorts-export": _network("view"),
    "network:merchants": _network("view"),
    "network:attribution": _network("view"),
    "network:attribution-export": _network("view"),
    "network:people": _network("view"),
    "network:events": _network("view"),
    "network:events-export": _network("view"),
    "network:events-replay": _network("members"),
    "network:events-job": _network("view"),
    "network:events-job-cancel": _network("members"),
    "network:event": _network("view"),
    "network:event-replay": _network("members"),
    "network:fraud": _network("view"),
    "network:fraud-export": _network("view"),
    "network:finding": _network("view"),
    "network:finding-hold": _network("fraud"),
    "network:finding-release": _network("fraud"),
    "network:finding-confirm": _network("fraud"),
    "network:claims": _network("view"),
    "network:claim": _network("view"),
    "network:claim-comment": _network("claims"),
    "network:claim-accept": _network("claims"),
    "network:claim-decline": _network("claims"),
    "network:claim-paper": _network("view"),
    # Machines
    "api-1.0.0:openapi-json": _PUBLIC,
    "api-1.0.0:api-root": _PUBLIC,
    "api-1.0.0:report_conversion": Row(Audience.API),
    "api-1.0.0:report_conversions": Row(Audience.API),
    "api-1.0.0:get_conversion": Row(Audience.API),
    "api-1.0.0:explain_conversion": Row(Audience.API),
    "api-1.0.0:refund_conversion": Row(Audience.API),
    "api-1.0.0:tell_refunds_apart": Row(Audience.API),
    "api-1.0.0:get_click": Row(Audience.API),
    "api-1.0.0:get_click_receipt": Row(Audience.API),
    "api-1.0.0:list_conversion_receipts": Row(Audience.API),
    "api-1.0.0:list_links": Row(Audience.API),
    "api-1.0.0:list_coupons": Row(Audience.API),
    "api-1.0.0:create_link": Row(Audience.API),
    "api-1.0.0:create_coupon": Row(Audience.API),
    "api-1.0.0:create_links": Row(Audience.API),
    "api-1.0.0:get_link": Row(Audience.API),
    "api-1.0.0:change_link": Row(Audience.API),
    "api-1.0.0:list_affiliates": Row(Audience.API),
    "api-1.0.0:list_commissions": Row(Audience.API),
    "api-1.0.0:list_payouts": Row(Audience.API),
    "api-1.0.0:list_findings": Row(Audience.API),
    "api-1.0.0:get_finding": Row(Audience.API),
    "api-1.0.0:report_performance": Row(Audience.API),
    "postback": Row(Audience.SIGNED),
    "tag": _PUBLIC,
    "tag-order": _PUBLIC,  # from pages of a program's hosts only, checked by the door itself
    "tag-pixel": _PUBLIC,
    "reasons": _PUBLIC,
    "compat-dub": Row(Audience.API),
    "stripe-hook": Row(Audience.SIGNED),
    "shop-hook-stripe": Row(Audience.SIGNED),
    "shop-hook-shopify": Row(Audience.SIGNED),
    "shop-hook-woocommerce": Row(Audience.SIGNED),
}


def row_of(name: str) -> Row | None:
    """The row of an address by its full name (`finance:run-approve`)."""
    row = URLS.get(name)
    if row is None and name.startswith(VENDORS):
        return Row(Audience.VENDOR)
    return row

"""Which role may do what: the one table. A missing action is allowed to nobody."""

from affiliates.models import RoleGrant

_R = RoleGrant.Role

_MERCHANT = frozenset({_R.MERCHANT_OWNER, _R.MERCHANT_MANAGER, _R.MERCHANT_ANALYST})
_MERCHANT_WRITES = frozenset({_R.MERCHANT_OWNER, _R.MERCHANT_MANAGER})
_FINANCE = frozenset({_R.FINANCE_MAKER, _R.FINANCE_CHECKER})

ROLES_FOR: dict[str, frozenset[RoleGrant.Role]] = {
    "partner.use": frozenset({_R.PARTNER}),
    "merchant.view": _MERCHANT,
    "merchant.review": _MERCHANT_WRITES,
    "merchant.rules": _MERCHANT_WRITES,
    "merchant.claims": _MERCHANT_WRITES,
    "merchant.fraud": _MERCHANT_WRITES,
    "merchant.keys": frozenset({_R.MERCHANT_OWNER}),
    "finance.view": _FINANCE,
    "finance.prepare": frozenset({_R.FINANCE_MAKER}),
    "finance.approve": frozenset({_R.FINANCE_CHECKER}),
    "finance.send": _FINANCE,
    "network.view": frozenset({_R.NETWORK_STAFF}),
    "network.members": frozenset({_R.NETWORK_STAFF}),
    "network.claims": frozenset({_R.NETWORK_STAFF}),
    "network.fraud": frozenset({_R.NETWORK_STAFF}),
    "cms.edit": frozenset({_R.EDITOR}),
}

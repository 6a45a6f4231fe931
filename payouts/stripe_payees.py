"""Payees' accounts at Stripe: one port, and a driver for each of Stripe's account interfaces."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from stripe import StripeClient

#: Our word for a capability's status, in either interface; every other status is restricted.
_STATUS = {"active": "verified", "pending": "pending"}


@dataclass(frozen=True, slots=True)
class PayeeStatus:
    """Whether an account can receive: verified, pending (somebody must still act) or restricted.

    `fingerprint` changes with whatever decides where the money ends up (e-mail, country, bank),
    and is empty until the payee has been through onboarding, for until then there is nowhere.
    """

    account: str
    status: str
    reasons: tuple[str, ...]
    fingerprint: str

    @property
    def reason(self) -> str:
        """The reasons in one line, "" when there are none."""
        return ", ".join(self.reasons)


class PayeeAccountPort(Protocol):
    """What both of Stripe's account interfaces can do for a payee."""

    def create(
        self,
        *,
        email: str,
        country: str,
        name: str,
        key: str,
        is_abroad: bool,
        metadata: Mapping[str, str],
    ) -> str:
        """Open an account and answer its id."""
        ...

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """A link to Stripe's onboarding, good once and for minutes."""
        ...

    def status(self, account: str) -> PayeeStatus:
        """Whether the account can receive."""
        ...


@dataclass(frozen=True, slots=True)
class AccountsV2:
    """/v2/core/accounts, which new platforms must use."""

    client: "StripeClient"

    def create(
        self,
        *,
        email: str,
        country: str,
        name: str,
        key: str,
        is_abroad: bool,
        metadata: Mapping[str, str],
    ) -> str:
        """Open a recipient with Stripe's express dashboard; fees and losses are the network's."""
        wanted: Any = {
            "contact_email": email,
            "dashboard": "express",
            "identity": {"country": country.lower(), "entity_type": "individual"},
            "configuration": {
                "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
            },
            "defaults": {
                "responsibilities": {
                    "fees_collector": "application",
                    "losses_collector": "application",
                }
            },
            "metadata": dict(metadata),
        } | ({"display_name": name} if name else {})
        return self.client.v2.core.accounts.create(wanted, {"idempotency_key": key}).id

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """Ten minutes, single use."""
        flow: Any = {"refresh_url": refresh_url, "return_url": return_url}
        made = self.client.v2.core.account_links.create(
            {
                "account": account,
                "use_case": {"type": "account_onboarding", "account_onboarding": flow},
            }
        )
        return made.url

    def status(self, account: str) -> PayeeStatus:
        """From the capability to receive transfers; a payee who has not finished is pending, not restricted."""
        found = self.client.v2.core.accounts.retrieve(
            account, {"include": ["configuration.recipient", "defaults", "identity", "requirements"]}
        ).to_dict()  # fmt: skip
        capability = (
            _at(
                found,
                "configuration",
                "recipient",
                "capabilities",
                "stripe_balance",
                "stripe_transfers",
            )
            or {}
        )
        details = capability.get("status_details") or []
        reasons = tuple(one["code"] for one in details)
        asked = {
            reason["code"]
            for entry in _at(found, "requirements", "entries") or []
            for reason in entry.get("requested_reasons") or []
        }
        status = _STATUS.get(capability.get("status", ""), "restricted")
        is_new = status != "verified" and "routine_onboarding" in asked
        if is_new and all(one["resolution"] == "provide_info" for one in details):
            status = "pending"
        if found.get("closed"):
            status, reasons = "restricted", ("account_closed", *reasons)
        decisive = (
            found["id"], found.get("contact_email"), _at(found, "identity", "country"),
            _at(found, "identity", "entity_type"), _at(found, "defaults", "payout_methods"),
        )  # fmt: skip
        return PayeeStatus(found["id"], status, reasons, "" if is_new else _fingerprint(decisive))


@dataclass(frozen=True, slots=True)
class AccountsV1:
    """/v1/accounts, for platforms that Stripe has not moved."""

    client: "StripeClient"

    def create(
        self,
        *,
        email: str,
        country: str,
        name: str,
        key: str,
        is_abroad: bool,
        metadata: Mapping[str, str],
    ) -> str:
        """The same kind of account; abroad it comes under the recipient service agreement."""
        agreement = "recipient" if is_abroad else "full"
        wanted: Any = {
            "email": email,
            "country": country.upper(),
            "business_type": "individual",
            "controller": {
                "fees": {"payer": "application"},
                "losses": {"payments": "application"},
                "requirement_collection": "stripe",
                "stripe_dashboard": {"type": "express"},
            },
            "capabilities": {"transfers": {"requested": True}},
            "tos_acceptance": {"service_agreement": agreement},
            "metadata": dict(metadata),
        } | ({"business_profile": {"name": name}} if name else {})
        return self.client.v1.accounts.create(wanted, {"idempotency_key": key}).id

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """Five minutes, single use."""
        made = self.client.v1.account_links.create(
            {
                "account": account,
                "type": "account_onboarding",
                "refresh_url": refresh_url,
                "return_url": return_url,
            }
        )
        return made.url

    def status(self, account: str) -> PayeeStatus:
        """From the transfers capability and whether the details were ever submitted."""
        found = self.client.v1.accounts.retrieve(account).to_dict()
        capability = (found.get("capabilities") or {}).get("transfers", "inactive")
        needs = found.get("requirements") or {}
        status = _STATUS.get(capability, "restricted")
        is_new = status != "verified" and not found.get("details_submitted")
        if is_new:
            status = "pending"
        banks = [one.get("fingerprint") or one["id"] for one in _at(found, "external_accounts", "data") or []]
        reasons = (needs["disabled_reason"],) if status != "verified" and needs.get("disabled_reason") else ()
        decisive = (
            found["id"],
            found.get("email"),
            found.get("country"),
            found.get("business_type"),
            sorted(banks),
        )
        return PayeeStatus(found["id"], status, reasons, "" if is_new else _fingerprint(decisive))


def _at(given: object, *names: str) -> Any:
    """A value deep inside, or None when any step is missing."""
    for name in names:
        given = given.get(name) if isinstance(given, Mapping) else None
    return given


def _fingerprint(decisive: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

"""Stripe, or the stand-in that answers like it: the only module that imports its client.

Plain frozen values go out, never the client's objects. Two ways to fail: `Rejected` is a no
that Stripe is known to mean, `Unavailable` is everything else, and leaves open whether the
request was carried out unless it says otherwise.

Requests that move money are never repeated by the client: one call is one request, so that
"too many requests" truly means that nothing was carried out, a lease need only cover one
timeout, and the protocol alone decides about trying again. Readings and the opening of
accounts, which carry a key, are repeated twice.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol, cast

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ledger.currencies import digits, is_known
from ledger.errors import Refusal
from ledger.money import Money
from payouts.protocol import FINAL_CODES, NO_FUNDS
from payouts.provider import Accepted, Answer, Busy, Refused, Transfer, TransferCall, Unsure

#: Seconds to reach Stripe, and seconds without a byte from it, before a call is given up.
TIMEOUT = (5.0, 20.0)
#: How far a webhook's timestamp may be off, into the past or the future.
WEBHOOK_TOLERANCE = timedelta(seconds=300)
STANDIN_KEY = "sk_test_standin"

#: The refusals that are known to be meant. Any other code may yet turn into a transfer.
REJECTIONS = FINAL_CODES | {
    NO_FUNDS, "resource_missing", "capability_not_active", "country_unsupported", "not_found",
    "parameter_invalid_empty", "parameter_invalid_integer", "parameter_missing", "parameter_unknown",
}  # fmt: skip
#: Digits of Stripe's amounts where they are not two (docs.stripe.com/currencies). ISK and UGX
#: count two there although ISO 4217 gives them none.
_STRIPE_DIGITS = dict.fromkeys("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split(), 0)
_STRIPE_DIGITS |= dict.fromkeys("BHD JOD KWD OMR TND".split(), 3)

# Neither usage figures nor an id file in the home directory; and at the debug level the client
# would log whole answers, onboarding links among them.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


class Unavailable(Exception):
    """No usable answer. `is_unsure`: the request may have been carried out all the same.

    `is_busy`: Stripe asked to come back later (429, or 409 while the key's first request runs).
    `status` is the HTTP status, None when no answer came.
    """

    def __init__(
        self, code: str, message: str = "", *, status: int | None = None, is_unsure: bool = True, is_busy: bool = False
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.status = status
        self.is_unsure = is_unsure
        self.is_busy = is_busy


class Rejected(Exception):
    """A definitive no: nothing was carried out, and trying again changes nothing by itself."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message


class WebhookRefused(Refusal):
    """A webhook that is not Stripe's, not for us, or not of now."""

    code = "webhook_refused"


@dataclass(frozen=True, slots=True)
class StripeTransfer:
    """A transfer as Stripe's books hold it."""

    id: str
    amount: Money
    reversed_amount: Money
    destination: str
    group: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reversal:
    """Money taken back from a transfer."""

    id: str
    transfer: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Funds:
    """What the network's own Stripe balance holds in one currency."""

    available: Money
    pending: Money


@dataclass(frozen=True, slots=True)
class PayeeStatus:
    """Whether an account can receive: verified, pending (somebody must still act) or restricted.

    `fingerprint` changes with whatever decides where the money ends up: e-mail, country, bank.
    """

    account: str
    status: str
    reasons: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Event:
    """News from Stripe. It only says what to read again; `payload` is the JSON as it came."""

    id: str
    type: str
    created_at: datetime
    account: str
    object_id: str
    is_livemode: bool
    is_thin: bool
    payload: Mapping[str, Any]


# Transfers.


def create_transfer(
    amount: Money, *, destination: str, key: str, group: str, metadata: Mapping[str, str] | None = None
) -> StripeTransfer:
    """Send money to an account, once per key. One request. Raises Unavailable and Rejected."""
    with _translated():
        made = _client(retries=0).v1.transfers.create(
            {
                "amount": to_stripe(amount),
                "currency": amount.currency.lower(),
                "destination": destination,
                "transfer_group": group,
                "metadata": dict(metadata or {}),
            },
            {"idempotency_key": key},
        )
        return _transfer(made)


def list_transfers(group: str) -> list[StripeTransfer]:
    """Every transfer of a group, newest first. Raises Unavailable rather than answer in part."""
    with _translated():
        page = _client().v1.transfers.list({"transfer_group": group, "limit": 100})
        return [_transfer(one) for one in page.auto_paging_iter()]


def list_transfers_since(at: datetime) -> list[StripeTransfer]:
    """Every transfer made at or after `at`, newest first. Raises Unavailable rather than answer in part."""
    with _translated():
        page = _client().v1.transfers.list({"created": {"gte": int(at.timestamp())}, "limit": 100})
        return [_transfer(one) for one in page.auto_paging_iter()]


def retrieve_transfer(transfer_id: str) -> StripeTransfer | None:
    """The transfer as it is now; None when Stripe has none of that id."""
    try:
        with _translated():
            return _transfer(_client().v1.transfers.retrieve(transfer_id))
    except Rejected as no:
        if no.code == "resource_missing":
            return None
        raise


def reverse_transfer(transfer_id: str, amount: Money, *, key: str) -> Reversal:
    """Take a transfer back, whole or in part. One request. Raises Unavailable and Rejected."""
    with _translated():
        made = _client(retries=0).v1.transfers.reversals.create(
            transfer_id, {"amount": to_stripe(amount)}, {"idempotency_key": key}
        )
        return Reversal(made.id, str(made.transfer), from_stripe(made.amount, made.currency))


def balance() -> dict[str, Funds]:
    """The network's Stripe balance by currency, rounded down to what the ledger can write."""
    with _translated():
        held = _client().v1.balance.retrieve()
        sums: dict[str, list[int]] = {}
        for place, side in enumerate((held.available, held.pending)):
            for one in side:
                sums.setdefault(one.currency.upper(), [0, 0])[place] += one.amount
    funds = {}
    for currency, pair in sums.items():
        if is_known(currency):
            step = 10 ** max(_STRIPE_DIGITS.get(currency, 2) - digits(currency), 0)
            available, pending = (from_stripe(minor - minor % step, currency) for minor in pair)
            funds[currency] = Funds(available, pending)
    return funds


@dataclass(frozen=True, slots=True)
class RunTransfers:
    """The `TransferProvider` of one run: its id and this installation's name go with every transfer."""

    run_id: str
    opened_at: datetime
    instance: str

    def create_transfer(self, call: TransferCall) -> Answer:
        """One request; every outcome is an answer."""
        metadata = {"run": self.run_id, "payout": call.payout_id, "instance": self.instance}
        try:
            made = create_transfer(
                Money(call.amount_minor, call.currency), destination=call.destination, key=call.key,
                group=call.payout_id, metadata=metadata,
            )  # fmt: skip
        except Rejected as no:
            return Refused(no.code)
        except Unavailable as silence:
            if silence.is_busy:
                return Busy()
            if silence.status in (400, 402, 404):
                return Refused(silence.code)
            return Unsure(key_is_spent=silence.status is not None and silence.status >= 500)
        return Accepted(_as_provided(made))

    def list_transfers(self, payout_id: str) -> Sequence[Transfer]:
        """Every transfer of the payout's group."""
        return [_as_provided(one) for one in list_transfers(payout_id)]

    def list_run_transfers(self, run_id: str) -> Sequence[Transfer]:
        """Every transfer this installation made for the run since it was opened."""
        ours = {"run": run_id, "instance": self.instance}
        # Stripe's clock may be behind ours.
        since = list_transfers_since(self.opened_at - timedelta(hours=1))
        return [_as_provided(one) for one in since if ours.items() <= one.metadata.items()]

    def retrieve_transfer(self, transfer_id: str) -> Transfer | None:
        """The transfer as it is now, if it is one of this installation's."""
        found = retrieve_transfer(transfer_id)
        return _as_provided(found) if found and found.metadata.get("instance") == self.instance else None


# Payees.


class PayeeAccountPort(Protocol):
    """What both of Stripe's account interfaces can do for a payee."""

    def create(
        self, *, email: str, country: str, name: str, key: str, is_abroad: bool, metadata: Mapping[str, str]
    ) -> str:
        """Open an account and answer its id."""
        ...

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """A link to Stripe's onboarding, good once and for minutes."""
        ...

    def status(self, account: str) -> PayeeStatus:
        """Whether the account can receive."""
        ...


class AccountsV2:
    """/v2/core/accounts, which new platforms must use."""

    def create(
        self, *, email: str, country: str, name: str, key: str, is_abroad: bool, metadata: Mapping[str, str]
    ) -> str:
        """Open a recipient with Stripe's express dashboard; fees and losses are the network's."""
        made = _client().v2.core.accounts.create(
            {
                "contact_email": email,
                "display_name": name,
                "dashboard": "express",
                "identity": {"country": country.lower(), "entity_type": "individual"},
                "configuration": {
                    "recipient": {"capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}}
                },
                "defaults": {
                    "responsibilities": {"fees_collector": "application", "losses_collector": "application"}
                },
                "metadata": dict(metadata),
            },
            {"idempotency_key": key},
        )
        return made.id

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """Ten minutes, single use."""
        flow: Any = {"refresh_url": refresh_url, "return_url": return_url}
        made = _client().v2.core.account_links.create(
            {"account": account, "use_case": {"type": "account_onboarding", "account_onboarding": flow}}
        )
        return made.url

    def status(self, account: str) -> PayeeStatus:
        """From the capability to receive transfers; a payee who has not finished is pending, not restricted."""
        found = _client().v2.core.accounts.retrieve(
            account, {"include": ["configuration.recipient", "defaults", "identity", "requirements"]}
        ).to_dict()  # fmt: skip
        capability = _at(found, "configuration", "recipient", "capabilities", "stripe_balance", "stripe_transfers") or {}
        details = capability.get("status_details") or []
        reasons = tuple(one["code"] for one in details)
        asked = {
            reason["code"]
            for entry in _at(found, "requirements", "entries") or []
            for reason in entry.get("requested_reasons") or []
        }
        status = {"active": "verified", "pending": "pending"}.get(capability.get("status", "restricted"), "restricted")
        is_new = "routine_onboarding" in asked and all(one["resolution"] == "provide_info" for one in details)
        if status == "restricted" and is_new:
            status = "pending"
        if found.get("closed"):
            status, reasons = "restricted", ("account_closed", *reasons)
        decisive = (
            found["id"], found.get("contact_email"), _at(found, "identity", "country"),
            _at(found, "identity", "entity_type"), _at(found, "defaults", "payout_methods"),
        )  # fmt: skip
        return PayeeStatus(found["id"], status, reasons, _fingerprint(decisive))


class AccountsV1:
    """/v1/accounts, for platforms that Stripe has not moved."""

    def create(
        self, *, email: str, country: str, name: str, key: str, is_abroad: bool, metadata: Mapping[str, str]
    ) -> str:
        """The same kind of account; abroad it comes under the recipient service agreement."""
        agreement = "recipient" if is_abroad else "full"
        made = _client().v1.accounts.create(
            {
                "email": email,
                "country": country.upper(),
                "business_type": "individual",
                "business_profile": {"name": name},
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "stripe",
                    "stripe_dashboard": {"type": "express"},
                },
                "capabilities": {"transfers": {"requested": True}},
                "tos_acceptance": {"service_agreement": agreement},
                "metadata": dict(metadata),
            },
            {"idempotency_key": key},
        )
        return made.id

    def link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """Five minutes, single use."""
        made = _client().v1.account_links.create(
            {"account": account, "type": "account_onboarding", "refresh_url": refresh_url, "return_url": return_url}
        )
        return made.url

    def status(self, account: str) -> PayeeStatus:
        """From the transfers capability and whether the details were ever submitted."""
        found = _client().v1.accounts.retrieve(account).to_dict()
        capability = (found.get("capabilities") or {}).get("transfers", "inactive")
        needs = found.get("requirements") or {}
        status = {"active": "verified", "pending": "pending"}.get(capability, "restricted")
        if status == "restricted" and not found.get("details_submitted"):
            status = "pending"
        banks = [one.get("fingerprint") or one["id"] for one in _at(found, "external_accounts", "data") or []]
        reasons = (needs["disabled_reason"],) if status != "verified" and needs.get("disabled_reason") else ()
        decisive = (found["id"], found.get("email"), found.get("country"), found.get("business_type"), sorted(banks))
        return PayeeStatus(found["id"], status, reasons, _fingerprint(decisive))


def payee_accounts() -> PayeeAccountPort:
    """The driver that the setting STRIPE_ACCOUNTS_API names."""
    return AccountsV1() if settings.STRIPE_ACCOUNTS_API == "v1" else AccountsV2()


def create_payee(
    *, email: str, country: str, name: str, key: str, is_abroad: bool = False, metadata: Mapping[str, str] | None = None
) -> str:
    """Open an account that can receive transfers, and answer its id. Raises Unavailable and Rejected."""
    with _translated():
        return payee_accounts().create(
            email=email, country=country, name=name, key=key, is_abroad=is_abroad, metadata=metadata or {}
        )


def onboarding_link(account: str, *, refresh_url: str, return_url: str) -> str:
    """A bearer link to Stripe's onboarding: redirect to it at once; never keep, log or mail it."""
    with _translated():
        return payee_accounts().link(account, refresh_url=refresh_url, return_url=return_url)


def payee_status(account: str) -> PayeeStatus:
    """Whether the account can receive, and where its money would go. Raises Unavailable and Rejected."""
    with _translated():
        return payee_accounts().status(account)


# Events.


def parse_webhook(payload: bytes, header: str, secret: str | None = None) -> Event:
    """Check a webhook's signature, age and mode, and read it. Raises WebhookRefused.

    The client accepts any timestamp of the future; here 300 seconds are the limit both ways.
    """
    try:
        stripe.WebhookSignature.verify_header(payload, header, secret or settings.STRIPE_WEBHOOK_SECRET)
        stamps = [int(part[2:]) for part in header.split(",") if part.startswith("t=")]
        age = time.time() - stamps[0]
    except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, IndexError):
        raise WebhookRefused("The signature is missing or wrong.", code="webhook_signature_wrong") from None
    if abs(age) > WEBHOOK_TOLERANCE.total_seconds():
        word = "old" if age > 0 else "far in the future"
        raise WebhookRefused(f"The timestamp is too {word}.", code="webhook_not_of_now")
    try:
        event = _event(json.loads(payload))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WebhookRefused("The body is no event.", code="webhook_unreadable") from None
    if event.is_livemode != _key().startswith(("sk_live_", "rk_live_")):
        raise WebhookRefused("The event is of another mode.", code="webhook_livemode_mismatch")
    return event


def list_events_since(at: datetime) -> list[Event]:
    """Everything that happened at or after `at`, oldest first, as far back as Stripe keeps (30 days)."""
    with _translated():
        page = _client().v1.events.list({"created": {"gte": int(at.timestamp())}, "limit": 100})
        events = [_event(one.to_dict()) for one in page.auto_paging_iter()]
        if settings.STRIPE_ACCOUNTS_API != "v1":
            since = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            thin = _client().v2.core.events.list({"created": {"gte": since}, "limit": 100})
            events += [_event(one.to_dict()) for one in thin.auto_paging_iter()]
    return sorted(reversed(events), key=lambda event: event.created_at)


# Amounts.


def to_stripe(amount: Money) -> int:
    """The amount in Stripe's smallest unit. Raises Rejected for what Stripe cannot carry exactly."""
    places = _STRIPE_DIGITS.get(amount.currency, 2)
    minor, rest = divmod(amount.minor * 10**places, 10 ** digits(amount.currency))
    if rest or (places == 3 and minor % 10):
        raise Rejected("amount_unsupported", f"Stripe cannot carry {amount} exactly.")
    return minor


def from_stripe(minor: int, currency: str) -> Money:
    """An amount of Stripe's as ours. Raises ValueError for what the ledger cannot write exactly."""
    code = currency.upper()
    ours, rest = divmod(minor * 10 ** digits(code), 10 ** _STRIPE_DIGITS.get(code, 2))
    if rest:
        raise ValueError(f"{minor} {code} at Stripe is no whole number of minor units")
    return Money(ours, code)


# Inside.


def _key() -> str:
    return settings.STRIPE_SECRET_KEY or STANDIN_KEY


def _client(*, retries: int = 2) -> stripe.StripeClient:
    base = settings.STRIPE_API_BASE
    if not base and not settings.STRIPE_SECRET_KEY:
        raise ImproperlyConfigured("Without STRIPE_SECRET_KEY, STRIPE_API_BASE must name the stand-in.")
    return _build_client(_key(), base, retries)


@cache
def _build_client(key: str, base: str, retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else None,
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the client's errors, and answers that are not what was asked for, into our two."""
    try:
        yield
    except stripe.StripeError as error:
        raise _verdict(error) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unavailable("answer_unreadable", type(error).__name__) from error


def _verdict(error: stripe.StripeError) -> Unavailable | Rejected:
    """What an error means. The code is read from the body: the client leaves `code` empty for some."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    given = body.get("error") if isinstance(body.get("error"), dict) else {}
    said = cast("dict[str, Any]", given)
    status = error.http_status
    code = str(said.get("code") or said.get("type") or ("no_answer" if status is None else f"http_{status}"))
    message = str(said.get("message") or "")
    if status == 401:
        return Unavailable("not_authorized", status=status, is_unsure=False)
    if status == 429:
        return Unavailable(code, message, status=status, is_unsure=False, is_busy=True)
    if status == 409:
        return Unavailable(code, message, status=status, is_busy=code == "idempotency_key_in_use")
    if status in (400, 402, 403, 404) and code in REJECTIONS:
        return Rejected(code, message)
    return Unavailable(code, message, status=status)


def _transfer(given: stripe.Transfer) -> StripeTransfer:
    return StripeTransfer(
        id=given.id,
        amount=from_stripe(given.amount, given.currency),
        reversed_amount=from_stripe(given.amount_reversed, given.currency),
        destination=str(given.destination),
        group=given.transfer_group or "",
        created_at=datetime.fromtimestamp(given.created, UTC),
        metadata=given.metadata.to_dict(),
    )


def _as_provided(one: StripeTransfer) -> Transfer:
    return Transfer(
        one.id, one.group, one.amount.minor, one.amount.currency, one.destination, one.reversed_amount.minor
    )


def _event(body: dict[str, Any]) -> Event:
    is_thin = body["object"] == "v2.core.event"
    thing = (body.get("related_object") or {}) if is_thin else body["data"]["object"]
    created = body["created"]
    at = datetime.fromisoformat(created) if is_thin else datetime.fromtimestamp(created, UTC)
    account = (body.get("context") if is_thin else body.get("account")) or ""
    return Event(
        body["id"], body["type"], at, account, str(thing.get("id") or ""), bool(body["livemode"]), is_thin, body
    )


def _at(given: Any, *names: str) -> Any:
    """A value deep inside, or None when any step is missing."""
    for name in names:
        given = given.get(name) if isinstance(given, Mapping) else None
    return given


def _fingerprint(decisive: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()

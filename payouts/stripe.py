"""Stripe, or the stand-in that answers like it: the only module that imports its client.

Plain frozen values go out, never the client's objects. Two ways to fail: `Rejected` is a no
that Stripe is known to mean, `Unavailable` is everything else, and leaves open whether the
request was carried out unless it says otherwise.

Requests that move money are never repeated by the client: one call is one request, so that
"too many requests" truly means that nothing was carried out, a lease need only cover one
timeout, and the protocol alone decides about trying again. Readings, and the opening of
accounts under a key, are repeated twice.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import stripe
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ledger.currencies import digits, is_known
from ledger.money import Money
from payouts.protocol import FINAL_CODES, NO_FUNDS
from payouts.provider import Accepted, Answer, Busy, Refused, Transfer, TransferCall, Unsure
from payouts.stripe_payees import AccountsV1, AccountsV2, PayeeAccountPort, PayeeStatus
from payouts.stripe_words import (
    STRIPE_DIGITS,
    Event,
    Funds,
    Rejected,
    Reversal,
    StripeTransfer,
    Unavailable,
    WebhookRefused,
    from_stripe,
    to_stripe,
)

__all__ = ["Gateway", "Rejected", "StripeProvider", "Unavailable", "WebhookRefused", "gateway"]

#: Seconds to reach Stripe, and seconds without a byte from it, before a call is given up.
TIMEOUT = (5.0, 20.0)
#: How far a webhook's timestamp may be off, into the past or the future.
WEBHOOK_TOLERANCE = timedelta(seconds=300)
#: Stripe's clock may be behind ours, so listings begin this much earlier.
CLOCK_MARGIN = timedelta(hours=1)
#: What an event's id and type look like.
_NAME = re.compile(r"[\w.\[\]-]{1,80}", re.ASCII)
STANDIN_KEY = "sk_test_standin"

#: The refusals that are known to be meant. Any other code may yet turn into a transfer.
REJECTIONS = FINAL_CODES | {
    NO_FUNDS, "resource_missing", "not_found", "capability_not_active", "country_unsupported",
    "parameter_invalid_empty", "parameter_invalid_integer", "parameter_missing", "parameter_unknown",
}  # fmt: skip

# Neither usage figures nor an id file in the home directory; and at its debug level the client
# logs whole answers, onboarding links among them.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything we ask of Stripe, by one key at one address. Ask `gateway()` for the one in force."""

    key: str
    base: str  # "" is Stripe itself
    accounts_api: str = "v2"
    webhook_secret: str = ""

    def create_transfer(
        self,
        amount: Money,
        *,
        destination: str,
        key: str,
        group: str,
        metadata: Mapping[str, str] | None = None,
    ) -> StripeTransfer:
        """Send money to an account, once per key. One request. Raises Unavailable and Rejected."""
        minor = to_stripe(amount)
        with _translated():
            made = self._client(retries=0).v1.transfers.create(
                {
                    "amount": minor,
                    "currency": amount.currency.lower(),
                    "destination": destination,
                    "transfer_group": group,
                    "metadata": dict(metadata or {}),
                },
                {"idempotency_key": key},
            )
            return _transfer(made)

    def list_transfers(self, group: str) -> list[StripeTransfer]:
        """Every transfer of a group, newest first. Raises Unavailable rather than answer in part."""
        with _translated():
            page = self._client().v1.transfers.list({"transfer_group": group, "limit": 100})
            return [_transfer(one) for one in page.auto_paging_iter()]

    def list_transfers_since(self, at: datetime) -> list[StripeTransfer]:
        """Every transfer made at or after `at`, newest first. Raises Unavailable rather than answer in part."""
        with _translated():
            page = self._client().v1.transfers.list({"created": {"gte": int(at.timestamp())}, "limit": 100})
            return [_transfer(one) for one in page.auto_paging_iter()]

    def retrieve_transfer(self, transfer_id: str) -> StripeTransfer | None:
        """The transfer as it is now; None when Stripe has none of that id."""
        try:
            with _translated():
                return _transfer(self._client().v1.transfers.retrieve(transfer_id))
        except Rejected as no:
            if no.code == "resource_missing":
                return None
            raise

    def reverse_transfer(self, transfer_id: str, amount: Money, *, key: str) -> Reversal:
        """Take a transfer back, whole or in part. One request. Raises Unavailable and Rejected."""
        minor = to_stripe(amount)
        with _translated():
            made = self._client(retries=0).v1.transfers.reversals.create(
                transfer_id, {"amount": minor}, {"idempotency_key": key}
            )
            return Reversal(made.id, str(made.transfer), from_stripe(made.amount, made.currency))

    def balance(self) -> dict[str, Funds]:
        """The network's Stripe balance by currency, rounded down to what the ledger can write."""
        sums: dict[str, list[int]] = {}
        with _translated():
            held = self._client().v1.balance.retrieve()
            for one in held.available:
                sums.setdefault(one.currency.upper(), [0, 0])[0] += one.amount
            for other in held.pending:
                sums.setdefault(other.currency.upper(), [0, 0])[1] += other.amount
        funds = {}
        for currency, pair in sums.items():
            if is_known(currency):
                step: int = 10 ** max(STRIPE_DIGITS.get(currency, 2) - digits(currency), 0)
                available, pending = (from_stripe(minor - minor % step, currency) for minor in pair)
                funds[currency] = Funds(available, pending)
        return funds

    def create_payee(
        self, *, email: str, country: str, key: str, name: str = "", is_abroad: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:  # fmt: skip
        """Open an account that can receive transfers, and answer its id. Raises Unavailable and Rejected."""
        with _translated():
            return self._accounts().create(
                email=email,
                country=country,
                name=name,
                key=key,
                is_abroad=is_abroad,
                metadata=metadata or {},
            )

    def onboarding_link(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """A bearer link to Stripe's onboarding: redirect to it at once; never keep, log or mail it."""
        with _translated():
            return self._accounts().link(account, refresh_url=refresh_url, return_url=return_url)

    def payee_status(self, account: str) -> PayeeStatus:
        """Whether the account can receive, and where its money would go. Raises Unavailable and Rejected."""
        with _translated():
            return self._accounts().status(account)

    def parse_webhook(self, payload: bytes, header: str, secret: str = "") -> Event:
        """Check a webhook's signature, age and mode, and read it. Raises WebhookRefused.

        The client accepts any timestamp of the future; here 300 seconds are the limit both ways.
        """
        try:
            stripe.WebhookSignature.verify_header(payload, header, secret or self.webhook_secret)
            stamps = [int(part[2:]) for part in header.split(",") if part.startswith("t=")]
            age = time.time() - stamps[0]
        except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, IndexError):
            raise WebhookRefused("The signature is missing or wrong.", code="webhook_signature_wrong") from None
        if abs(age) > WEBHOOK_TOLERANCE.total_seconds():
            word = "old" if age > 0 else "far in the future"
            raise WebhookRefused(f"The timestamp is too {word}.", code="webhook_not_of_now")
        try:
            event = _named(_event(json.loads(payload)))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, OSError):
            raise WebhookRefused("The body is no event.", code="webhook_unreadable") from None
        if event.is_livemode != self.key.startswith(("sk_live_", "rk_live_")):
            raise WebhookRefused("The event is of another mode.", code="webhook_livemode_mismatch")
        return event

    def list_events_since(self, at: datetime) -> list[Event]:
        """Everything that happened at or after `at`, oldest first, as far back as Stripe keeps (30 days)."""
        with _translated():
            page = self._client().v1.events.list({"created": {"gte": int(at.timestamp())}, "limit": 100})
            events = [_event(one.to_dict(for_json=True)) for one in page.auto_paging_iter()][::-1]
            if self.accounts_api != "v1":
                since = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                thin = self._client().v2.core.events.list({"created": {"gte": since}, "limit": 100})
                events += [_event(one.to_dict(for_json=True)) for one in thin.auto_paging_iter()][::-1]
        return sorted(events, key=lambda event: event.created_at)

    def _accounts(self) -> PayeeAccountPort:
        client = self._client()
        return AccountsV1(client) if self.accounts_api == "v1" else AccountsV2(client)

    def _client(self, *, retries: int = 2) -> stripe.StripeClient:
        return _build_client(self.key, self.base, retries)


def gateway() -> Gateway:
    """The gateway that the settings describe: Stripe with STRIPE_SECRET_KEY, else the stand-in."""
    if not settings.STRIPE_SECRET_KEY and not settings.STRIPE_API_BASE:
        raise ImproperlyConfigured("Without STRIPE_SECRET_KEY, STRIPE_API_BASE must name the stand-in.")
    return Gateway(
        key=settings.STRIPE_SECRET_KEY or STANDIN_KEY,
        base=settings.STRIPE_API_BASE,
        accounts_api=settings.STRIPE_ACCOUNTS_API,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
    )


@dataclass(frozen=True, slots=True)
class StripeProvider:
    """The `TransferProvider` that production sends with.

    Every transfer carries its run, its payout and this installation's name as metadata.
    `run_of` tells a payout's run, `opened_at` when a run was opened.
    """

    gateway: Gateway
    instance: str
    run_of: Callable[[str], str]
    opened_at: Callable[[str], datetime]

    def create_transfer(self, call: TransferCall) -> Answer:
        """One request; every outcome is an answer."""
        metadata = {
            "run": self.run_of(call.payout_id),
            "payout": call.payout_id,
            "instance": self.instance,
        }
        try:
            made = self.gateway.create_transfer(
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
        return [_as_provided(one) for one in self.gateway.list_transfers(payout_id)]

    def list_run_transfers(self, run_id: str) -> Sequence[Transfer]:
        """Every transfer this installation made for the run since it was opened."""
        ours = {"run": run_id, "instance": self.instance}
        since = self.gateway.list_transfers_since(self.opened_at(run_id) - CLOCK_MARGIN)
        return [_as_provided(one) for one in since if ours.items() <= one.metadata.items()]

    def list_our_transfers(self, since: datetime) -> Sequence[Transfer]:
        """Every transfer this installation made at or after an instant, for whatever run."""
        listed = self.gateway.list_transfers_since(since)
        return [_as_provided(one) for one in listed if one.metadata.get("instance") == self.instance]

    def retrieve_transfer(self, transfer_id: str) -> Transfer | None:
        """The transfer as it is now, if it is one of this installation's."""
        found = self.gateway.retrieve_transfer(transfer_id)
        return _as_provided(found) if found and found.metadata.get("instance") == self.instance else None


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
    body = error.json_body
    given = body.get("error") if isinstance(body, dict) else None
    said: dict[str, Any] = given if isinstance(given, dict) else {}
    status = error.http_status
    code = str(said.get("code") or said.get("type") or ("no_answer" if status is None else f"http_{status}"))
    message = str(said.get("message") or "")
    if status == 401:
        # The message repeats part of the key.
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
        one.id,
        one.group,
        one.amount.minor,
        one.amount.currency,
        one.destination,
        one.reversed_amount.minor,
    )


def _named(event: Event) -> Event:
    if not (_NAME.fullmatch(event.id) and _NAME.fullmatch(event.type)):
        raise ValueError("an id or a type that Stripe does not make")
    return event


def _event(body: dict[str, Any]) -> Event:
    is_thin = body["object"] == "v2.core.event"
    thing = (body.get("related_object") or {}) if is_thin else body["data"]["object"]
    created = body["created"]
    at = datetime.fromisoformat(created) if is_thin else datetime.fromtimestamp(created, UTC)
    account = (body.get("context") if is_thin else body.get("account")) or ""
    return Event(
        body["id"],
        body["type"],
        at,
        account,
        str(thing.get("id") or ""),
        bool(body["livemode"]),
        is_thin,
        body,
    )

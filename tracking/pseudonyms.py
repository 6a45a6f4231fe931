"""Customers' e-mail addresses, which nobody here keeps: what stands in their place.

`customer_of_address` is the pseudonym by which orders know an address. `signs_of_address` says, without
giving the address away, what fraud detection asks of it: which addresses are the same person's, whose
domain it is of, and whether it was made to be thrown away.
"""

import hashlib
import hmac
import re
from typing import NamedTuple

from django.conf import settings

from tracking.email_addresses import DISPOSABLE, ORDINARY, RANDOM, alike, kind_of_address, own_domain_of

_HIDDEN = re.compile(r"(email_[0-9a-f]{32})@hidden\.invalid", re.ASCII)


class Signs(NamedTuple):
    """What may be known of an address: its kind, the pseudonym of its plain form and of its own domain."""

    kind: str = ""
    alike: str = ""
    domain: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.alike}:{self.domain}" if self.kind else ""

    @classmethod
    def read(cls, text: str) -> "Signs":
        """The signs as they were written; none for anything else."""
        parts = text.split(":")
        return cls(*parts) if len(parts) == 3 and parts[0] in {ORDINARY, DISPOSABLE, RANDOM} else cls()


def customer_of_address(address: str) -> str:
    """The stable pseudonym of an e-mail address, whatever its case; the address cannot be had back."""
    plain = address.strip().casefold()
    hidden = _HIDDEN.fullmatch(plain)
    if hidden is not None:
        return hidden[1]
    return f"email_{_keyed(f'customer-email:{plain}')[:32]}"


def signs_of_address(address: str) -> Signs:
    """What may be known of an address; nothing of one that is hidden already or is none."""
    plain = address.strip().casefold()
    name, _at, domain = plain.rpartition("@")
    if not name or not domain or _HIDDEN.fullmatch(plain):
        return Signs()
    own = own_domain_of(plain)
    return Signs(
        kind_of_address(plain),
        _keyed(f"alike-email:{alike(plain)}")[:20],
        _keyed(f"email-domain:{own}")[:20] if own else "",
    )


def _keyed(text: str) -> str:
    """HMAC-SHA256 (RFC 2104) under the network's own secret, in hexadecimal."""
    return hmac.new(settings.SECRET_KEY.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

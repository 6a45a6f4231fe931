"""A partner's postback address: its macros, checked when it is saved and filled in when something happens."""

import difflib
import re
from urllib.parse import quote

from affiliates.errors import EndpointRefused
from payouts.queries.calls import MACROS

_OURS = re.compile(r"\{([A-Za-z0-9_]*)\}")
#: Other networks' ways to write a macro, which nobody would fill in.
_FOREIGN = re.compile(
    r"#[a-z0-9_]+#|!!![a-z0-9_]+!!!|\[\[?[a-z0-9_]+\]\]?|\$\{[^}]*\}|%7[Bb][^%]*%7[Dd]", re.IGNORECASE
)
#: What other networks call what we send; their names are taken and told.
_THEIRS = {
    "transaction_id": "click_id", "clickid": "click_id", "aff_sub": "sub1", "aff_click_id": "affiliate_click_id",
    "externalid": "affiliate_click_id", "payout": "amount", "payout_amount": "amount", "sum": "amount",
    "price": "amount", "sale": "sale_amount", "offer_id": "program_id", "offer_name": "program",
    "country_code": "country", "geo": "country", "goal": "event", "event_name": "event", "source": "source_id",
    "tid": "conversion_id", "txid": "conversion_id", "leadid": "conversion_id", "s1": "sub1", "s2": "sub2",
    "s3": "sub3", "s4": "sub4", "s5": "sub5", "aff_sub2": "sub2", "aff_sub3": "sub3", "aff_sub4": "sub4",
    "aff_sub5": "sub5",
}  # fmt: skip


def read_template(url: str) -> str:
    """The address with other networks' names put into ours. Raises EndpointRefused naming what cannot be filled in."""
    foreign = _FOREIGN.search(url)
    if foreign:
        raise EndpointRefused(
            f"{foreign[0]} is another network's way to write a macro. Write it in braces, such as {{click_id}}.",
            field="url",
            code="macro_foreign",
        )
    host = url.partition("://")[2].partition("/")[0]
    if "{" in host:
        raise EndpointRefused("The host of the address cannot be a macro.", field="url", code="macro_in_host")

    def known(match: re.Match[str]) -> str:
        name = match[1].lower()
        name = _THEIRS.get(name, name)
        if name not in MACROS:
            near = difflib.get_close_matches(name, MACROS, n=1)
            hint = f" Did you mean {{{near[0]}}}?" if near else f" Known are: {', '.join(MACROS)}."
            raise EndpointRefused(f"{{{match[1]}}} is no macro.{hint}", field="url", code="macro_unknown")
        return f"{{{name}}}"

    return _OURS.sub(known, url.strip())


def fill(template: str, macros: dict[str, str]) -> str:
    """The address with every macro's value, percent-encoded."""
    return _OURS.sub(lambda match: quote(macros.get(match[1], ""), safe=""), template)


def example_of(template: str) -> str:
    """The address as it would look, with believable values."""
    return fill(
        template,
        {
            **{f"sub{number}": f"sub{number}-value" for number in range(1, 11)},
            "click_id": "clk_01kjss3gg0fvpr494hs15pfqp2", "affiliate_click_id": "your-click-id", "source_id": "newsletter",
            "commission_id": "comm_01kjss…", "conversion_id": "conv_01kjss…", "event": "sale", "status": "pending",
            "amount": "12.40", "currency": "USD", "sale_amount": "62.00", "program": "Acme Audio",
            "program_id": "prog_01kjss…", "link": "yxperqt", "country": "DE", "clicked_at": "2026-11-03T14:02:00Z",
            "occurred_at": "2026-11-03T14:20:00Z", "timestamp": "1793715600",
        },
    )  # fmt: skip

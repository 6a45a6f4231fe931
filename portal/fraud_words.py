"""Suspicions in words: seventeen rules, each worded for the partner, the merchant and staff.

The merchant and staff read the numbers that were compared. The partner reads what looks unusual and how many of
its orders that is, and not where the line was drawn: whoever knows the line stays just under it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.formats import format_number, format_percent

type Text = str | Promise


@dataclass(frozen=True, slots=True)
class RuleWords:
    """A rule in words. `unit` is what its threshold counts; the three sentences have the finding's numbers."""

    title: Text
    looks_at: Text
    unit: Text
    partner: Text
    merchant: Text
    staff: Text


_TIMES_USUAL = _("times the usual share")

RULES: dict[str, RuleWords] = {
    "F1": RuleWords(
        _("Orders right after the click"), _("Orders that come within seconds of the click."), _("seconds from click to order"),
        _("Many of your orders came unusually soon after the click: {near_count} of {of}."),
        _("{count} of {of} orders came within {seconds} seconds of the click and {near_count} within {near_seconds}; usual here are {usual} and {near_usual}."),
        _("Twice the smaller of P[Bin({of}, {allowed}) ≥ {count}] (τ = {seconds} s) and P[Bin({of}, {near_allowed}) ≥ {near_count}] ({near_seconds} s)."),
    ),
    "F2": RuleWords(
        _("Orders long after the click"), _("Orders that come long after the click, spread evenly, as when clicks are made for whoever may buy later."), _("hours from click to order"),
        _("Unusually many of your orders came long after the click: {count} of {of}."),
        _("{count} of {of} orders came more than {hours} hours after the click; usual here is {usual}. Their times are spread otherwise than those of the program."),
        _("The larger of P[Bin({of}, {allowed}) ≥ {count}] and Kolmogorov-Smirnov D = {distance} (p {p_shape}); orders per click {rate}, usual {usual_rate}."),
    ),
    "F3": RuleWords(
        _("Times too much alike"), _("Clicks or orders in intervals more regular than people keep."), _("coefficient of variation"),
        _("The times of your clicks and orders are more regular than visitors usually are."),
        _("The gaps between orders vary by {order_variation} and those between clicks by {variation}, where people's vary by about 100%; the times from click to order have {ratio} of the usual spread."),
        _("The smallest p, corrected, of: χ² of the squared ratio of interquartile ranges of log times ({ratio}, n = {of}, p {p_times}); evenness of {gaps} gaps between clicks ({variation}, p {p_clicks}); the same of orders ({order_variation}, p {p_orders})."),
    ),
    "F4": RuleWords(
        _("Clicks just before the order of others"), _("Winning clicks that came seconds after another partner's click of the same visitor."), _("seconds between two partners' clicks"),
        _("Unusually often your click followed another partner's click of the same visitor at once: {wide_count} of {of} orders."),
        _("In {count} of {of} orders the winning click came within {seconds} seconds of another partner's, in {wide_count} within {wide_seconds}; usual here are {usual} and {wide_usual}. Look at whose these orders should be."),
        _("Twice the smaller of P[Bin({of}, {allowed}) ≥ {count}] ({seconds} s) and P[Bin({of}, {wide_allowed}) ≥ {wide_count}] ({wide_seconds} s)."),
    ),
    "F5": RuleWords(
        _("Clicks without orders"), _("Many clicks that hardly ever lead to an order."), _("times below the usual rate"),
        _("Your links are followed often, and unusually seldom does an order come of it."),
        _("{count} orders of {of} clicks ({rate}); usual here is {usual}."),
        _("P[Bin({of}, {allowed}) ≤ {count}]; log ratio {log_ratio}."),
    ),
    "F6": RuleWords(
        _("Clicks from few networks"), _("Clicks that come from few networks of the internet."), _TIMES_USUAL,
        _("Your clicks come from unusually few networks of the internet."),
        _("{count} of {of} clicks came from the five largest networks, of {networks} in all; usual here is {usual}. The largest alone sent {largest}."),
        _("Networks are /24 and /48. {count} of {of}, allowed {allowed}; entropy {bits} of {bits_most} bits; crowding p {p_crowd}, rate p {p_rate}."),
    ),
    "F7": RuleWords(
        _("Clicks of programs"), _("Clicks of crawlers, prefetchers and other programs; they are never counted."), _TIMES_USUAL,
        _("Unusually many clicks on your links come from programs and not from people. They are not counted."),
        _("{count} of {of} clicks came from programs; usual here is {usual}. They were not counted."),
        _("General invalid traffic by the MRC's rules: P[Bin({of}, {allowed}) ≥ {count}], usual {usual}."),
    ),
    "F8": RuleWords(
        _("Own orders"), _("Orders of the partner's own people: the same address, browser or home network."), _("orders"),
        _("Some orders seem to be your own or those of people you work with: {count} of {of}."),
        _("{count} of {of} orders belong to the partner's own people: {by_address} by e-mail address, {by_device} by browser, {by_domain} by company domain, {by_network} by home network."),
        _("Union of addresses, their plain spellings, own domains, payout accounts and sign-ins; the customer is in the partner's circle. Needed: {needed}."),
    ),
    "F9": RuleWords(
        _("The same partner twice"), _("Several memberships with one payout account or one browser."), _("memberships"),
        _("Your payout account or your browser is also used by another membership."),
        _("So many memberships look like one: {count}. With this payout account: {by_payout}; with this browser: {by_device}."),
        _("Equal payout fingerprints over the whole network, equal sign-in browsers. Needed: {needed}."),
    ),
    "F10": RuleWords(
        _("A code that leaked"), _("Orders won by a code without a visit by way of its owner, or with another partner's click shortly before."), _TIMES_USUAL,
        _("Your code is used unusually often by visitors who did not come by way of you: {count} of {of} orders."),
        _("{count} of {of} orders of the code came without a click of its owner although another partner's was near, or before the code began; usual here is {usual}."),
        _("P[Bin({of}, {allowed}) ≥ {count}], usual {usual}."),
    ),
    "F11": RuleWords(
        _("Many refunds"), _("Orders that are given back or disputed more often than usual."), _TIMES_USUAL,
        _("Unusually many of your orders were given back or disputed: {count} of {of}."),
        _("{count} of {of} orders were given back or disputed, {early} of them within a week; usual here is {usual}."),
        _("Beta-binomial with mean {allowed}: {count} of {of}; {early} within {early_days} days."),
    ),
    "F12": RuleWords(
        _("Throw-away addresses"), _("Customers with disposable or random e-mail addresses."), _TIMES_USUAL,
        _("Unusually many of your customers use addresses that last only a moment: {count} of {of}."),
        _("{count} of {of} customers have a disposable or random address; usual here is {usual}."),
        _("Domain list and likelihood of pairs of letters: P[Bin({of}, {allowed}) ≥ {count}], usual {usual}."),
    ),
    "F13": RuleWords(
        _("Orders in bursts"), _("Many orders within one hour or a few, without the clicks that would explain them."), _TIMES_USUAL,
        _("Unusually many of your orders came within a short time: {count} of {of}."),
        _("{count} of {of} orders came within one span of {span_hours} h, where {expected} were to be expected of {clicks} clicks."),
        _("Poisson-gamma over the hours with clicks: {count} where {expected} were expected; usual orders per click {usual_rate}."),
    ),
    "F14": RuleWords(
        _("Order and click from different countries"), _("Orders from another country than their click, and browsers of another language than their country."), _TIMES_USUAL,
        _("Unusually many of your orders came from another country than their click: {count} of {of}."),
        _("{count} of {of} orders came from another country than their click; usual here is {usual}. {foreign} of {spoken} clicks have a language foreign to their country; usual is {foreign_usual}."),
        _("The smaller p, doubled, of P[Bin({of}, {allowed}) ≥ {count}] and the same of languages ({foreign} of {spoken})."),
    ),
    "F15": RuleWords(
        _("Links loaded and not followed"), _("Links that a page loads in a frame or a picture, without anybody who follows them."), _TIMES_USUAL,
        _("Many of your links were loaded by a page by itself and followed by nobody. Such clicks are not counted."),
        _("{count} of {of} clicks were loaded in a frame or as a picture; usual here is {usual}. They were not counted."),
        _("Sec-Fetch-Dest iframe, image, embed: P[Bin({of}, {allowed}) ≥ {count}], usual {usual}."),
    ),
    "F16": RuleWords(
        _("Bought visitors"), _("Clicks that carry the mark of an advertisement where the program allows no paid search."), _TIMES_USUAL,
        _("Many of your clicks come from advertisements, which this program may not allow."),
        _("{count} of {of} clicks carry the mark of an advertisement (gclid, msclkid …); usual here is {usual}."),
        _("P[Bin({of}, {allowed}) ≥ {count}], usual {usual}."),
    ),
    "F17": RuleWords(
        _("Forged reports"), _("Reports in the partner's name with a wrong signature, or older than the click they name. Anybody can send them."), _("requests"),
        _("Somebody sends forged reports that name your clicks. They were rejected, and it need not be you."),
        _("{count} reports with a wrong signature named this partner's clicks, and {older} orders were older than theirs. They were rejected; anybody can send such reports."),
        _("signature_wrong in the inbox by the click it names, and orders older than their click. Needed: {needed}. Never a hold by itself."),
    ),
}  # fmt: skip

_SHARES = frozenset(
    {
        "usual", "allowed", "near_usual", "near_allowed", "wide_usual", "wide_allowed", "rate", "usual_rate",
        "largest", "ratio", "variation", "order_variation", "foreign_usual", "foreign_allowed",
    }
)  # fmt: skip

ACTIONS: dict[str, Text] = {
    "hold": _("Hold the commissions"),
    "review": _("Show it to a person"),
    "notice": _("Note it only"),
}

STEPS: dict[str, Text] = {
    "found": _("Found"),
    "grew": _("More orders were added"),
    "held": _("Commissions kept back"),
    "asked": _("The merchant asked the network to confirm it"),
    "appealed": _("Appealed"),
    "released": _("Released"),
    "confirmed": _("Confirmed"),
}

SIDES: dict[str, Text] = {
    "partner": _("Partner"),
    "merchant": _("Merchant"),
    "network": _("Network"),
    "house": _("By itself"),
}


def rule_words(rule: str) -> RuleWords:
    """A rule in words; one that nobody worded shows its number."""
    return RULES.get(rule) or RuleWords(rule, rule, "", rule, rule, rule)


def title_of(rule: str) -> str:
    """What a rule is called."""
    return str(rule_words(rule).title)


def sentence_for(reader: str, rule: str, numbers: Mapping[str, Any]) -> str:
    """What was found, for "partner", "merchant" or "staff"."""
    words = rule_words(rule)
    text = {"partner": words.partner, "merchant": words.merchant, "staff": words.staff}[reader]
    if numbers.get("few"):
        return gettext("There was too little to test: {of} of at least {least}.").format_map(_shown(numbers))
    return str(text).format_map(_shown(numbers))


def luck_of(p_value: float | None) -> str:
    """A p-value as how often luck alone would do it."""
    if p_value is None:
        return gettext("a fact")
    if p_value >= 0.1:
        return gettext("%(percent)s by luck") % {"percent": format_percent(p_value, digits=0)}
    if p_value <= 1e-12:
        return gettext("less than 1 in a trillion")
    if p_value < 1e-6:
        return gettext("1 in %(number)s million") % {"number": format_number(_rounded(1e-6 / p_value), digits=1)}
    return gettext("1 in %(number)s") % {"number": format_number(_rounded(1 / p_value), digits=0)}


def false_share_text(*, p_value: float | None, tests: int, cut: float) -> str:
    """How false alarms are kept few, said of one finding."""
    if p_value is None:
        return gettext("This is a fact about each order, not a question of chance, so no luck is involved.")
    return gettext(
        "Many tests over many partners find something by luck alone. So each chance was multiplied by this partner's %(tests)s tests"
        " and had to be %(cut)s at most, a line drawn so that of all partners found at most 2 in 100 are found by luck."
    ) % {"tests": format_number(max(tests, 1)), "cut": small(cut)}


def small(value: float) -> str:
    """A small number as people write it: 0.0012, 3.1e-7."""
    if value == 0:
        return "0"
    return format_number(value, digits=4) if abs(value) >= 0.001 else f"{value:.1e}"


def _rounded(value: float) -> float:
    """Two digits that count: more would feign knowledge."""
    return float(f"{value:.1e}") if value >= 10 else round(value, 1)


def _shown(numbers: Mapping[str, Any]) -> Mapping[str, str]:
    """Numbers as a sentence has them; one that is missing is a dash."""
    shown: defaultdict[str, str] = defaultdict(lambda: "–")
    for name, value in numbers.items():
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, str):
            shown[name] = value
        elif name in _SHARES:
            shown[name] = format_percent(float(value), digits=1)
        elif name.startswith("p_"):
            shown[name] = small(float(value))
        else:
            shown[name] = format_number(value, digits=0 if isinstance(value, int) else 2)
    return shown

"""The judge: looks at the provider's own books and at what was truly earned, not at our rules."""

from dataclasses import dataclass, field

from payouts.prover.world import World


@dataclass(slots=True)
class Verdict:
    """What one schedule came to. All lists empty: nobody gained, nobody lost, nothing hangs."""

    index: int
    transfers: int = 0
    #: More arrived than was earned.
    over_paid: list[str] = field(default_factory=list)
    #: Our books say paid, the money never arrived.
    lost: list[str] = field(default_factory=list)
    #: Calm weather did not bring it to an end, or a false alarm stopped it.
    stuck: list[str] = field(default_factory=list)
    #: Left although frozen, cancelled or redirected.
    forbidden: list[str] = field(default_factory=list)
    #: Our books disagree with themselves.
    misposted: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Did everything go right?"""
        return not (self.over_paid or self.lost or self.stuck or self.forbidden or self.misposted)

    @property
    def faults(self) -> list[str]:
        """Everything that went wrong, in words."""
        return [
            *(f"over-paid: {text}" for text in self.over_paid),
            *(f"lost: {text}" for text in self.lost),
            *(f"stuck: {text}" for text in self.stuck),
            *(f"forbidden: {text}" for text in self.forbidden),
            *(f"misposted: {text}" for text in self.misposted),
        ]


def judge(world: World, *, index: int) -> Verdict:
    """Hold the provider's books against what was earned, and our ledger against both."""
    verdict = Verdict(index, len(world.bank.transfers))
    verdict.forbidden.extend(world.misdeeds)
    verdict.misposted.extend(world.misposted)
    verdict.stuck.extend(f"{payout_id} is {world.states[payout_id].state}" for payout_id in world.unfinished)
    verdict.stuck.extend(f"{payout_id} took too long" for payout_id in world.overdue)
    verdict.stuck.extend(f"alarm {alarm}" for alarm in world.alarms)
    for payee in world.payees:
        received = world.bank.received(payee.accounts)
        if received > payee.earned:
            verdict.over_paid.append(f"{payee.name} earned {payee.earned} and received {received}")
        if payee.cash > received:
            verdict.lost.append(f"{payee.name} was told {payee.cash} and received {received}")
        if payee.payable + payee.in_transit + payee.cash != payee.earned:
            verdict.misposted.append(f"{payee.name}: the accounts do not add up to {payee.earned}")
        if not verdict.stuck and received <= payee.earned and (payee.cash != received or payee.in_transit):
            verdict.misposted.append(f"{payee.name}: in transit {payee.in_transit}, paid {payee.cash} of {received}")
        if not verdict.stuck and received < payee.earned and payee.cash <= received:
            verdict.stuck.append(f"{payee.name} earned {payee.earned} and received only {received}")
    return verdict

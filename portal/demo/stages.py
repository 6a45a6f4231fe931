"""How the play ends: a month under way, a month's end, or a month with disputes."""

from datetime import datetime, timedelta

from ledger.accounts import balance_of
from ledger.errors import Refusal
from payouts import deposits, methods, runs, sales
from payouts.chart import receivable
from payouts.commissions import approve_due_commissions
from portal.demo import play, standin


def finish(stage: str, scene: play.Stage) -> None:
    """Bring the network to the stage that was asked for."""
    if stage == "disputed":
        _dispute(scene)
    if stage in {"month-end", "disputed"}:
        _close_month(scene)


def _close_month(scene: play.Stage) -> None:
    """The open month's run stands prepared and submitted, and waits for a second person."""
    at = scene.now - timedelta(minutes=20)
    while approve_due_commissions(at=at):
        pass
    for merchant in scene.network.merchants.values():
        owed = balance_of(receivable(merchant), merchant.currency)
        if owed.minor > 0:
            deposits.fund_merchant(merchant, owed, reference=f"{at:%Y-%m}", at=at)
            standin.top_up(owed.minor, merchant.currency)
    maker = scene.network.users["finance@demo.example"]
    run = runs.prepare_run(f"{at:%Y-%m}", starts_at=_month(at), ends_at=at, by=maker, at=at)
    runs.submit_run(run, by=maker, at=at + timedelta(minutes=5))


def _dispute(scene: play.Stage) -> None:
    """Orders that were paid for come back, and two accounts are in trouble."""
    at = scene.now - timedelta(hours=2)
    old = [one for one in scene.sold if one.occurred_at < scene.now - timedelta(days=75) and one.amount_minor]
    for conversion in scene.chance.sample(old, min(25, len(old))):
        try:
            sales.refund_sale(conversion, reference="dispute-1", reason="chargeback", at=at)
        except Refusal:
            continue  # it was refunded whole before
    troubled = [place.enrolment.affiliate for place in scene.network.places[:2]]
    for affiliate in troubled:
        method = methods.method_of(affiliate)
        if method is not None:
            standin.control(
                f"accounts/{method.account}", {"transfers": "restricted", "reason": "requirements_past_due"}
            )
            methods.refresh_method(method, at=at)


def _month(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)

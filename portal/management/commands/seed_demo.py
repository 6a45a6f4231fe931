"""`manage.py seed_demo`: a year of a believable network, through the real verbs (contract §1)."""

import random
import time
from argparse import ArgumentParser
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from affiliates.queries import merchants
from ledger import seals
from ledger.audit import verify_books
from ledger.journal import record_event
from portal.demo import calls, events, facts, people, play, stages, standin
from portal.demo.cast import PARTNERS
from tracking.drain import connect, drain_all

STAGES = ("empty", "running", "month-end", "disputed")


class Command(BaseCommand):
    """Play the demo network's year; does nothing when it has been played."""

    help = "Plays a year of a demo network through the real verbs. Idempotent; deterministic by --seed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--stage, --seed, --scale."""
        parser.add_argument("--stage", choices=STAGES, default="running")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the clicks and orders, for tests")

    def handle(self, *, stage: str, seed: int, scale: float, **options: Any) -> None:
        """Play, or say that it was played."""
        if not settings.STRIPE_IS_STANDIN:
            raise CommandError("Demo data is made against the Stripe stand-in only. Unset STRIPE_SECRET_KEY.")
        known = facts.read()
        if merchants().exists():
            if known.get("stage") != stage:
                raise CommandError(
                    f"There is data of another stage here ({known.get('stage', 'your own')}). Use --fresh."
                )
            facts.write({**known, "base_url": settings.BASE_URL})
            self.stdout.write("Demo data is there already.")
            return
        begun = time.monotonic()
        with connection.cursor() as cursor:
            # A crash while the demo is made costs the demo, which is made again.
            cursor.execute("SET synchronous_commit = off")
        self._play(stage, seed=seed, scale=scale)
        differences = [str(one) for one in verify_books()]
        if differences:
            raise CommandError(f"The books do not agree: {differences[0]}")
        record_event("books.verified", "house", at=timezone.now(), data={"differences": []})
        self.stdout.write(f"The books agree. Demo data made in {time.monotonic() - begun:.0f} s.")

    def _play(self, stage: str, *, seed: int, scale: float) -> None:
        now = timezone.now()
        start = _year_before(now)
        chance = random.Random(seed)  # noqa: S311 - dice of a play
        network = people.Network()
        standin.begin_playing()
        try:
            self._say("people, merchants, programs")
            people.set_up(network, start=start)
            scene = play.Stage(network, chance, start, now, self._say, scale)
            if stage != "empty":
                self._people_join(scene)
                self._say("clicks, through the spool and the drain")
                play.play_clicks(scene)
                with closing(connect(settings.DATABASE_URL)) as own:
                    drained = drain_all(own, Path(settings.CLICK_SPOOL_DIR))
                self._say(f"  {drained.inserted} clicks")
                play.play_year(scene)
                stages.finish(stage, scene)
                calls.play_calls(scene)
                events.play_events(network.merchants["acme"], by=network.users["merchant@demo.example"], at=now)
        finally:
            standin.end_playing()
        while seals.seal_entries() is not None:
            pass
        if "build_site" in get_commands():
            self._say("the public site")
            call_command("build_site", stdout=self.stdout)
        facts.write(facts.of(network, stage=stage))

    def _people_join(self, scene: play.Stage) -> None:
        self._say(f"{len(PARTNERS)} affiliates join")
        days = (scene.now - scene.start).days
        for count, partner in enumerate(PARTNERS):
            day = 1 if count < 8 else scene.chance.randint(2, int(days * 0.6))
            if partner.fate in {"new", "waiting", "declined"}:
                day = days - 3
            at = scene.start + timedelta(days=day, hours=scene.chance.randint(7, 20))
            standin.set_clock(at)
            people.join(scene.network, partner, at=min(at, scene.now), chance=scene.chance, count=count)

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _year_before(now: datetime) -> datetime:
    """The first of the month eleven full months before this one, so that eleven runs are closed and one month is open."""
    year, month = (now.year - 1, now.month + 1) if now.month < 12 else (now.year, 1)
    return datetime(year, month, 1, tzinfo=UTC)

"""The whole product as processes of its own: what a story needs, and what may be killed in it."""

import contextlib
import email
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email import policy
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Town:
    """Web, click door, drain, worker and Stripe stand-in over one database."""

    database: str
    home: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in ("web", "click", "stripe")})
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The web's address."""
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def click_base(self) -> str:
        """The click door's address."""
        return f"http://127.0.0.1:{self.ports['click']}"

    @property
    def stripe_base(self) -> str:
        """The stand-in's address."""
        return f"http://127.0.0.1:{self.ports['stripe']}"

    def environment(self) -> dict[str, str]:
        """What every process of the town is told."""
        told = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTEST"))}
        return told | {
            "DATABASE_URL": self.database,
            "BASE_URL": self.base,
            "CLICK_BASE_URL": self.click_base,
            "STRIPE_API_BASE": self.stripe_base,
            "STRIPE_WEBHOOK_SECRET": "whsec_standin",
            "VAR_DIR": str(self.home),
            "CLICK_SPOOL_DIR": str(self.home / "spool"),
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            "DEBUG": "false",
        }

    def command(self, name: str) -> list[str]:
        """How a process of the town is started."""
        granian = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--workers", "1", "--no-ws"]
        return {
            "web": [*granian, "--interface", "wsgi", "--port", str(self.ports["web"]), "--blocking-threads", "4", "config.wsgi:application"],
            "click": [*granian, "--interface", "rsgi", "--port", str(self.ports["click"]), "--loop", "uvloop", "portal.click.server:app"],
            "drain": [sys.executable, "manage.py", "drain_clicks"],
            "worker": [
                sys.executable, "-m", "celery", "-A", "config", "worker", "-l", "INFO", "-P", "threads", "-c", "2",
                "--without-gossip", "--without-mingle",
            ],
            "beat": [sys.executable, "-m", "celery", "-A", "config", "beat", "-l", "INFO", "--schedule", str(self.home / "beat")],
            "stripe": [
                sys.executable, "-m", "fakestripe", "--port", str(self.ports["stripe"]), "--state", str(self.home / "stripe.sqlite3"),
                "--webhook-url", f"{self.base}/hooks/stripe/", "--webhook-secret", "whsec_standin",
            ],
        }[name]  # fmt: skip

    def start(self, *names: str) -> None:
        """Start processes, each in a group of its own, and wait until they answer."""
        for name in names:
            with (self.home / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    self.command(name), cwd=ROOT, env=self.environment(), stdout=log, stderr=log, start_new_session=True
                )
        ready = {"web": f"{self.base}/healthz", "click": f"{self.click_base}/healthz", "stripe": f"{self.stripe_base}/"}
        for name in names:
            if name in ready:
                self.wait_for(ready[name], name)

    def wait_for(self, url: str, name: str, seconds: float = 60) -> None:
        """Wait until an address answers anything below 500."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(url, timeout=2).close()
            except urllib.error.HTTPError as error:
                if error.code < 500:
                    return
            except OSError:
                pass
            else:
                return
            if self.running[name].poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{name} did not answer:\n{self.log(name)}")

    def log(self, name: str, lines: int = 40) -> str:
        """The end of a process's log."""
        path = self.home / f"{name}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def kill(self, name: str) -> None:
        """SIGKILL, with everything it started."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a management command in the town; what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def rows(self, statement: str, *parameters: object) -> list[tuple]:
        """Ask the database."""
        with psycopg.connect(self.database) as connection:
            return connection.execute(statement, parameters).fetchall()

    def execute(self, statement: str) -> None:
        """Do something to the database."""
        with psycopg.connect(self.database) as connection:
            connection.execute(statement)

    def trial_balance(self) -> list[tuple]:
        """Currencies in which debits and credits differ: none, ever."""
        return self.rows(
            "SELECT currency, sum(debits_minor) - sum(credits_minor) FROM ledger_account GROUP BY 1 "
            "HAVING sum(debits_minor) <> sum(credits_minor)"
        )

    def stop(self) -> None:
        """Stop everything, the stand-in last."""
        for name in ("web", "click", "drain", "beat", "worker", "stripe"):
            if name in self.running:
                self.kill(name)


def code_in_mail(home: Path, address: str, *, after: float = 0, seconds: float = 20) -> str:
    """The newest sign-in code that was mailed to an address."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for path in sorted((home / "mail").glob("*"), key=lambda one: one.stat().st_mtime, reverse=True):
            for part in path.read_bytes().split(b"-" * 79):
                message = email.message_from_bytes(part.strip(), policy=policy.default)
                if address not in str(message["To"] or ""):
                    continue
                body = message.get_body(("plain",))
                found = re.search(r"\b([A-Z0-9]{3,4}-?[A-Z0-9]{3,4})\b", body.get_content() if body else "")
                if found:
                    return found.group(1)
        time.sleep(0.2)
    raise AssertionError(f"no code was mailed to {address}")

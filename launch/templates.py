"""A migrated database that the tests copy instead of migrating anew: 20 seconds become one."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from launch.console import Problem
from launch.places import LOGS, PYTHON
from launch.stamps import schema_fingerprint
from launch.steps import Step

PREFIX = "tpl_"
UNFINISHED = "unfinished_"


class Template:
    """The template for the migrations as they are now, in the server behind `url`."""

    def __init__(self, psql: Path, url: str) -> None:
        self._psql = psql
        self._url = url
        self.name = PREFIX + schema_fingerprint()

    def exists(self) -> bool:
        """True when an earlier run made it."""
        return self.name in self._databases()

    def making(self, environment: Mapping[str, str]) -> Step:
        """The step that migrates it; `finish` makes it usable."""
        self._sql(f'DROP DATABASE IF EXISTS "{self._unfinished}"')
        self._sql(f'CREATE DATABASE "{self._unfinished}"')
        return Step(
            "database schema, once for all tests",
            [str(PYTHON), "manage.py", "migrate", "--noinput", "-v", "0"],
            LOGS / "test-migrate.log",
            {**environment, "DATABASE_URL": with_database(self._url, self._unfinished)},
        )

    def finish(self) -> None:
        """Gives it its name, and drops those of earlier migrations."""
        self._sql(f'ALTER DATABASE "{self._unfinished}" RENAME TO "{self.name}"')
        for name in self._databases():
            if name.startswith((PREFIX, UNFINISHED)) and name != self.name:
                self._sql(f'DROP DATABASE IF EXISTS "{name}"')

    @property
    def _unfinished(self) -> str:
        return UNFINISHED + self.name

    def _databases(self) -> list[str]:
        return self._sql("SELECT datname FROM pg_database").split()

    def _sql(self, statement: str) -> str:
        done = subprocess.run(
            [
                str(self._psql),
                "-X",
                "-q",
                "-At",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
                self._url,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Problem(
                "The database for the tests could not be prepared.",
                "The role in DATABASE_URL needs the right to create databases (CREATEDB).",
                done.stderr.strip(),
            )
        return done.stdout


def with_database(url: str, name: str) -> str:
    """The same address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))

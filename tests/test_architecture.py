"""The house's own rules, as tests: import contracts, lengths, names, where the environment is read."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from celery import current_app
from django.urls import URLPattern, URLResolver, get_resolver

from portal.policy import Audience, row_of
from tests.factories.world import make_user

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = ("ledger", "affiliates", "tracking", "payouts")
PACKAGES = (*DOMAIN, "portal", "cms", "config")
BESIDE = ("launch", "fakestripe", "benchmarks")

MOST_LINES = 400
#: Longer files, each with its reason.
MAY_BE_LONGER = {
    "tests/payouts/test_protocol.py": "every rule of the protocol in one place, beside the module it tries",
    "tests/payouts/test_transfers.py": "every way a payout can go wrong on the real database",
    "tests/payouts/test_stripe_gateway.py": "every answer of Stripe's that we understand",
    "tests/payouts/test_runs.py": "every step of a run, and every race between two of them",
    "tests/portal/test_finance_runs.py": "a run's page in each of its states, for each role",
    "tests/portal/test_merchant_work.py": "everything a merchant decides, and what it leaves behind",
    "tests/portal/test_api_reads.py": "every list and report that a key may read",
    "tests/payouts/test_attribution.py": "every way an order finds its partner, on the real database",
    "tests/payouts/claims/test_claims.py": "every step of a claim, and what its clocks do",
    "portal/api/shapes.py": "every shape of the API's document, in the order of its calls",
    "portal/reasons.py": "the closed list of reasons, each worded for three readers",
    "config/settings.py": "every setting once",
    "portal/static/portal/kit.css": "the whole design kit, read from top to bottom",
}

#: What may read the environment, and which variable where it is one only.
MAY_READ_ENVIRONMENT = {
    "config/env.py": "",
    "portal/click/settings.py": "",
    "config/settings_test.py": "TEST_",
    "config/celery.py": "DJANGO_SETTINGS_MODULE",
    "config/wsgi.py": "DJANGO_SETTINGS_MODULE",
}


# ── What there is ────────────────────────────────────────────────────────────────────────


@cache
def files() -> tuple[str, ...]:
    """Every file that is or may be committed, by its path from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return tuple(name for name in sorted(set(listed.stdout.splitlines())) if (ROOT / name).is_file())
    # Unpacked from an archive, without git.
    folders = (*PACKAGES, *BESIDE, "tests", "docs")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(sorted(str(path.relative_to(ROOT)) for path in found if "__pycache__" not in path.parts))


def modules(*packages: str) -> Iterator[str]:
    """The Python files of packages, migrations left out."""
    for name in files():
        if name.endswith(".py") and name.split("/")[0] in packages and "/migrations/" not in name:
            yield name


@cache
def text_of(name: str) -> str:
    """A file's text; empty for one that is no text."""
    try:
        return (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree_of(name: str) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(text_of(name), name)


def imports_of(name: str, *, for_types: bool) -> Iterator[tuple[str, int]]:
    """The dotted names that a module imports, with their lines; those for annotations only when asked."""
    skipped = set()
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped |= {id(inner) for statement in node.body for inner in ast.walk(statement)}
    for node in ast.walk(tree_of(name)):
        if not for_types and id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


# ── Imports ──────────────────────────────────────────────────────────────────────────────


def test_the_import_contracts_hold():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert re.search(r"Contracts: \d+ kept, 0 broken", linted.stdout)


@pytest.mark.parametrize("door", ["portal", "cms"])
def test_doors_import_no_model_of_the_domain(door):
    banned = tuple(f"{package}.models" for package in DOMAIN)
    found = [
        f"{name}:{line} {imported}"
        for name in modules(door)
        for imported, line in imports_of(name, for_types=False)
        if imported in banned or imported.startswith(tuple(f"{one}." for one in banned))
    ]
    by_the_back = [
        name
        for name in modules(door)
        if not name.endswith("/apps.py") and re.search(r"\bget_model\(|import_module\(", text_of(name))
    ]

    assert found == []
    assert by_the_back == []


def test_what_runs_beside_the_product_imports_nothing_of_it():
    ours = set(PACKAGES) | set(BESIDE)
    found = [
        f"{name}:{line} {imported}"
        for beside in ("launch", "fakestripe")
        for name in modules(beside)
        for imported, line in imports_of(name, for_types=True)
        if (top := imported.partition(".")[0]) in ours and top != beside
    ]

    assert found == []


def test_what_is_imported_is_asked_for():
    """A package that came along with another one may go with it."""
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    asked = {re.split(r"[\[=<>~! ]", one)[0].lower().replace("_", "-") for one in project["dependencies"]}
    homes = packages_distributions()
    found = {
        f"{name}: {top}"
        for name in modules(*PACKAGES)
        for imported, _line in imports_of(name, for_types=True)
        if (top := imported.partition(".")[0]) in homes
        and not asked & {home.lower().replace("_", "-") for home in homes[top]}
    }

    assert sorted(found) == []


# ── Files ────────────────────────────────────────────────────────────────────────────────


def test_no_file_is_longer_than_a_person_reads():
    ending = (".py", ".sql", ".html", ".js", ".css")
    longer = {
        name: count
        for name in files()
        if name.endswith(ending)
        and "/migrations/" not in name
        and "/vendor/" not in name
        and (count := text_of(name).count("\n")) > MOST_LINES
    }

    assert {name: count for name, count in longer.items() if name not in MAY_BE_LONGER} == {}
    assert sorted(set(MAY_BE_LONGER) - set(longer)) == [], "these are short enough now"


def test_no_file_is_called_after_nothing():
    banned = {"utils", "util", "helpers", "misc", "common"}

    assert [name for name in files() if Path(name).stem in banned] == []


def test_every_package_says_what_it_is_for():
    quiet = {"migrations", "management", "commands", "templatetags"}
    found = [
        name
        for name in files()
        if name.endswith("/__init__.py")
        and name.split("/")[0] in (*PACKAGES, *BESIDE)
        and not quiet & set(Path(name).parts)
        and not ast.get_docstring(tree_of(name))
    ]

    assert found == []


def test_the_four_packages_say_what_they_may_import():
    for package in DOMAIN:
        assert "May import: " in (ast.get_docstring(tree_of(f"{package}/__init__.py")) or ""), package


def test_nothing_committed_names_a_machine_or_an_index():
    """The project is installed from whatever index is configured, in whatever folder it lies."""
    parts = [
        r"pyp[i]\.(org|io)", r"pythonhoste[d]", r"registry\.(npmj[s]|yarnpk[g])", r"jsdeliv[r]", r"unpk[g]", r"cdnj[s]", r"--index-url",
        r"--extra-index", r"(?<![\w./-])/(work|root|home/[a-z]+)/", r"/Users/[a-z]+/",
    ]  # fmt: skip
    pattern = re.compile("|".join(parts))
    found = [
        f"{name}:{number} {line.strip()[:80]}"
        for name in files()
        if name != "tests/test_architecture.py"
        for number, line in enumerate(text_of(name).splitlines(), start=1)
        if pattern.search(line)
    ]

    assert found == []


# ── The environment ──────────────────────────────────────────────────────────────────────


def test_the_environment_is_read_in_one_place():
    found = []
    for name in modules(*PACKAGES, "fakestripe"):
        for number, line in enumerate(text_of(name).splitlines(), start=1):
            if re.search(r"\bos\.(environ|getenv)\b", line) and not (
                name in MAY_READ_ENVIRONMENT and MAY_READ_ENVIRONMENT[name] in line
            ):
                found.append(f"{name}:{number}")

    assert found == []


# ── The timetable ────────────────────────────────────────────────────────────────────────


def test_the_timetable_names_tasks_there_are():
    current_app.loader.import_default_modules()
    planned = {entry["task"] for entry in current_app.conf.beat_schedule.values()}

    assert sorted(planned - set(current_app.tasks)) == []


def test_every_task_is_on_the_timetable_or_called_by_name():
    """What only a lost message would start must be started by the clock too."""
    current_app.loader.import_default_modules()
    ours = {name for name, task in current_app.tasks.items() if task.__module__.split(".")[0] in PACKAGES}
    planned = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    #: Each of these only hurries what a task of the timetable does anyway.
    hints = {
        "ledger.deliver_event",
        "payouts.send_run",
        "portal.continue_replay",
        "portal.make_call",
        "portal.continue_upload",
        "tracking.fetch_feed",
    }

    assert sorted(ours - planned) == sorted(hints)


# ── Addresses ────────────────────────────────────────────────────────────────────────────


def addresses(
    patterns: list[URLPattern | URLResolver] | None = None, namespace: str = "", route: str = "/"
) -> Iterator[tuple[str, str]]:
    """Every address by its full name, with a path that fits it."""
    for one in get_resolver().url_patterns if patterns is None else patterns:
        here = route + re.sub(r"<(?:\w+:)?\w+>", "1", str(one.pattern)) if "(?P" not in str(one.pattern) else ""
        if isinstance(one, URLResolver):
            within = f"{namespace}{one.namespace}:" if one.namespace else namespace
            yield from addresses(one.url_patterns, within, here)
        elif one.name:
            yield f"{namespace}{one.name}", here


def test_every_address_has_a_row_in_the_policy():
    assert sorted({name for name, _path in addresses() if row_of(name) is None}) == []


@pytest.mark.django_db
def test_strangers_are_sent_to_the_sign_in_and_people_without_a_role_find_nothing(client):
    guarded = {Audience.PARTNER, Audience.MERCHANT, Audience.FINANCE, Audience.NETWORK}
    paths = [(name, path) for name, path in addresses() if (row := row_of(name)) and row.audience in guarded]
    assert len(paths) > 10

    strangers = {name: client.get(path).status_code for name, path in paths}
    client.force_login(make_user())
    without_role = {name: client.post(path).status_code for name, path in paths}

    assert {name: code for name, code in strangers.items() if code != 302} == {}
    assert {name: code for name, code in without_role.items() if code != 404} == {}

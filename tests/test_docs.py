"""The papers tell the truth: settings, events, refusals, commands, words, names and links are compared with the code."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.apps import apps

from portal import errors, policy
from portal.demo.cast import PARTNER_EMAIL, PASSWORD, STAFF

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PACKAGES = ("ledger", "affiliates", "tracking", "payouts", "portal", "cms", "config")
PAPERS = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(p for name in PACKAGES for p in (ROOT / name).rglob("*.md")),
    )
    if "node_modules" not in path.parts
)

#: Papers that name files by their path from the root.
NAMING = [path for path in PAPERS if path.parent == ROOT or DOCS in path.parents]


# ── Reading papers ───────────────────────────────────────────────────────────────────────


@cache
def text_of(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


def rows_of(path: Path, chapter: str = "") -> list[list[str]]:
    """The rows of a paper's tables, heads left out; only those of a chapter when one is named."""
    text = text_of(path)
    if chapter:
        assert f"\n{chapter}\n" in text, f"{path.name} has no chapter {chapter!r}"
        text = text.partition(f"\n{chapter}\n")[2].partition("\n## ")[0]
    rows, is_body = [], False
    for line in text.splitlines():
        if not line.startswith("|"):
            is_body = False
        elif set(line) <= set("|-: "):
            is_body = True
        elif is_body:
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def codes_in(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


# ── Reading code ─────────────────────────────────────────────────────────────────────────


def modules_of(*packages: str) -> Iterator[Path]:
    """The Python files of packages, migrations left out."""
    for package in packages:
        yield from (path for path in sorted((ROOT / package).rglob("*.py")) if "migrations" not in path.parts)


@cache
def tree_of(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(text_of(path), str(path))


def calls_in(node: ast.AST) -> Iterator[ast.Call]:
    """Every call below a node."""
    return (one for one in ast.walk(node) if isinstance(one, ast.Call))


def called(call: ast.Call) -> str:
    """The last part of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def texts_in(*nodes: ast.AST) -> Iterator[str]:
    """The text constants in expressions; those inside further calls left out."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.Call):
            yield from texts_in(*ast.iter_child_nodes(node))


# ── Settings ─────────────────────────────────────────────────────────────────────────────


def settings_read() -> dict[str, object]:
    """Each variable that is read, with its default where it is a plain value."""
    found: dict[str, object] = {}
    for call in calls_in(tree_of(ROOT / "config" / "settings.py")):
        if called(call).startswith("env_"):
            default = call.args[1] if len(call.args) > 1 else next((k.value for k in call.keywords), None)
            found[call.args[0].value] = default.value if isinstance(default, ast.Constant) else None
    for call in calls_in(tree_of(ROOT / "portal" / "click" / "settings.py")):
        if called(call) in {"_text", "_whole", "_yes"} and isinstance(call.args[1], ast.Constant):
            default = call.args[2] if len(call.args) > 2 else None
            found.setdefault(call.args[1].value, default.value if isinstance(default, ast.Constant) else None)
    return found


def test_every_setting_is_in_the_operators_table_with_its_default():
    written = {codes_in(row[0])[0]: row[1] for row in rows_of(DOCS / "operating.md", "## Settings")}
    read = settings_read()

    assert sorted(written) == sorted(read)
    for name, default in read.items():
        if default not in (None, ""):
            assert str(default).lower() in written[name].lower(), f"{name} is {default!r} in the code"


def test_settings_that_production_demands_are_marked():
    marked = {codes_in(row[0])[0] for row in rows_of(DOCS / "operating.md", "## Settings") if row[0].startswith("**")}
    text = text_of(ROOT / "config" / "settings.py")
    demanded = set(re.findall(r'env_str\(\s*"(\w+)", None if PRODUCTION', text))
    demanded |= set(re.findall(r'SettingError\("(\w+) is not set', text))

    assert marked == demanded


# ── Events ───────────────────────────────────────────────────────────────────────────────


EVENT = re.compile(r"[a-z_]+\.[a-z_]+")


def events_recorded() -> set[str]:
    """Every name that reaches record_event or a Fact: given there, or handed on by a function of the same module."""
    found: set[str] = set()
    for path in modules_of(*PACKAGES):
        tree = tree_of(path)
        functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        recorders = {"record_event", "Fact"}
        while more := {
            name
            for name, node in functions.items()
            if name not in recorders
            and name.startswith("_")
            and any(called(call) in recorders for call in calls_in(node))
        }:
            recorders |= more
        tables = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in calls_in(tree):
            if called(call) not in recorders:
                continue
            first = call.args[0] if call.args else None
            if isinstance(first, ast.Subscript) and isinstance(first.value, ast.Name):
                found.update(texts_in(*tables[first.value.id].values))
            found.update(text for text in texts_in(*call.args) if EVENT.fullmatch(text))
    return found


def test_every_event_is_listed_and_no_other():
    written = [codes_in(row[0])[0] for row in rows_of(DOCS / "events.md")]

    assert len(written) == len(set(written))
    assert sorted(written) == sorted(events_recorded())


# ── Refusals and reasons ─────────────────────────────────────────────────────────────────


def refusal_codes() -> set[str]:
    """The codes of refusals: of their classes, and those given where one is raised."""
    found: set[str] = set()
    for path in modules_of("ledger", "affiliates", "tracking", "payouts", "portal"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef) and node.bases:
                found.update(
                    statement.value.value
                    for statement in node.body
                    if isinstance(statement, ast.Assign)
                    and isinstance(statement.value, ast.Constant)
                    and any(getattr(target, "id", "") == "code" for target in statement.targets)
                )
            elif isinstance(node, ast.Call):
                if called(node) == "DestinationRefused":
                    found.update(texts_in(*node.args[:1]))
                found.update(
                    keyword.value.value
                    for keyword in node.keywords
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant) and is_refusal(called(node))
                )
    return found - {"refused"}


def is_refusal(name: str) -> bool:
    """Whether a call makes a refusal."""
    return name == "refuse" or name.endswith(("Refused", "Unreadable", "Refusal"))


def test_every_code_of_a_refusal_is_written_down():
    papers = [path for path in (DOCS / "reasons.md", DOCS / "refusals.md", DOCS / "click-door.md") if path.exists()]
    written = {code for path in papers for code in codes_in(text_of(path))}

    assert sorted(refusal_codes() - written) == []


def test_the_statuses_of_refusals_are_those_of_the_doors():
    written = {codes_in(row[0])[0]: int(row[1]) for row in rows_of(DOCS / "refusals.md") if len(row) == 3}

    assert written == {code: int(errors.STATUS.get(code, 400)) for code in written}


def test_every_reason_not_to_count_or_pay_is_written_down():
    """The codes that the verbs give are worded in portal/reasons.py, or in docs/reasons.md."""
    reasons = text_of(ROOT / "portal" / "reasons.py") + text_of(ROOT / "portal" / "attribution_words.py")
    given = set(re.findall(r'return "([a-z_]+)"', text_of(ROOT / "tracking" / "attribution" / "credit.py")))
    given |= set(re.findall(r'return "([a-z_]+)"', text_of(ROOT / "payouts" / "dues.py")))
    given |= set(re.findall(r'reason="([a-z_]+)"', text_of(ROOT / "payouts" / "sales.py")))

    assert [code for code in sorted(given) if f'"{code}"' not in reasons] == []


def test_every_alarm_is_explained_to_operators():
    raised = set(re.findall(r'alarm="(\w+)"', text_of(ROOT / "payouts" / "protocol.py")))
    raised |= set(re.findall(r'f"(\w+) \{', text_of(ROOT / "payouts" / "reconciliation.py")))
    raised.add("idempotency_error")
    written = {codes_in(row[0])[0] for row in rows_of(DOCS / "operating.md", "## Alarms") if codes_in(row[0])}

    assert sorted(raised - written) == []


# ── Commands, dependencies, words ────────────────────────────────────────────────────────


def test_every_command_is_in_the_operators_table():
    commands = {path.stem for path in ROOT.glob("*/management/commands/[a-z]*.py")}
    written = {codes_in(row[0])[0] for row in rows_of(DOCS / "operating.md", "## Commands")}

    assert sorted(written) == sorted(commands)


def test_every_dependency_has_its_reason():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    named = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted = {re.split(r"[\[=<>~! ]", one)[0].lower() for one in named}
    written = {code for row in rows_of(DOCS / "dependencies.md") for code in codes_in(row[0])}

    assert sorted(written) == sorted(wanted)


def ours() -> Iterator[type]:
    """The models of our domain."""
    for package in ("ledger", "affiliates", "tracking", "payouts"):
        yield from apps.get_app_config(package).get_models()


def test_every_noun_is_in_the_glossary():
    words = {
        word.strip("* ").lower()
        for row in rows_of(DOCS / "glossary.md")
        for word in re.findall(r"\*\*([^*]+)\*\*", row[0])
    }
    nouns = {re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower() for model in ours()}

    assert sorted(nouns - words - {"api key"}) == []
    assert "api key" in words


def test_every_id_prefix_is_in_the_glossary():
    written = {codes_in(row[0])[0] for row in rows_of(DOCS / "glossary.md", "## Ids")}

    assert sorted(written) == sorted(prefix for model in ours() if (prefix := getattr(model, "ID_PREFIX", "")))


def test_the_readme_knows_who_is_in_the_demo():
    text = text_of(ROOT / "README.md")
    written = {codes_in(row[0])[0] for row in rows_of(ROOT / "README.md", "### Who is there") if "@" in row[0]}

    assert written == {PARTNER_EMAIL, *(email for _, email, _, _ in STAFF)}
    assert f"`{PASSWORD}`" in text


# ── Names of files, functions and pages ──────────────────────────────────────────────────


#: `a/file.py` followed by names in it: `one`, `two` → `three`.
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`((?:(?:\s|,|and|→)*`[A-Za-z_]+`)+)")
FILE = re.compile(r"(?:[a-z_]+/)+[A-Za-z_.-]*[a-z]\.(?:py|sql|md|css|js|html)")


@cache
def names_in(path: Path) -> frozenset[str]:
    """The functions, classes and constants a module defines."""
    found = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(target.id for target in targets if isinstance(target, ast.Name))
    return frozenset(found)


@pytest.mark.parametrize("paper", NAMING, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_that_a_paper_names_exist(paper):
    text = text_of(paper)
    missing = [name for name in codes_in(text) if FILE.fullmatch(name) and not (ROOT / name).exists()]
    for file, names in NAMED.findall(text):
        if (ROOT / file).exists():
            known = names_in(ROOT / file)
            missing += [f"{file} {name}" for name in codes_in(names) if name not in known]

    assert missing == []


def test_pages_that_the_architecture_names_are_in_the_policy():
    pages = re.findall(r"`((?:partner|merchant|finance|network):[a-z-]+)`", text_of(DOCS / "architecture.md"))

    assert len(pages) > 5
    assert [page for page in pages if page not in policy.URLS] == []


def test_papers_that_the_code_points_to_are_there():
    pointed = {
        name
        for path in modules_of(*PACKAGES, "launch", "fakestripe", "benchmarks")
        for name in re.findall(r"\bdocs/[a-z-]+\.md\b", text_of(path))
    }

    assert [name for name in sorted(pointed) if not (ROOT / name).exists()] == []


# ── Links ────────────────────────────────────────────────────────────────────────────────


LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors_of(path: Path) -> set[str]:
    """The anchors of a paper's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text_of(path), flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(paper):
    broken = []
    for link in LINK.findall(re.sub(r"```.*?```", "", text_of(paper), flags=re.DOTALL)):
        address, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", address):
            continue
        target = (paper.parent / unquote(address)).resolve() if address else paper
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            broken.append(link)

    assert broken == []


def test_every_decision_is_in_the_list():
    decisions = {path.name for path in (DOCS / "adr").glob("0*.md")} - {"0000-template.md"}
    text = text_of(DOCS / "adr" / "README.md")

    assert [name for name in sorted(decisions) if f"({name})" not in text] == []
    for name in decisions:
        paper = text_of(DOCS / "adr" / name)
        assert re.findall(r"^## (.+)$", paper, flags=re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
        ], name
        assert f"[{name[:4]}]({name}) | {paper.partition('. ')[2].partition(chr(10))[0]} |" in text, name


@pytest.mark.parametrize("paper", PAPERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_to_be_filled_in(paper):
    assert re.findall(r"@@\w+@@|TODO|FIXME|TBD|Lorem ipsum", text_of(paper)) == []

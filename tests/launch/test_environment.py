import ast
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from launch import environment
from launch.console import Problem
from launch.places import ROOT
from launch.steps import Result, Step

BEFORE_THE_ENVIRONMENT = (
    "__init__", "commands", "console", "environment", "facts", "instance", "interpreters", "places",
    "ports", "processes", "steps",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A prepared environment, as `prepare("runtime")` would leave it."""
    locks = {name: tmp_path / f"{name}.lock" for name in ("runtime", "dev")}
    for name, lock in locks.items():
        lock.write_text(f"{name}==1.0\n")
    monkeypatch.setattr(environment, "LOCKS", locks)
    monkeypatch.setattr(environment, "STAMP", tmp_path / "environment.json")
    monkeypatch.setattr(environment, "PYTHON", Path(sys.executable))
    environment._mark_prepared("runtime")
    return tmp_path


def test_a_prepared_environment_is_known_by_its_stamp(folder):
    assert environment.is_prepared("runtime")
    assert not environment.is_prepared("dev")


def test_the_environment_for_tests_serves_the_demo_too(folder):
    environment._mark_prepared("dev")

    assert environment.is_prepared("dev")
    assert environment.is_prepared("runtime")


@pytest.mark.parametrize("name", ["runtime", "dev"])
def test_a_changed_lock_makes_the_environment_old(folder, name):
    environment.LOCKS[name].write_text("another==2.0\n")

    assert not environment.is_prepared("runtime")


def test_a_moved_folder_makes_the_environment_old(folder, monkeypatch):
    monkeypatch.setattr(environment, "ROOT", folder / "elsewhere")

    assert not environment.is_prepared("runtime")


def test_a_broken_stamp_is_no_stamp(folder):
    environment.STAMP.write_text("{")

    assert not environment.is_prepared("runtime")


def test_a_nearly_full_disk_is_said_before_anything_is_written(monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 5_000_000))

    with pytest.raises(Problem) as caught:
        environment._demand_space(1_200_000_000)

    assert "nearly full: 0.0 GB free, about 1.2 GB needed" in caught.value.what
    assert "Free some space" in caught.value.remedy


@pytest.mark.parametrize(
    ("output", "what", "remedy"),
    [
        (
            "cause: dns error: failed to lookup address information",
            "no answer from the network",
            "proxy",
        ),
        (
            "ERROR: No matching distribution found for uv==0.13.9",
            "no answer from the network",
            "proxy",
        ),
        ("OSError: [Errno 28] No space left on device", "the disk is full", "Free some space"),
        ("Hash mismatch for `django==6.1.3`", "wrong content", "do not trust the index"),
        ("ValueError: something else", "the installer failed", "packages.log"),
    ],
)
def test_a_failed_installation_is_told_with_its_remedy(tmp_path, output, what, remedy):
    log = tmp_path / "packages.log"
    log.write_text(output)

    problem = environment._failure(Result(Step("Python packages", ["uv"], log), 1, 0.1))

    assert what in problem.what
    assert remedy in problem.remedy
    assert problem.detail == output


def test_locks_carry_hashes_and_no_addresses():
    for lock in [*environment.LOCKS.values(), environment.UV_LOCK]:
        lines = lock.read_text().splitlines()
        pins = [n for n, line in enumerate(lines) if "==" in line and not line.startswith("#")]
        assert pins
        assert all("--hash=sha256:" in lines[n + 1] for n in pins)
        assert "://" not in lock.read_text()


def test_the_lock_for_tests_holds_the_same_versions_as_the_one_for_the_product():
    def pins(name):
        lines = environment.LOCKS[name].read_text().splitlines()
        return {line.split(" ")[0] for line in lines if line[:1].isalpha()}

    assert pins("runtime") < pins("dev")


def test_what_runs_before_the_environment_exists_is_plain_python_3_8():
    for name in BEFORE_THE_ENVIRONMENT:
        source = (ROOT / "launch" / f"{name}.py").read_text()
        ast.parse(source, feature_version=(3, 8))
        assert "from __future__ import annotations" in source or name == "__init__"


def test_the_machinery_needs_nothing_installed():
    allowed = sys.stdlib_module_names | {"launch"}
    for file in [ROOT / "run", *(ROOT / "launch").glob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= allowed, file
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] in allowed, file


def test_what_runs_before_the_environment_exists_imports_nothing_that_runs_after():
    for name in BEFORE_THE_ENVIRONMENT:
        tree = ast.parse((ROOT / "launch" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "launch":
                assert {alias.name for alias in node.names} <= set(BEFORE_THE_ENVIRONMENT), name
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("launch."):
                assert node.module.partition(".")[2] in BEFORE_THE_ENVIRONMENT, name


@pytest.mark.slow
def test_without_a_network_the_command_says_so_and_ends(tmp_path):
    for name in ("run", "launch", "requirements.lock", "requirements-dev.lock"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    nowhere = "http://127.0.0.1:9"
    bare = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "HTTPS_PROXY": nowhere,
        "HTTP_PROXY": nowhere,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0",
        "UV_HTTP_RETRIES": "0",
    }

    done = subprocess.run(
        [sys.executable, str(tmp_path / "run"), "manage", "check"],
        env=bare,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "no answer from the network" in done.stderr
    assert "HTTPS_PROXY" in done.stderr
    assert "Traceback" not in done.stderr

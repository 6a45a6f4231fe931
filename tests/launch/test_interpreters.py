import sys

import pytest

from launch import interpreters


def program(path, script):
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_shim_that_fails_is_skipped(tmp_path):
    shim = program(tmp_path / "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")

    found = interpreters.find_interpreter([shim, str(tmp_path / "missing"), sys.executable])

    assert found is not None
    assert found.version == sys.version_info[:3]


@pytest.mark.parametrize(
    "answer",
    [
        '[[3, 11, 7], "/usr/bin/python3.11", "cpython"]',
        '[[3, 15, 0], "/usr/bin/python3.15", "cpython"]',
        '[[3, 13, 0], "/usr/bin/pypy3", "pypy"]',
        "Python 3.13",
    ],
)
def test_a_python_out_of_range_or_of_another_kind_is_not_taken(tmp_path, answer):
    other = program(tmp_path / "python3", f"echo '{answer}'")

    assert interpreters.find_interpreter([other]) is None


def test_a_python_in_range_is_taken_with_the_path_it_gives(tmp_path):
    shim = program(tmp_path / "python3", """echo '[[3, 12, 1], "/opt/python/bin/python3.12", "cpython"]'""")

    found = interpreters.find_interpreter([shim])

    assert found == interpreters.Interpreter("/opt/python/bin/python3.12", (3, 12, 1))
    assert found.version_text == "3.12.1"


def test_the_environment_of_the_caller_does_not_disturb_the_probe(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/nowhere")

    assert interpreters.probe(sys.executable) is not None

"""A Chromium for the journeys: found, or installed where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Iterator

from launch import console
from launch.interpreters import homes
from launch.places import LOGS
from launch.steps import Step, run_steps

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
REMEDY = "install one (sudo apt-get install chromium) or name it in CHROMIUM_PATH"


def get_browser() -> str:
    """The path of a Chromium that starts; empty, with a line that says so, when there is none."""
    found = find_browser()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        script = "apt-get update -q && apt-get install -q -y --no-install-recommends chromium"
        run_steps(Step("Chromium", ["sh", "-c", script], LOGS / "chromium.log", environment))
        found = find_browser()
    if not found:
        console.say_skipped("Browser journeys", f"no Chromium on this machine; {REMEDY}")
    return found


def find_browser() -> str:
    """The first Chromium that says its version; empty when there is none."""
    for path in _candidates():
        try:
            subprocess.run(
                [path, "--version"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=60,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            # Ubuntu's package of that name is a stand-in that only points to its shop.
            continue
        return path
    return ""


def _candidates() -> Iterator[str]:
    if os.environ.get("CHROMIUM_PATH"):
        yield os.environ["CHROMIUM_PATH"]
    for name in NAMES:
        for path in (shutil.which(name), f"/usr/bin/{name}"):
            if path and os.access(path, os.X_OK):
                yield path
    yield "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    yield "/Applications/Chromium.app/Contents/MacOS/Chromium"
    for home in homes():
        yield f"{home}/.cache/ms-playwright/chromium/chrome-linux/chrome"

"""What the demo data says of itself in var/demo.json: its stage, addresses and log-ins."""

from __future__ import annotations

import json

from launch.places import VAR

FILE = VAR / "demo.json"


def read_facts() -> dict[str, object]:
    """The facts; empty when no demo data was made yet."""
    try:
        return dict(json.loads(FILE.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}

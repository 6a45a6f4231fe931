"""The processes find each other: door, drain, API, worker, stand-in (contract §2)."""

import json
import time
import urllib.request

import pytest

from tests.stories.town import Town

pytestmark = pytest.mark.stories


def _post(url: str, body: dict, key: str) -> tuple[int, dict]:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.status, json.load(answer)


def test_ready_says_ready(town: Town):
    with urllib.request.urlopen(f"{town.base}/readyz", timeout=5) as answer:
        assert json.load(answer)["status"] == "ready"

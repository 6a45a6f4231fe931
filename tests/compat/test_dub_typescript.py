"""Dub's own published TypeScript client, run by Node against a running server."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from payouts.models import Commission
from tests.compat.conftest import Shop

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client as npm installs it, exactly as locked."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not on this machine")
    home = tmp_path_factory.mktemp("dub")
    for name in ("package.json", "package-lock.json", "conformance.mjs"):
        shutil.copy(HERE / name, home)
    installed = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if installed.returncode:
        pytest.skip(f"npm cannot install the client here: {installed.stderr[-300:]}")
    return home


def test_every_call_of_the_client_is_answered_in_its_own_words(shop: Shop, client: Path):
    click, partner = shop.click(), shop.world.affiliate.public_id

    ran = subprocess.run(
        ["node", "conformance.mjs", shop.base, shop.token, click.public_id, partner],
        cwd=client, capture_output=True, text=True, timeout=120, env={**os.environ, "NODE_NO_WARNINGS": "1"},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr[-3_000:]
    got = json.loads(ran.stdout)
    assert got["lead"]["link"]["partnerId"] == partner
    assert (got["sale"]["sale"]["amount"], got["again"]["sale"]["amount"]) == (6200, 6200)
    assert (got["updated"]["id"], got["upserted"]["url"]) == (got["link"]["id"], "https://shop.example/ts3")
    assert got["bulk"][0]["url"] == "https://shop.example/b1"
    assert got["bulk"][1]["code"] == "unprocessable_entity"
    assert len(got["links"]) == len(set(got["links"])) == got["count"] + 1
    assert (got["partner"]["tenantId"], got["partners"], got["partnerLinks"]) == ("t-1", 2, 2)
    assert [one["amount"] for one in got["commissions"] if one["type"] == "sale"] == [6200]
    assert [one["externalId"] for one in got["customers"]] == ["u1"]
    assert got["customer"]["partner"]["id"] == partner
    assert got["analytics"]["count"]["sales"] == 1
    assert got["events"] == {"clicks": 1, "leads": 1, "sales": 1}
    assert got["taken"]["status"] == "refunded"
    assert got["errors"] == {
        "notFound": "NotFound", "badRequest": "BadRequest", "unauthorized": "Unauthorized",
        "unprocessable": "UnprocessableEntity", "forbidden": "Forbidden",
    }  # fmt: skip
    assert Commission.objects.get(conversion__order_ref="in_1").reversed_minor == 1240

"""The pages that partners and merchants open, over the tables that benchmarks.reports has filled.

Each page is asked for as a browser asks for it, through middleware, policy and templates, by the test client: no
socket, no other process. Its database queries are counted; how long the first, cold opening took is told too.
"""

import statistics
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.test import Client

from affiliates import teams
from affiliates.models import Affiliate, Merchant, RoleGrant
from ledger.ids import new_uuid7
from tests.factories.world import make_user
from tracking.models import Link

_OF_PARTNER = (
    ("home", "/partner/"),
    ("report of 90 days", "/partner/reports/?period=90d"),
    ("report of 90 days, nothing compared", "/partner/reports/?period=90d&compare=none"),
    ("report of 90 days by sub-id", "/partner/reports/?period=90d&by=sub1"),
    ("report of 90 days by country", "/partner/reports/?period=90d&by=country"),
    ("report of 90 days by link", "/partner/reports/?period=90d&by=link"),
    ("paths of 90 days", "/partner/reports/paths/?period=90d"),
    ("cohorts", "/partner/reports/cohorts/"),
    ("links", "/partner/links/"),
    ("one link", "/partner/links/{code}/"),
    ("clicks of a day", "/partner/clicks/"),
    ("earnings", "/partner/earnings/"),
)
_OF_MERCHANT = (
    ("overview", "/merchant/{slug}/"),
    ("report of 90 days", "/merchant/{slug}/reports/?period=90d"),
    ("report of 90 days by sub-id", "/merchant/{slug}/reports/?period=90d&by=sub1"),
    ("report of 90 days by country", "/merchant/{slug}/reports/?period=90d&by=country"),
    ("report of 90 days by partner", "/merchant/{slug}/reports/?period=90d&by=partner"),
    ("paths of 90 days", "/merchant/{slug}/reports/paths/?period=90d"),
    ("cohorts", "/merchant/{slug}/reports/cohorts/"),
)


def open_partner_pages(place: str, affiliate_id: UUID, runs: int, *, at: datetime) -> list[dict[str, object]]:
    """A partner's pages, opened by somebody of its own."""
    affiliate = Affiliate.objects.get(pk=affiliate_id)
    user = make_user(f"reader-{new_uuid7().hex}")
    teams.grant_role(user, RoleGrant.Role.PARTNER, affiliate=affiliate, at=at)
    link = Link.objects.filter(affiliate=affiliate).first()
    code = link.code if link else ""
    return [_open(f"{place} partner", name, path.format(code=code), _client(user), runs) for name, path in _OF_PARTNER]


def open_merchant_pages(merchant: Merchant, runs: int, *, at: datetime) -> list[dict[str, object]]:
    """The merchant's pages: every click there is, is its own."""
    user = make_user(f"reader-{new_uuid7().hex}")
    teams.grant_role(user, RoleGrant.Role.MERCHANT_OWNER, merchant=merchant, at=at)
    client = _client(user)
    return [_open("merchant", name, path.format(slug=merchant.slug), client, runs) for name, path in _OF_MERCHANT]


def _client(user: object) -> Client:
    # The client's own host name, whatever the settings allow.
    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")  # type: ignore[arg-type]
    return client


def _open(whose: str, name: str, path: str, client: Client, runs: int) -> dict[str, object]:
    first = _milliseconds(client, path)
    queries: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        queries.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        _milliseconds(client, path)
    times = sorted(_milliseconds(client, path) for _ in range(runs))
    middle, late = statistics.median(times), times[-max(1, runs // 20)]
    print(f"  {whose + ', ' + name:58}{middle:>9.1f}{late:>9.1f}{first:>10.1f}{len(queries):>9}")
    return {
        "case": f"{whose}, page: {name}, p95", "value": round(late, 3), "unit": "ms", "p50": round(middle, 3),
        "first": round(first, 3), "queries": len(queries),
    }  # fmt: skip


def _milliseconds(client: Client, path: str) -> float:
    since = time.perf_counter()
    response = client.get(path, secure=True)
    took = (time.perf_counter() - since) * 1000
    if response.status_code != 200:
        raise SystemExit(f"{path} answers {response.status_code} {response.headers.get('Location', '')}")
    return took

"""What a merchant's key may read of findings: the list, and one with every test that was run."""

from typing import TYPE_CHECKING

from django.http import HttpRequest, JsonResponse

from payouts.access import open_finding_in
from payouts.queries.fraud import finding_facts, findings_for_api
from portal.api.cursors import page_of
from portal.intake.keys import merchant_of

if TYPE_CHECKING:
    # For annotations only: doors hold verbs, never nouns.
    from affiliates.models import ApiKey


def list_findings(
    request: HttpRequest, key: "ApiKey", *, limit: int, cursor: str, state: str, rule: str
) -> JsonResponse:
    """Findings, newest first. A test key sees none: test orders are never judged."""
    rows = findings_for_api(merchant_of(key))
    rows = rows.none() if key.is_test else rows
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(rule=rule) if rule else rows
    return page_of(request, rows, limit=limit, cursor=cursor, show=finding_facts)


def get_finding(key: "ApiKey", finding_id: str) -> JsonResponse:
    """One finding."""
    found = open_finding_in(merchant_of(key), finding_id)
    return JsonResponse(finding_facts([found])[0], headers={"Cache-Control": "no-store"})

"""The hosted onboarding page: honest about being a stand-in, single use, and soon expired."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from fakestripe import pages
from fakestripe.accounts import change_account, find_account, new_bank
from fakestripe.events import record_thin_event
from fakestripe.standin import Standin

OUTCOMES = ("active", "pending", "restricted", "later")


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or a redirect when there is an address."""

    status: int
    html: str = ""
    location: str = ""


def onboard(standin: Standin, method: str, path: str, payload: bytes, languages: str) -> Page:
    """Answer GET (open the form) and POST (send it) of an onboarding link."""
    token = path.removeprefix("/onboarding/")
    with standin.store.transaction():
        row = standin.store.one(
            "SELECT account, return_url, refresh_url, expires_at, visit, is_done FROM links WHERE token = ?",
            token,
        )
        if row is None:
            return Page(404, pages.onboarding_gone(languages))
        account_id, return_url, refresh_url, expires_at, visit, is_done = row
        account = find_account(standin, account_id)
        if account is None:
            return Page(404, pages.onboarding_gone(languages))
        if method == "POST":
            # The button that was pressed comes after the choice it overrides.
            form = {name: values[-1] for name, values in parse_qs(payload.decode("utf-8", "replace")).items()}
            if visit and not is_done and secrets.compare_digest(form.get("visit", ""), visit):
                standin.store.run("UPDATE links SET is_done = 1 WHERE token = ?", token)
                _complete(standin, account, form)
                standin.wake.set()
                return Page(303, location=return_url or "/")
            return Page(303, location=refresh_url or "/")
        if visit or is_done or expires_at <= standin.clock.now():
            return Page(302, location=refresh_url or "/")
        if method == "HEAD":
            return Page(200)
        visit = secrets.token_urlsafe(18)
        standin.store.run("UPDATE links SET visit = ? WHERE token = ?", visit, token)
        return Page(200, pages.onboarding(account, token, visit, languages))


def _complete(standin: Standin, account: dict[str, Any], form: dict[str, str]) -> None:
    outcome = form.get("outcome", "active")
    if outcome in OUTCOMES and outcome != "later":
        last4 = "".join(filter(str.isdigit, form.get("bank", "")))[-4:] or "6789"
        changes: dict[str, Any] = {"transfers": outcome, "is_submitted": True}
        if account["bank"] is None or account["bank"]["last4"] != last4:
            changes["bank"] = new_bank(account, last4)
        change_account(standin, None, account, **changes)
    record_thin_event(
        standin, None, "v2.core.account_link.returned", None,
        data={"account_id": account["id"], "configurations": ["recipient"], "use_case": "account_onboarding"},
    )  # fmt: skip

"""Talking to a stand-in in tests: its control surface, raw requests, and the official client."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import stripe

from fakestripe.server import Server

SECRET = "whsec_for_tests"


@dataclass
class Talk:
    """One running stand-in and the ways to speak to it."""

    base: str
    server: Server | None = None
    _clients: dict[int, stripe.StripeClient] = field(default_factory=dict)

    def client(self, *, retries: int = 0) -> stripe.StripeClient:
        """The official client, pointed here."""
        if retries not in self._clients:
            self._clients[retries] = stripe.StripeClient(
                "sk_test_anything",
                base_addresses={"api": self.base},
                max_network_retries=retries,
                http_client=stripe.RequestsClient(timeout=5),
            )
        return self._clients[retries]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the control surface; its answer, which must be a 200."""
        payload = None if body is None else json.dumps(body)
        status, _, answer = self.http(method, f"/_control/{path}", payload, {"Content-Type": "application/json"})
        assert status == 200, answer
        return json.loads(answer)

    def api(
        self,
        method: str,
        path: str,
        params: Any = None,
        *,
        key: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], Any]:
        """One request to the interface, raw. v2 bodies are JSON, v1's are forms."""
        sent = {"Authorization": "Bearer sk_test_anything"} | (headers or {})
        if key:
            sent["Idempotency-Key"] = key
        if path.startswith("/v2/"):
            payload = None if params is None else json.dumps(params)
        else:
            payload = None if params is None else urlencode(params)
        status, got, body = self.http(method, path, payload, sent)
        return status, got, json.loads(body)

    def http(
        self,
        method: str,
        path: str,
        payload: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], str]:
        """One request of any kind: status, headers in lower case, body."""
        split = urlsplit(self.base)
        connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=10)
        try:
            connection.request(method, path, payload, headers or {})
            answer = connection.getresponse()
            return (
                answer.status,
                {k.lower(): v for k, v in answer.getheaders()},
                answer.read().decode(),
            )
        finally:
            connection.close()

    def fault(self, **rule: Any) -> None:
        """Add a rule to the fault script."""
        self.control("POST", "faults", {"add": True, "rules": [rule]})

    def fund(self, amount: int = 1_000_000, currency: str = "eur") -> None:
        """Money on the platform's balance."""
        self.control("POST", "topups", {"amount": amount, "currency": currency})

    def payee(self, **facts: Any) -> str:
        """An account that can receive."""
        given = {"email": "ana@example.com", "country": "DE", "transfers": "active"} | facts
        return str(self.control("POST", "accounts", given)["id"])

    def books(self) -> Any:
        """The books, which must add up."""
        books = self.control("GET", "books")
        assert books["adds_up"], books["differences"]
        return books

    def calls(self) -> list[dict[str, Any]]:
        """The calls so far."""
        return list(self.control("GET", "calls")["calls"])

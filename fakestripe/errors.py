"""The errors Stripe answers with, in Stripe's own words and shapes.

ApiError
├── Invalid      refused before execution began: never stored under an idempotency key
└── Refused      refused by the execution itself: stored and replayed on v1
"""

from typing import Any


class ApiError(Exception):
    """An answer other than 2xx: the status, the error object, and headers to add."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        kind: str = "invalid_request_error",
        param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind
        self.param = param
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The JSON object that goes over the wire."""
        error: dict[str, Any] = {"type": self.kind, "message": self.message}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        return {"error": error}


class Invalid(ApiError):
    """The request never got as far as being carried out."""


class Refused(ApiError):
    """The request was carried out as far as the refusal."""


def unauthorized(given: str) -> Invalid:
    """401: no key, or one that is not a test key."""
    if not given:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        message = f"Invalid API Key provided: {given[:8]}{'*' * 12}{given[-4:]}"
    return Invalid(401, message)


def unknown_address(method: str, path: str) -> Invalid:
    """404: no such endpoint."""
    return Invalid(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://docs.stripe.com or we can "
        "help at https://support.stripe.com/.",
    )


def missing(kind: str, object_id: str, *, status: int = 404, param: str = "id") -> Refused:
    """No such object: 404 for the object in the path, 400 for one named by a parameter."""
    return Refused(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def missing_v2(kind: str, object_id: str) -> Refused:
    """404 of the v2 interface."""
    return Refused(404, f"{kind.capitalize()} {object_id} not found.", code="not_found")


def key_in_use(key: str) -> Invalid:
    """409: the first request with this key is still being carried out."""
    return Invalid(
        409,
        "There is currently another in-progress request using this Stripe-Idempotency-Key (that "
        "probably means you submitted twice, and the other request is still going through): "
        f"{key}. If you want to replay the response, try again after a brief pause.",
        code="idempotency_key_in_use",
        kind="idempotency_error",
    )


def key_reused(key: str) -> Invalid:
    """400: the key belongs to another request."""
    return Invalid(
        400,
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different request.",
        kind="idempotency_error",
    )


def rate_limited(*, retry_after: int | None = None, reason: str = "endpoint-rate") -> Invalid:
    """429: answered before the idempotency layer, so nothing was carried out."""
    headers = {"Stripe-Rate-Limited-Reason": reason}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Invalid(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits.",
        code="rate_limit",
        headers=headers,
    )


def lock_timeout() -> Invalid:
    """429 of another kind: the object is busy, and trying again is advised."""
    return Invalid(
        429,
        "This object cannot be accessed right now because another API request or Stripe process is "
        "currently accessing it. If you see this error intermittently, retry the request.",
        code="lock_timeout",
        headers={"Stripe-Should-Retry": "true"},
    )


def broken(status: int = 500) -> ApiError:
    """An error of Stripe's own."""
    return ApiError(
        status,
        "An unknown error occurred. Please contact support@stripe.com if the problem persists.",
        kind="api_error",
    )

"""The API's frame: refusals become problem+json, and its OpenAPI 3.1 document says so."""

import logging
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import REF_TEMPLATE
from pydantic.json_schema import models_json_schema

from ledger.errors import Refusal
from portal.api import shapes
from portal.error_pages import new_incident_code
from portal.errors import problem
from tracking.errors import InputRefused

log = logging.getLogger("portal.api")

PROBLEM = "application/problem+json"

_TAKEN: tuple[type[Schema], ...] = (
    shapes.OrderIn,
    shapes.OrdersIn,
    shapes.AmendmentIn,
    shapes.RefundIn,
    shapes.LinkIn,
    shapes.Problem,
)

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key and request are handled once and answered alike.",
    "schema": {"type": "string", "maxLength": 255},
}


def takes(model: type[Schema], *, is_required: bool = True) -> dict[str, Any]:
    """What an intake's operation adds to the document: its body, its key, the Idempotency-Key header."""
    schema = {"$ref": REF_TEMPLATE.format(model=model.__name__)}
    return {
        "requestBody": {"required": is_required, "content": {"application/json": {"schema": schema}}},
        "parameters": [_IDEMPOTENCY_KEY],
        "security": [{"BearerKey": []}],
    }


class Api(NinjaAPI):
    """Ninja with this house's refusals and a complete document."""

    def set_default_exception_handlers(self) -> None:
        """Word every exception as problem+json."""
        self.add_exception_handler(Refusal, _answer_refusal)
        self.add_exception_handler(ValidationError, _answer_parameters)
        self.add_exception_handler(AuthenticationError, _answer_http_error)
        self.add_exception_handler(HttpError, _answer_http_error)
        self.add_exception_handler(Exception, _answer_bug)

    def get_openapi_schema(self, **path: Any) -> Any:
        """Ninja's document, with the bodies that are read by hand and the one shape of refusals."""
        document = super().get_openapi_schema(**path)
        _keys, definitions = models_json_schema([(model, "validation") for model in _TAKEN], ref_template=REF_TEMPLATE)
        document["components"]["schemas"].update(definitions["$defs"])
        refusal = {
            "description": "A refusal: `field` names what to mend, `detail` says how.",
            "content": {PROBLEM: {"schema": {"$ref": REF_TEMPLATE.format(model="Problem")}}},
        }
        for methods in document["paths"].values():
            for operation in methods.values():
                operation["responses"]["default"] = refusal
        document["servers"] = [{"url": "/"}]
        return document


def _answer_refusal(request: HttpRequest, refusal: Refusal | type[Refusal]) -> HttpResponse:
    if isinstance(refusal, type):
        raise TypeError("an instance is wanted")
    found = problem(refusal)
    response = _problem(found, int(found["status"]))
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    return response


def _answer_parameters(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    """A parameter of the address that cannot be read: the first one is named."""
    first = error.errors[0]  # type: ignore[misc, union-attr]
    field = str(first["loc"][-1])
    return _answer_refusal(request, InputRefused(f"{field}: {first['msg']}.", field=field))


def _answer_http_error(request: HttpRequest, error: HttpError | type[HttpError]) -> HttpResponse:
    status = HTTPStatus(error.status_code)  # type: ignore[misc]
    return _problem(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": int(status),
            "code": status.phrase.lower().replace(" ", "_"),
            "field": None,
            "detail": str(error),
        },
        int(status),
    )


def _answer_bug(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    code = new_incident_code()
    log.error(
        "incident %s: %s %s",
        code,
        request.method,
        request.path,
        exc_info=error if isinstance(error, Exception) else None,
    )
    return _problem(
        {
            "type": "/docs/reasons/#internal_error",
            "title": "internal error",
            "status": int(HTTPStatus.INTERNAL_SERVER_ERROR),
            "code": "internal_error",
            "field": None,
            "detail": f"This is our fault. Nothing was changed. Send us the code {code}.",
        },
        int(HTTPStatus.INTERNAL_SERVER_ERROR),
    )


def _problem(payload: dict[str, Any], status: int) -> HttpResponse:
    return JsonResponse(payload, status=status, content_type=PROBLEM, headers={"Cache-Control": "no-store"})

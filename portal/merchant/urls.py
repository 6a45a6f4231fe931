"""Addresses under /merchant/; who may open each stands in portal/policy.py."""

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

app_name = "merchant"


def _soon(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse("soon")


urlpatterns: list[URLPattern | URLResolver] = [
    path("conversions/<str:conversion_id>/", _soon, name="conversion"),
]

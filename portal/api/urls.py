"""Addresses of this door; who may call each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.api.postback import postback
from portal.api.reasons import reasons
from portal.api.v1 import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", api.urls),
    path("postback", postback, name="postback"),
    path("docs/reasons/", reasons, name="reasons"),
]

"""Addresses under /partner/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver

app_name = "partner"

urlpatterns: list[URLPattern | URLResolver] = []

"""Addresses under /network/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver

app_name = "network"

urlpatterns: list[URLPattern | URLResolver] = []

"""Addresses under /finance/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver

app_name = "finance"

urlpatterns: list[URLPattern | URLResolver] = []

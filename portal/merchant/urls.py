"""Addresses under /merchant/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver

app_name = "merchant"

urlpatterns: list[URLPattern | URLResolver] = []

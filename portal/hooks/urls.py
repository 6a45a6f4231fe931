"""Addresses of this door; who may call each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.hooks import stripe

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/stripe/", stripe.stripe, name="stripe-hook"),
]

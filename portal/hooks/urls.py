"""Addresses of this door; who may call each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.hooks import shops, stripe

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/stripe/", stripe.stripe, name="stripe-hook"),
    path("hooks/stripe/<slug:merchant_slug>/", shops.stripe, name="shop-hook-stripe"),
    path("hooks/shopify/<slug:merchant_slug>/", shops.shopify, name="shop-hook-shopify"),
    path("hooks/woocommerce/<slug:merchant_slug>/", shops.woocommerce, name="shop-hook-woocommerce"),
]

"""Addresses of this door; who may call each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.tag.orders import order, pixel
from portal.tag.script import tag

urlpatterns: list[URLPattern | URLResolver] = [
    path("t.js", tag, name="tag"),
    path("t/order", order, name="tag-order"),
    path("t/p.gif", pixel, name="tag-pixel"),
]

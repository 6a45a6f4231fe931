"""Addresses of this door; who may call each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, re_path

from portal.compat.dub import dub

urlpatterns: list[URLPattern | URLResolver] = [
    re_path(r"^compat/dub(?:/p/(?P<program_slug>[\w-]+))?(?P<route>/[^?]*)?$", dub, name="compat-dub"),
]

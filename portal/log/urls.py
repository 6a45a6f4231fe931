"""Addresses of the published log; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.log import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("log/", views.log, name="log"),
    path("log/roots.json", views.roots, name="log-roots"),
    path("log/key.json", views.key, name="log-key"),
    path("log/check_receipt.py", views.checker, name="log-checker"),
    path("log/<int:number>.json", views.root, name="log-root"),
]

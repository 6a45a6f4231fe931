"""Addresses under /network/; who may open each stands in portal/policy.py."""

from django.urls import URLPattern, URLResolver, path

from portal.network.views import health, members

app_name = "network"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", health.home, name="home"),
    path("partners/", members.partners, name="partners"),
    path("partners/<str:affiliate_id>/", members.partner, name="partner"),
    path("partners/<str:affiliate_id>/freeze/", members.partner_freeze, name="partner-freeze"),
    path("partners/<str:affiliate_id>/unfreeze/", members.partner_unfreeze, name="partner-unfreeze"),
    path("merchants/", members.merchants, name="merchants"),
    path("people/", members.people_list, name="people"),
]

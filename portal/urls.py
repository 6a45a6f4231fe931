"""Addresses that belong to no audience."""

from django.urls import include, path, re_path

from portal import joining, pictures, shop, views, views_kit

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
    path("enter/", views.enter, name="enter"),
    re_path(r"^r/(?P<code>[^/]{1,200})/?$", views.click_door, name="click-door"),
    path("creatives/<str:creative_id>", pictures.banner, name="banner"),
    path("join/<slug:slug>/", joining.join, name="join"),
    path("shop/<slug:slug>/", shop.shop, name="shop"),
    path("shop/<slug:slug>/buy/", shop.buy, name="shop-buy"),
    path("shop/<slug:slug>/ear/", shop.ear, name="shop-ear"),
    path("network/kit/", views_kit.kit, name="kit"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("portal.log.urls")),
    path("", include("portal.compat.urls")),
    path("", include("portal.views_kit")),
]

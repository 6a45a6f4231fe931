"""The list of doors, in the order a request meets them."""

from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls

urlpatterns = [
    path("", include("portal.urls")),
    path("partner/", include("portal.affiliate.urls")),
    path("merchant/<slug:merchant_slug>/", include("portal.merchant.urls")),
    path("finance/", include("portal.finance.urls")),
    path("network/", include("portal.network.urls")),
    path("", include("portal.api.urls")),
    path("", include("portal.hooks.urls")),
    path("", include("portal.tag.urls")),
    path("accounts/", include("allauth.urls")),
    path("cms/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    *i18n_patterns(path("", include(wagtail_urls)), prefix_default_language=True),
]

handler400 = "portal.error_pages.bad_request"
handler403 = "portal.error_pages.permission_denied"
handler404 = "portal.error_pages.page_not_found"
handler500 = "portal.error_pages.server_error"

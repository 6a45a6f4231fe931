"""Django's handle on the affiliates package."""

from django.apps import AppConfig


class AffiliatesConfig(AppConfig):
    name = "affiliates"
    label = "affiliates"
    default_auto_field = "django.db.models.BigAutoField"

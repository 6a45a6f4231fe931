"""Django's handle on the tracking package."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tracking"
    label = "tracking"
    default_auto_field = "django.db.models.BigAutoField"

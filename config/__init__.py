"""WIRING: settings, addresses, the Celery app and the server entry points.

Imports everything, is imported by nobody.
"""

from config.celery import app as celery_app

__all__ = ["celery_app"]

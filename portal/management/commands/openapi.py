"""manage.py openapi: the OpenAPI 3.1 document of /api/v1/."""

import json
from typing import Any

from django.core.management.base import BaseCommand

from portal.api.v1 import api


class Command(BaseCommand):
    """Print the document that /api/v1/openapi.json serves."""

    help = "Print the OpenAPI 3.1 document of /api/v1/."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it."""
        self.stdout.write(json.dumps(api.get_openapi_schema(), indent=2, ensure_ascii=False))

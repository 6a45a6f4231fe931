"""The few lines in which tests differ from the running product."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import DATABASES

_name = os.environ.get("TEST_DATABASE_NAME", "test_affiliate")
_template = os.environ.get("TEST_TEMPLATE", "")
DATABASES["default"]["TEST"] = {
    "NAME": _name,
    # `./run test` migrates once into a template; Django then only copies it.
    **({"TEMPLATE": _template, "MIGRATE": False} if _template else {}),
}
# A pooled connection would outlive the test that made it.
DATABASES["default"]["OPTIONS"].pop("pool", None)  # type: ignore[attr-defined]

VAR_DIR = Path(tempfile.mkdtemp(prefix="affiliate-test-"))
atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)
CLICK_SPOOL_DIR = VAR_DIR / "spool"
MEDIA_ROOT = VAR_DIR / "media"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir()
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ACCOUNT_RATE_LIMITS = False
CELERY_BROKER_URL = "memory://"

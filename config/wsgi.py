"""The WSGI entry point: `granian --interface wsgi config.wsgi:application`."""

import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# What is loaded now stays for good: the collector need not walk through it again and again. Measured with
# `./run bench intake`: with Python's own thresholds it takes nearly half of a busy process' time.
gc.collect()
gc.freeze()
gc.set_threshold(50_000, 25, 100)

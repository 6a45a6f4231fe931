"""The message queue's SQL (pgmq), so that the database can carry the task messages too.

Left alone where the operator has installed pgmq as an extension.
"""

from django.db import migrations
from pgmq.install import get_embedded_install_sql


def install(apps, schema_editor):
    """Install once; the script cannot be run twice."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq') IS NOT NULL")
        if cursor.fetchone()[0]:
            return
        cursor.execute(get_embedded_install_sql())


class Migration(migrations.Migration):
    dependencies = []

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]

"""The click benchmark has tables of its own: the door's questions must fit them, or it measures refusals."""

import pytest
from django.db import connection

from benchmarks.click_tables import TABLES
from portal.click.links import FIELDS, HOST_SQL, LINK_SQL


@pytest.mark.django_db
def test_the_doors_questions_fit_the_benchmarks_tables():
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA benchmark; SET LOCAL search_path TO benchmark")
        cursor.execute(TABLES)
        cursor.execute(LINK_SQL)
        assert len(cursor.description) == FIELDS
        cursor.execute(HOST_SQL)
        assert cursor.fetchall() == []

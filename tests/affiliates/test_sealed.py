"""Sealed columns: sealed at rest, opened by any key there is, broken by name."""

import pytest
from django.db import connection

from affiliates.models import ShopConnection
from affiliates.sealed import SealBroken, seal, unseal
from tests.factories.shops import SECRET, make_shop
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db


def test_the_database_holds_no_secret_in_clear(at):
    make_shop(make_world(at).merchant, "stripe", at=at)

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM affiliates_shopconnection")
        [(held,)] = cursor.fetchall()
    assert held.startswith("sealed:")
    assert SECRET not in held
    assert ShopConnection.objects.get().secret == SECRET


def test_a_newer_key_opens_what_an_older_one_sealed_and_a_lost_key_is_named(settings):
    settings.FIELD_ENCRYPTION_KEYS = ["old"]
    sealed = seal("secret")
    settings.FIELD_ENCRYPTION_KEYS = ["new", "old"]
    assert unseal(sealed) == "secret"
    settings.FIELD_ENCRYPTION_KEYS = ["new"]
    with pytest.raises(SealBroken):
        unseal(sealed)


def test_clear_text_in_the_column_is_not_handed_out():
    with pytest.raises(SealBroken):
        unseal("whsec_in_clear")

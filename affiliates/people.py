"""People: made when somebody signs up, is invited, or the network is set up."""

from datetime import datetime

from django.db import transaction

from affiliates.models import User
from ledger.journal import record_event


@transaction.atomic
def add_person(
    email: str,
    *,
    at: datetime,
    name: str = "",
    password: str | None = None,
    language: str = "",
    is_editor: bool = False,
) -> User:
    """The person with this address, made when there is none. `is_editor` lets them into the CMS."""
    email = email.strip().lower()
    known = User.objects.filter(email=email).first()
    if known is not None:
        return known
    user = User.objects.create_user(email, password, name=name, language=language, is_staff=is_editor, date_joined=at)
    record_event("person.added", user.public_id, at=at)
    return user

"""Partners that a merchant brings along: a place for an address, which its owner takes over by signing in."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from affiliates.enrolments import approve_enrolment, join_program
from affiliates.errors import AddressInUse, AddressUnreadable
from affiliates.members import sign_up_affiliate
from affiliates.models import Enrolment, Program, User


@transaction.atomic
def bring_partner(program: Program, email: str, *, name: str = "", country: str = "", at: datetime) -> Enrolment:
    """The place in the program of whoever has this address; for a new address, person and member are made.

    The owner signs in with a code sent to the address, and may leave. Raises AddressUnreadable, ProgramNotOpen,
    and AddressInUse for somebody who is here already and has no place in this program.
    """
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise AddressUnreadable("This is no e-mail address.", field="email") from None
    user, is_new = User.objects.get_or_create(email=address, defaults={"name": name[:120]})
    if is_new:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    known = program.enrolments.filter(affiliate__grants__user=user).exclude(status=Enrolment.Status.LEFT).first()
    if known is not None:
        return known
    if not is_new:
        # Who is here already is asked, and not enrolled by somebody else; nor is anything told about them.
        raise AddressInUse("Whoever has this address joins by the program's page.", field="email")
    affiliate = sign_up_affiliate(user, name=name, country=country, at=at)
    place = join_program(affiliate, program, at=at)
    if place.status == Enrolment.Status.APPLIED:
        place = approve_enrolment(place, by=None, at=at)
    return place

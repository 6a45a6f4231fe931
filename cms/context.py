"""What pages may ask the domain, through its queries."""

from django.utils import timezone

from affiliates.access import open_public_program
from affiliates.errors import NotVisible
from payouts.queries.public import ProgramFacts, facts_of_open_programs, program_facts


def facts_of(slug: str) -> ProgramFacts | None:
    """A public program's facts as they are now; None when it is not public."""
    try:
        program = open_public_program(slug)
    except NotVisible:
        return None
    return program_facts(program, at=timezone.now())


def open_programs() -> list[ProgramFacts]:
    """Every program that takes affiliates now."""
    return facts_of_open_programs(at=timezone.now())

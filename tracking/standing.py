"""Why clicks on a link do not count, from the standing of those it belongs to. Pure; the click door reads it too."""


def reason_of_standing(*, program: str, enrolment: str, affiliate: str) -> str:
    """A code of the closed list in docs/click-door.md, or nothing when clicks count.

    A frozen affiliate goes on earning, and a retired link goes on working: theirs do count.
    """
    if program != "open":
        return f"program_{program}"
    if enrolment != "approved":
        return f"enrolment_{enrolment}"
    if affiliate == "closed":
        return "affiliate_closed"
    return ""

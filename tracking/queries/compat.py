"""What surfaces in other networks' languages look up."""

from tracking.models import Link, LinkAlias


def link_by_code(code: str) -> Link | None:
    """The link behind a code or an alias, with its place and program; None when there is none."""
    code = code.strip().lower()[:64]
    found = Link.objects.select_related("enrolment", "program__merchant", "affiliate")
    link = found.filter(code=code).first()
    if link is None:
        alias = LinkAlias.objects.filter(code=code).first()
        link = found.filter(pk=alias.link_id).first() if alias else None
    return link

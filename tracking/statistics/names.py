"""What the keys of a report's groups are called, and back: a filter's value as people write it."""

from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from django.db.models import Q

from affiliates.models import Affiliate, Program
from tracking.models import Creative, Deal, Link
from tracking.statistics.questions import Scope


def names_of(dimension: str, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(id outside, name) of each key of a program, partner or link; of nothing else."""
    wanted = [UUID(key) for key in keys if key]
    if dimension == "program":
        programs = Program.objects.filter(pk__in=wanted).values_list("pk", "slug", "name")
        return {str(key): (slug, name) for key, slug, name in programs}
    if dimension == "affiliate":
        affiliates = Affiliate.objects.filter(pk__in=wanted)
        return {str(one.pk): (one.public_id, one.name) for one in affiliates}
    if dimension == "link":
        links = Link.objects.filter(pk__in=wanted).values_list("pk", "code", "label")
        return {str(key): (code, f"{label} · {code}" if label else code) for key, code, label in links}
    return {}


def creative_names(keys: Iterable[str], scope: Scope) -> dict[str, tuple[str, str]]:
    """(id, name) of each creative or deal among the keys, which are what visitors' addresses said.

    Only those of the scope's merchant, or of programs in which its partner has a place: a key may be anybody's.
    """
    found: dict[str, tuple[str, str]] = {}
    wanted = set(keys)
    for model, field in ((Creative, "name"), (Deal, "title")):
        own = []
        for key in wanted:
            with suppress(ValueError):
                own.append(model.key_of(key))
        rows = model.objects.filter(pk__in=own)
        if scope.merchant_id:
            rows = rows.filter(program__merchant=scope.merchant_id)
        elif scope.affiliate_id:
            rows = rows.filter(program__enrolments__affiliate=scope.affiliate_id)
            if model is Deal:
                rows = rows.filter(Q(is_exclusive=False) | Q(places__affiliate=scope.affiliate_id)).distinct()
        for one in rows if own else ():
            found[one.public_id] = (one.public_id, getattr(one, field))
    return found


def key_of(dimension: str, value: str, scope: Scope) -> tuple[str, str] | None:
    """(key, name) of a program's slug, a partner's id or a link's code, as far as it is in the scope; else None."""
    if dimension == "program":
        programs = Program.objects.filter(slug=value)
        if scope.merchant_id:
            programs = programs.filter(merchant=scope.merchant_id)
        elif scope.affiliate_id:
            programs = programs.filter(enrolments__affiliate=scope.affiliate_id)
        program = programs.first()
        return (str(program.pk), program.name) if program else None
    if dimension == "affiliate":
        try:
            found = Affiliate.objects.filter(pk=Affiliate.key_of(value))
        except ValueError:
            return None
        if scope.merchant_id:
            found = found.filter(enrolments__program__merchant=scope.merchant_id)
        affiliate = found.first()
        return (str(affiliate.pk), affiliate.name) if affiliate else None
    links = Link.objects.filter(code=value)
    if scope.merchant_id:
        links = links.filter(program__merchant=scope.merchant_id)
    elif scope.affiliate_id:
        links = links.filter(affiliate=scope.affiliate_id)
    link = links.first()
    return (str(link.pk), link.label or link.code) if link else None

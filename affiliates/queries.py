"""What pages show about people and programs."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from affiliates.access import Workspace, roles_of, workspaces_of
from affiliates.models import Affiliate, ApiKey, Enrolment, Merchant, Program, RoleGrant, Terms, User

__all__ = [
    "Workspace",
    "affiliates_by_id",
    "all_affiliates",
    "applications_waiting",
    "channels_of",
    "enrolments_in",
    "enrolments_of",
    "keys_of",
    "open_programs",
    "programs_of",
    "roles_of",
    "terms_at",
    "terms_of",
    "workspaces_of",
]


def open_programs() -> QuerySet[Program]:
    """The programs that take affiliates now, by name."""
    return Program.objects.select_related("merchant").filter(status=Program.Status.OPEN).order_by("name")


def programs_of(merchant: Merchant) -> QuerySet[Program]:
    """A merchant's programs with how many affiliates are in and how many wait."""
    return merchant.programs.annotate(
        approved=Count("enrolments", filter=Q(enrolments__status="approved")),
        waiting=Count("enrolments", filter=Q(enrolments__status="applied")),
    ).order_by("name")


def find_program(text: str) -> Program | None:
    """A program by its slug or public id; for commands, which may see every one."""
    found = Program.objects.select_related("merchant").filter(slug=text).first()
    if found is not None:
        return found
    try:
        return Program.objects.select_related("merchant").filter(pk=Program.key_of(text)).first()
    except ValueError:
        return None


def all_programs() -> QuerySet[Program]:
    """Every program with its merchant, for network staff."""
    return Program.objects.select_related("merchant").order_by("merchant__name", "name", "pk")


def terms_of(program: Program) -> QuerySet[Terms]:
    """All versions, newest first."""
    return program.terms.order_by("-version")


def terms_at(program: Program, at: datetime) -> Terms | None:
    """The version in force."""
    return program.terms_at(at)


def enrolments_of(affiliate: Affiliate) -> QuerySet[Enrolment]:
    """An affiliate's places, open ones first."""
    found: QuerySet[Enrolment] = (
        Enrolment.objects.filter(affiliate=affiliate)
        .select_related("program__merchant", "affiliate", "terms")
        .order_by("status", "program__name")
    )
    return found


def enrolments_in(merchant: Merchant, *, status: str = "", text: str = "") -> QuerySet[Enrolment]:
    """The places in a merchant's programs, latest application first; `text` is part of the partner's name."""
    found: QuerySet[Enrolment] = Enrolment.objects.filter(program__merchant=merchant).order_by("-applied_at", "-id")
    if text:
        found = found.filter(affiliate__name__icontains=text)
    return found.filter(status=status) if status else found


def members_of(merchant: Merchant, *, status: str = "", text: str = "") -> QuerySet[Enrolment]:
    """The places that were decided over, by the partner's name."""
    found = enrolments_in(merchant, status=status, text=text)
    return found.exclude(status=Enrolment.Status.APPLIED).order_by("affiliate__name", "id")


def applications_waiting(merchant: Merchant) -> int:
    """How many applications wait for the merchant."""
    return Enrolment.objects.filter(program__merchant=merchant, status=Enrolment.Status.APPLIED).count()


def channels_of(affiliates: Iterable[Affiliate]) -> dict[str, list[str]]:
    """The channels' addresses by the affiliate's public id."""
    found: dict[str, list[str]] = {}
    for affiliate in Affiliate.objects.filter(pk__in=[one.pk for one in affiliates]).prefetch_related("channels"):
        found[affiliate.public_id] = [channel.url for channel in affiliate.channels.all()]
    return found


def keys_of(*, merchant: Merchant | None = None, affiliate: Affiliate | None = None) -> QuerySet[ApiKey]:
    """The keys of a merchant or an affiliate, newest first."""
    return ApiKey.objects.filter(merchant=merchant, affiliate=affiliate).order_by("-created_at")


def all_affiliates(*, status: str = "", text: str = "") -> QuerySet[Affiliate]:
    """Members by name, for network staff."""
    found = Affiliate.objects.order_by("name")
    if status:
        found = found.filter(status=status)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(contact_email__icontains=text))
    return found


def affiliates_by_id(public_ids: Iterable[str]) -> dict[str, Affiliate]:
    """Members by public id; unknown ones are left out."""
    keys = [Affiliate.key_of(public_id) for public_id in public_ids]
    return {affiliate.public_id: affiliate for affiliate in Affiliate.objects.filter(pk__in=keys)}


def merchants() -> QuerySet[Merchant]:
    """Every merchant by name."""
    return Merchant.objects.order_by("name")


def user_by_email(email: str) -> User | None:
    """The person with this address."""
    return User.objects.filter(email=email.strip().lower()).first()


def people_with_role(*roles: str) -> list[User]:
    """Everybody who holds one of these roles in the network as a whole, by name."""
    found = User.objects.filter(grants__role__in=roles, grants__affiliate=None, grants__merchant=None, is_active=True)
    return list(found.distinct().order_by("name", "email"))


def people_of(affiliate: Affiliate) -> list[User]:
    """The people who work for a member."""
    return list(User.objects.filter(grants__affiliate=affiliate, is_active=True).distinct().order_by("email"))


def people_of_merchant(merchant: Merchant | UUID) -> list[User]:
    """The people who run a merchant: its owners and managers."""
    roles = [RoleGrant.Role.MERCHANT_OWNER, RoleGrant.Role.MERCHANT_MANAGER]
    found = User.objects.filter(grants__merchant=merchant, grants__role__in=roles, is_active=True)
    return list(found.distinct().order_by("email"))


def people(*, role: str = "", text: str = "") -> QuerySet[User]:
    """Everybody by address, with what each may do where."""
    found = User.objects.prefetch_related(
        Prefetch("grants", RoleGrant.objects.select_related("affiliate", "merchant").order_by("role"))
    ).order_by("email")
    if role:
        found = found.filter(grants__role=role).distinct()
    if text:
        found = found.filter(Q(name__icontains=text) | Q(email__icontains=text))
    return found


def merchant_by_name(name: str) -> Merchant | None:
    """A merchant by its slug or its public id, as its tag names it."""
    name = name.strip()[:80]
    if name.startswith(f"{Merchant.ID_PREFIX}_"):
        try:
            return Merchant.objects.filter(pk=Merchant.key_of(name)).first()
        except ValueError:
            return None
    return Merchant.objects.filter(slug=name).first() if name.isprintable() else None


def hosts_of(merchant: Merchant) -> frozenset[str]:
    """The hosts of all of a merchant's programs."""
    lists = Program.objects.filter(merchant=merchant).values_list("allowed_hosts", flat=True)
    return frozenset(host for hosts in lists for host in hosts)


def merchants_by_slug(slugs: Iterable[str]) -> dict[str, Merchant]:
    """Merchants by slug; unknown ones are left out."""
    return {merchant.slug: merchant for merchant in Merchant.objects.filter(slug__in=list(slugs))}


def merchants_with_programs() -> QuerySet[Any]:
    """Every merchant by name, with how many programs it has and how many of them are open."""
    return Merchant.objects.annotate(
        all_programs=Count("programs"),
        open_programs=Count("programs", filter=Q(programs__status=Program.Status.OPEN)),
    ).order_by("name")


def role_choices() -> list[tuple[str, str]]:
    """Every role: (code, what it is called)."""
    return [(str(value), str(label)) for value, label in RoleGrant.Role.choices]


def users_by_id(public_ids: Iterable[str]) -> dict[str, str]:
    """What people are called, by public id; unknown ones are left out."""
    keys = [User.key_of(public_id) for public_id in set(public_ids)]
    return {user.public_id: user.get_full_name() for user in User.objects.filter(pk__in=keys)}

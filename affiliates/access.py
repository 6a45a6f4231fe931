"""The only way for a door to get an object: by who asks. Another tenant's object is NotVisible."""

from dataclasses import dataclass

from affiliates.errors import NotAllowed, NotVisible
from affiliates.models import Affiliate, ApiKey, Call, Endpoint, Enrolment, Merchant, Program, RoleGrant, User
from affiliates.policy import ROLES_FOR


@dataclass(frozen=True, slots=True)
class Workspace:
    """A place a person may work in, for the switcher: kind, what it is called, its key."""

    kind: str
    label: str
    key: str

    @property
    def url(self) -> str:
        """Its home."""
        return f"/merchant/{self.key}/" if self.kind == "merchant" else f"/{self.kind}/"


def workspaces_of(user: User) -> list[Workspace]:
    """The places a person may work in, in the order of the switcher."""
    found: dict[str, Workspace] = {}
    grants = user.grants.select_related("affiliate", "merchant").order_by("role", "granted_at")
    for grant in grants:
        if grant.affiliate is not None:
            found.setdefault(
                "0partner" + grant.affiliate.public_id,
                Workspace("partner", grant.affiliate.name, grant.affiliate.public_id),
            )
        elif grant.merchant is not None:
            found.setdefault("1" + grant.merchant.slug, Workspace("merchant", grant.merchant.name, grant.merchant.slug))
        elif grant.role in ROLES_FOR["finance.view"]:
            found.setdefault("2", Workspace("finance", "Finance", ""))
        elif grant.role in ROLES_FOR["network.view"]:
            found.setdefault("3", Workspace("network", "Network", ""))
        elif grant.role in ROLES_FOR["cms.edit"]:
            found.setdefault("4", Workspace("cms", "Site", ""))
    return [found[key] for key in sorted(found)]


def roles_of(user: User, *, merchant: Merchant | None = None) -> frozenset[str]:
    """The person's roles in a merchant, or in the network as a whole."""
    grants = user.grants.filter(merchant=merchant, affiliate=None)
    return frozenset(grants.values_list("role", flat=True))


def require(user: User, action: str) -> None:
    """Let a person with a network role for the action pass. Raises NotAllowed, or NotVisible without any role."""
    roles = roles_of(user)
    if roles & _roles(action):
        return
    if roles & _roles(f"{action.split('.')[0]}.view"):
        raise NotAllowed(action)
    raise NotVisible("page")


def open_merchant(user: User, slug: str, *, action: str) -> Merchant:
    """The merchant, for a person with a role there. Raises NotVisible; NotAllowed when the role is too small."""
    merchant = Merchant.objects.filter(slug=slug).first()
    roles = roles_of(user, merchant=merchant) if merchant else frozenset()
    if merchant is None or not roles:
        raise NotVisible("merchant")
    if not roles & _roles(action):
        raise NotAllowed(action)
    return merchant


def open_affiliate(user: User, public_id: str = "") -> Affiliate:
    """The affiliate a person works for: the named one, or the first. Raises NotVisible."""
    grants = user.grants.filter(role=RoleGrant.Role.PARTNER).select_related("affiliate").order_by("granted_at")
    for grant in grants:
        if grant.affiliate is not None and public_id in {"", grant.affiliate.public_id}:
            return grant.affiliate
    raise NotVisible("affiliate")


def open_program_of(merchant: Merchant, slug: str) -> Program:
    """A merchant's program. Raises NotVisible."""
    program = merchant.programs.filter(slug=slug).first()
    if program is None:
        raise NotVisible("program")
    return program


def open_public_program(slug: str) -> Program:
    """A program that the public may see. Raises NotVisible."""
    program = (
        Program.objects.select_related("merchant")
        .filter(slug=slug, status__in=[Program.Status.OPEN, Program.Status.PAUSED])
        .first()
    )
    if program is None:
        raise NotVisible("program")
    return program


def open_enrolment_in(merchant: Merchant, public_id: str) -> Enrolment:
    """An enrolment in one of a merchant's programs. Raises NotVisible."""
    try:
        enrolment: Enrolment = Enrolment.objects.by_public_id(public_id)
    except Enrolment.DoesNotExist:
        raise NotVisible("enrolment") from None
    if enrolment.program.merchant_id != merchant.pk:
        raise NotVisible("enrolment")
    return enrolment


def open_enrolment_of(affiliate: Affiliate, slug: str) -> Enrolment:
    """An affiliate's place in the program of this slug. Raises NotVisible."""
    enrolment = Enrolment.objects.filter(affiliate=affiliate, program__slug=slug).first()
    if enrolment is None:
        raise NotVisible("enrolment")
    return enrolment


def find_enrolment(*, merchant: Merchant | None, affiliate: str, program: str = "") -> Enrolment | None:
    """An affiliate's place, by public ids: in a merchant's programs when one is given; `program` may be a slug.

    None when several would fit. Raises NotVisible when none does.
    """
    places = Enrolment.objects.all()
    if merchant is not None:
        places = places.filter(program__merchant=merchant)
    try:
        places = places.filter(affiliate_id=Affiliate.key_of(affiliate))
        if program:
            is_id = program.startswith(f"{Program.ID_PREFIX}_")
            places = (
                places.filter(program_id=Program.key_of(program)) if is_id else places.filter(program__slug=program)
            )
    except ValueError:
        raise NotVisible("enrolment") from None
    found = list(places[:2])
    if not found:
        raise NotVisible("enrolment")
    return found[0] if len(found) == 1 else None


def open_key_in(merchant: Merchant, public_id: str) -> ApiKey:
    """One of a merchant's keys. Raises NotVisible."""
    try:
        key: ApiKey = ApiKey.objects.by_public_id(public_id)
    except ApiKey.DoesNotExist:
        raise NotVisible("key") from None
    if key.merchant_id != merchant.pk:
        raise NotVisible("key")
    return key


def open_any_affiliate(user: User, public_id: str) -> Affiliate:
    """Any member, for network staff and finance. Raises NotVisible."""
    if not roles_of(user) & (_roles("network.view") | _roles("finance.view")):
        raise NotVisible("affiliate")
    try:
        affiliate: Affiliate = Affiliate.objects.by_public_id(public_id)
    except Affiliate.DoesNotExist:
        raise NotVisible("affiliate") from None
    return affiliate


def open_any_merchant(user: User, slug: str) -> Merchant:
    """Any merchant, for network staff and finance. Raises NotVisible."""
    if not roles_of(user) & (_roles("network.view") | _roles("finance.view")):
        raise NotVisible("merchant")
    merchant = Merchant.objects.filter(slug=slug).first()
    if merchant is None:
        raise NotVisible("merchant")
    return merchant


def may(roles: frozenset[str], action: str) -> bool:
    """Whether one of these roles allows the action: for what a page offers; verbs and doors ask for themselves."""
    return bool(roles & _roles(action))


def _roles(action: str) -> frozenset[str]:
    return frozenset(ROLES_FOR.get(action, ()))


def open_endpoint(public_id: str, *, merchant: Merchant | None = None, affiliate: Affiliate | None = None) -> Endpoint:
    """One of an owner's endpoints. Raises NotVisible."""
    try:
        endpoint: Endpoint = Endpoint.objects.select_related("program", "merchant", "affiliate").get(
            pk=Endpoint.key_of(public_id), merchant=merchant, affiliate=affiliate
        )
    except (Endpoint.DoesNotExist, ValueError):
        raise NotVisible("endpoint") from None
    if endpoint.status == Endpoint.Status.REMOVED:
        raise NotVisible("endpoint")
    return endpoint


def open_call(public_id: str, *, merchant: Merchant | None = None, affiliate: Affiliate | None = None) -> Call:
    """A call to one of an owner's endpoints. Raises NotVisible."""
    try:
        call: Call = Call.objects.select_related("endpoint").get(
            pk=Call.key_of(public_id), endpoint__merchant=merchant, endpoint__affiliate=affiliate
        )
    except (Call.DoesNotExist, ValueError):
        raise NotVisible("call") from None
    return call

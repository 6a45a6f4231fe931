"""People, and what each may do where."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ledger.ids import Record


class UserManager(BaseUserManager["User"]):
    """Makes people by their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in by e-mail; without a password, by code."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Somebody who may do everything in the CMS; roles in the network are granted apart."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin, Record):
    """A person. One sign-in, any number of roles."""

    ID_PREFIX = "usr"

    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True, default="")
    language = models.CharField(max_length=10, blank=True, default="")
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def get_full_name(self) -> str:
        """The name, or the address where none was given."""
        return self.name or self.email

    def get_short_name(self) -> str:
        """The first name, or the part of the address before the @."""
        return self.name.split(" ")[0] if self.name else self.email.split("@")[0]

    @property
    def first_name(self) -> str:
        """What Wagtail's admin greets with."""
        return self.get_short_name()

    def __str__(self) -> str:
        return self.get_full_name()


class RoleGrant(Record):
    """One person's role: in an affiliate, in a merchant, or in the network as a whole."""

    ID_PREFIX = "role"

    class Role(models.TextChoices):
        PARTNER = "partner", _("partner")
        MERCHANT_OWNER = "merchant_owner", _("merchant owner")
        MERCHANT_MANAGER = "merchant_manager", _("merchant manager")
        MERCHANT_ANALYST = "merchant_analyst", _("merchant analyst")
        FINANCE_MAKER = "finance_maker", _("finance, prepares")
        FINANCE_CHECKER = "finance_checker", _("finance, approves")
        NETWORK_STAFF = "network_staff", _("network staff")
        EDITOR = "editor", _("editor")

    MERCHANT_ROLES = (Role.MERCHANT_OWNER, Role.MERCHANT_MANAGER, Role.MERCHANT_ANALYST)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20, choices=Role)
    affiliate = models.ForeignKey(
        "affiliates.Affiliate", on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    merchant = models.ForeignKey(
        "affiliates.Merchant", on_delete=models.CASCADE, null=True, blank=True, related_name="grants"
    )
    granted_at = models.DateTimeField()
    granted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "affiliate", "merchant"], name="grant_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                name="grant_scope_fits_role",
                condition=(
                    Q(role="partner", affiliate__isnull=False, merchant__isnull=True)
                    | Q(role__startswith="merchant_", affiliate__isnull=True, merchant__isnull=False)
                    | (
                        ~Q(role="partner")
                        & ~Q(role__startswith="merchant_")
                        & Q(affiliate__isnull=True, merchant__isnull=True)
                    )
                ),
            ),
        ]

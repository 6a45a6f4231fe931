"""Who: people, organisations, the terms between them, and their standing."""

from affiliates.models.affiliate import Affiliate, Channel
from affiliates.models.coupon import Coupon
from affiliates.models.endpoint import Call, CallTry, Endpoint
from affiliates.models.key import ApiKey
from affiliates.models.mail import OutgoingMail
from affiliates.models.merchant import Merchant
from affiliates.models.program import Enrolment, Program, Terms
from affiliates.models.shop import ShopConnection
from affiliates.models.user import RoleGrant, User

__all__ = [
    "Affiliate",
    "ApiKey",
    "Call",
    "CallTry",
    "Channel",
    "Coupon",
    "Endpoint",
    "Enrolment",
    "Merchant",
    "OutgoingMail",
    "Program",
    "RoleGrant",
    "ShopConnection",
    "Terms",
    "User",
]

"""What happened: links, clicks, conversions, and whose they are."""

from tracking.models.attribution import Attribution, AttributionShare, CustomerBinding, ModelFit
from tracking.models.click import Click, ClickCount, ClickHour
from tracking.models.conversion import Conversion, Refund
from tracking.models.creative import Creative
from tracking.models.customer import Customer, ForeignRecord
from tracking.models.deal import Deal
from tracking.models.domain import TrackingDomain
from tracking.models.fraud import FraudFinding, FraudPolicy, FraudStep
from tracking.models.idempotency import IdempotencyKey
from tracking.models.inbox import InboxReplay, InboxRequest, ReplayJob
from tracking.models.link import Link, LinkAlias, LinkCode, LinkTarget
from tracking.models.log_root import LogRoot
from tracking.models.product import FeedRefusal, Product, ProductFeed
from tracking.models.program_tracking import LandingPage, ProgramTracking
from tracking.models.revision import ConversionRevision, Dispute
from tracking.models.shop_event import ShopEvent
from tracking.models.sign_in import SignIn
from tracking.models.tag import TagSettings
from tracking.models.upload import OrderUpload, OrderUploadRow, UploadMapping

__all__ = [
    "Attribution",
    "AttributionShare",
    "Click",
    "ClickCount",
    "ClickHour",
    "Conversion",
    "ConversionRevision",
    "Creative",
    "Customer",
    "CustomerBinding",
    "Deal",
    "Dispute",
    "FeedRefusal",
    "ForeignRecord",
    "FraudFinding",
    "FraudPolicy",
    "FraudStep",
    "IdempotencyKey",
    "InboxReplay",
    "InboxRequest",
    "LandingPage",
    "Link",
    "LinkAlias",
    "LinkCode",
    "LinkTarget",
    "LogRoot",
    "ModelFit",
    "OrderUpload",
    "OrderUploadRow",
    "Product",
    "ProductFeed",
    "ProgramTracking",
    "Refund",
    "ReplayJob",
    "ShopEvent",
    "SignIn",
    "TagSettings",
    "TrackingDomain",
    "UploadMapping",
]

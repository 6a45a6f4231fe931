"""Questions about merchants' own hosts for links."""

from tracking.models import TrackingDomain


def domain_by_id(public_id: str) -> TrackingDomain | None:
    """A host by its id with its merchant, for letters about it; None when it was removed since."""
    try:
        key = TrackingDomain.key_of(public_id)
    except ValueError:
        return None
    return TrackingDomain.objects.filter(pk=key).select_related("merchant").first()

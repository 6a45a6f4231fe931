"""Django's handle on the portal package."""

from importlib import import_module

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    label = "portal"

    def ready(self) -> None:
        """Let the journal's subscribers and the tasks' hints register, in every process."""
        for module in (
            "ledger.tasks",
            "payouts.tasks",
            "portal.outbound.email",
            "portal.doors.tasks",
            "portal.outbound.claim_mails",
            "portal.outbound.domain_mails",
            "portal.outbound.fraud_mails",
            "portal.outbound.calls",
            "portal.sign_ins",
        ):
            import_module(module)

"""The program's public pages."""

from cms.models.pages import HomePage, ProgramPage, StandardPage

__all__ = ["HomePage", "ProgramPage", "StandardPage"]

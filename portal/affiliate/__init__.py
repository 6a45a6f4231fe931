"""Screens under /partner/."""

"""Screens under /network/."""

"""Screens under /merchant/."""

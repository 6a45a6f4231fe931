"""Screens under /finance/."""

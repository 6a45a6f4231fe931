"""Fixtures that the tests of doors share."""

from tests.factories.standin import bank, standin_process

__all__ = ["bank", "standin_process"]

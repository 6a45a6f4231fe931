"""Signing in at the finance desk in tests, and the pages' addresses."""

from django.test import Client
from django.urls import reverse

from affiliates.models import User


def sign_in(user: User) -> Client:
    """A browser of this person's."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def address(name: str, *args: object) -> str:
    """A page of the desk."""
    return reverse(f"finance:{name}", args=[getattr(one, "public_id", one) for one in args])


def text_of(response) -> str:
    """The page as text, spaces made single."""
    return " ".join(response.content.decode().split())

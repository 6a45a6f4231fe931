"""Forms of the entrance, in the house's words. Settings: ACCOUNT_FORMS names them."""

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.utils.translation import gettext_lazy as _

_EXAMPLE_ADDRESS = "name@example.com"


def _reword(form: forms.Form) -> None:
    """Labels say what a field is, placeholders show an example or nothing."""
    for name in ("email", "login"):
        if name in form.fields:
            form.fields[name].label = _("E-mail address")
            form.fields[name].widget.attrs["placeholder"] = _EXAMPLE_ADDRESS
    for field in form.fields.values():
        if isinstance(field.widget, forms.PasswordInput):
            field.widget.attrs.pop("placeholder", None)


class LoginForm(allauth_forms.LoginForm):
    """Address and, if you like, a password: without one, or by the second button, a code is e-mailed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _reword(self)

    def _setup_password_field(self) -> None:
        self.fields["password"].required = False

    def clean_password(self) -> str:
        """The password, unless the person asked for a code."""
        password: str = self.cleaned_data.get("password", "")
        return "" if "by_code" in self.data else password


class SignupForm(allauth_forms.SignupForm):
    """One address; the code that follows proves it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _reword(self)


class RequestLoginCodeForm(allauth_forms.RequestLoginCodeForm):
    """Where the code goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _reword(self)


class AddEmailForm(allauth_forms.AddEmailForm):
    """One more address of the same person."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _reword(self)


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """Whose password is to be chosen anew."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _reword(self)

"""Forms of the entrance that differ from allauth's own."""

from allauth.account.forms import LoginForm as AllauthLoginForm


class LoginForm(AllauthLoginForm):
    """Address and, if you like, a password: without one, or by the second button, a code is e-mailed.

    ACCOUNT_FORMS = {"login": "portal.account_forms.LoginForm"}
    """

    def _setup_password_field(self) -> None:
        self.fields["password"].required = False

    def clean_password(self) -> str:
        """The password, unless the person asked for a code."""
        password: str = self.cleaned_data.get("password", "")
        return "" if "by_code" in self.data else password

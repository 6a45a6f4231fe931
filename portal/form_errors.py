"""What is wrong with a field, said with the field's own label and with the way out.

Django's stock sentences name no field ("This field is required.") and blame ("Enter a valid value.").
A sentence that a form sets itself is kept as it is.
"""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_CHOICES = (forms.ChoiceField, forms.ModelChoiceField)

#: By error code, most particular field class first.
_SENTENCES: dict[str, tuple[tuple[type[forms.Field] | tuple[type[forms.Field], ...], str | Promise], ...]] = {
    "required": (
        (forms.BooleanField, _("Tick “%(label)s” to go on.")),
        (_CHOICES, _("Choose: %(label)s.")),
        (forms.FileField, _("Choose a file: %(label)s.")),
        (forms.Field, _("Fill in: %(label)s.")),
    ),
    "invalid": (
        (forms.EmailField, _("%(label)s: write an address such as name@example.com.")),
        (forms.URLField, _("%(label)s: write an address such as https://example.com/page.")),
        (forms.IntegerField, _("%(label)s: write a number.")),
        (forms.DateTimeField, _("%(label)s: write a date and a time such as 2026-11-30 14:00.")),
        (forms.DateField, _("%(label)s: write a date such as 2026-11-30.")),
        (forms.Field, _("%(label)s: this cannot be read. Write it another way.")),
    ),
    "invalid_choice": ((forms.Field, _("%(label)s: choose one of the list.")),),
    "max_value": ((forms.Field, _("%(label)s: write %(limit_value)s or less.")),),
    "min_value": ((forms.Field, _("%(label)s: write %(limit_value)s or more.")),),
    "max_length": (
        (
            forms.Field,
            _("%(label)s: shorten it to %(limit_value)s characters; it has %(show_value)s."),
        ),
    ),
    "min_length": (
        (
            forms.Field,
            _("%(label)s: write at least %(limit_value)s characters; it has %(show_value)s."),
        ),
    ),
    "max_digits": ((forms.Field, _("%(label)s: write at most %(max)s digits.")),),
    "max_decimal_places": ((forms.Field, _("%(label)s: write at most %(max)s decimals.")),),
    "empty": ((forms.Field, _("%(label)s: the file is empty. Choose another.")),),
    "invalid_image": ((forms.Field, _("%(label)s: this is no picture we can read. Choose another.")),),
}


def sentences_of(bound: BoundField) -> list[str]:
    """Every problem of a bound field as a sentence that names it and says what to do."""
    problems = bound.form.errors.as_data().get(bound.name, [])
    return [_sentence(bound, problem) for problem in problems]


def _sentence(bound: BoundField, problem: ValidationError) -> str:
    code = str(problem.code or "")
    if not _is_stock(bound.field, code, problem):
        return str(next(iter(problem.messages)))
    params: dict[str, Any] = {"label": bound.label, **(problem.params or {})}
    for classes, sentence in _SENTENCES[code]:
        if isinstance(bound.field, classes):
            return str(sentence) % params
    return str(next(iter(problem.messages)))


def _is_stock(field: forms.Field, code: str, problem: ValidationError) -> bool:
    """Whether the sentence is Django's own, for a code this module words better."""
    if code not in _SENTENCES:
        return False
    stock = [getattr(cls, "default_error_messages", {}).get(code) for cls in type(field).__mro__]
    for validator in field.validators:
        stock += [getattr(validator, "message", None), *getattr(validator, "messages", {}).values()]
    return any(problem.message is message for message in stock)

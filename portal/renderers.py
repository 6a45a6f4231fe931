"""How forms are drawn: `{{ form }}` and `{% field form.name %}` both speak the kit."""

from django.forms.renderers import TemplatesSetting


class KitRenderer(TemplatesSetting):
    """Django's renderer with the kit's own markup for forms, fields and errors."""

    form_template_name = "portal/forms/form.html"
    field_template_name = "portal/forms/field.html"

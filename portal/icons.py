"""Lucide icons as inline SVG, each drawn once a process.

An icon is decoration: it is hidden from assistive technology and always stands beside a word.
Stroke and fill come from the kit's .icon class, so a page of icons stays light.
"""

from functools import lru_cache
from xml.etree import ElementTree as ET

import lucide
from django.utils.safestring import SafeString, mark_safe

# Shapes that point somewhere turn round in right-to-left languages.
_POINTING = frozenset({"arrow-left", "arrow-right", "chevron-left", "chevron-right", "log-out", "send", "undo-2"})

_SIZE, _SMALL = 20, 16


@lru_cache(maxsize=512)
def draw_icon(name: str, *, small: bool = False, extra_class: str = "") -> SafeString:
    """Inline SVG of the Lucide icon `name`, 20 px (16 px when small).

    Raises lucide.IconDoesNotExist for a name the package does not have.
    """
    classes = ["icon", *(["small"] if small else []), *(["mirrors"] if name in _POINTING else [])]
    if extra_class and extra_class not in classes:
        classes.append(extra_class)
    size = _SMALL if small else _SIZE
    shapes = "".join(
        ET.tostring(shape, encoding="unicode").strip().replace(" />", "/>")
        for shape in lucide._load_icon(name)  # noqa: SLF001 - the package offers icons only through its own tags
    )
    head = f'<svg class="{" ".join(classes)}" width="{size}" height="{size}" viewBox="0 0 24 24" aria-hidden="true">'
    return mark_safe(f"{head}{shapes}</svg>")  # noqa: S308 - no part comes from outside

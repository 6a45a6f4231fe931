"""Pictures for tests."""

from portal.demo.drawing import draw_banner


def make_png(width: int = 300, height: int = 250) -> bytes:
    """A real PNG of this size."""
    return draw_banner(width, height, (180, 210, 240), (60, 120, 90))

"""The yardstick: the same server with an application that only answers 302."""

from typing import Any

_HEADERS = [("location", "https://shop1.example/landing?click_id=clk_01m83hf96zfanvhqb8q2cnwwjg")]


async def app(scope: Any, proto: Any) -> None:
    """Redirects everybody."""
    proto.response_empty(302, _HEADERS)

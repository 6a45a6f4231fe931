"""With what a visitor came: kind of device, browser and operating system, read off the user agent.

The kind of device is read the same way by the click door's routing rules and in the reports, so that
what a rule did can be seen again. Browser and system come from ua-parser, after the answer.
"""

from functools import lru_cache
from typing import NamedTuple

import ua_parser

from tracking.agents import device_of

_LONGEST_NAME = 40


class Agent(NamedTuple):
    """What a user agent says of itself; empty texts where it says nothing."""

    device: str
    browser: str
    os: str


NOBODY = Agent("", "", "")


@lru_cache(maxsize=100_000)
def agent_of(user_agent: str) -> Agent:
    """Device, browser and system: `Agent("mobile", "Mobile Safari", "iOS")`."""
    if not user_agent:
        return NOBODY
    found = ua_parser.parse(user_agent)
    return Agent(
        device_of(user_agent),
        _short(found.user_agent.family if found.user_agent else ""),
        _short(found.os.family if found.os else ""),
    )


def _short(name: str) -> str:
    return name.replace("\0", "")[:_LONGEST_NAME]

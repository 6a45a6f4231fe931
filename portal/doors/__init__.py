"""Every door through which orders come, so that each has said how its kept requests are handled again."""

from portal.api import postback
from portal.api import replays as api
from portal.intake import uploads

#: The modules that call portal.intake.replay.register.
DOORS = (api, postback, uploads)

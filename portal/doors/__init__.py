"""Every door through which orders come, so that each has said how its kept requests are handled again."""

from portal.api import postback
from portal.api import replays as api
from portal.hooks import shops
from portal.intake import uploads
from portal.tag import orders as tag

#: The modules that call portal.intake.replay.register.
DOORS = (api, postback, shops, tag, uploads)

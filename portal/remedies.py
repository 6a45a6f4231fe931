"""What a partner is told of a refused request, and what its merchant does about it, by reason code."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type Text = str | Promise

LOOK = _("The shop's report could not be read. It is kept; ask the merchant to look at its events.")
_ONCE = _("The shop reported this more than once. It is counted once.")
_NOT_YOURS = _("This is between the shop and the network. Nothing that you earned is touched.")
_TAKEN_IN = _("The shop's report was taken in. Nothing is lost.")
_OURS = _("The shop's report came and is kept. It is handled again as soon as the fault is mended.")

#: What a partner reads, where it is not that the shop's report could not be read.
FOR_PARTNERS: dict[str, Text] = {
    **dict.fromkeys(("same_request", "refund_told_twice", "same_file", "doubled_in_file", "replay_settled"), _ONCE),
    **dict.fromkeys(
        (
            "replay_not_offered", "replay_cut", "replay_without_owner", "replay_refused", "replay_nothing", "replay_too_much",
            "column_missing", "column_doubled", "upload_not_in_state", "code_taken", "code_reserved", "link_quota_reached", "deep_links_off",
            "routing_invalid", "routing_url", "routing_too_many", "utm_invalid", "destination_refused", "cursor_invalid",
            "not_found", "not_allowed", "not_in_state", "refund_empty", "refund_conflict", "refund_too_large", "method_not_allowed",
            "idempotency_key_reused", "idempotency_key_in_use", "idempotency_key_invalid",
        ),
        _NOT_YOURS,
    ),
    **dict.fromkeys(("being_read", "replay_early", "amended", "event_not_used", "same_event", "waits_for_order", "shop_paused", "shop_ping"),
        _TAKEN_IN,
    ),
    **dict.fromkeys(("internal_error", "interrupted", "unavailable"), _OURS),
    "order_conflict": _("The shop reported this order again with another content. The first report counts."),
    "order_unknown": _("The shop took back an order that it had never reported."),
}  # fmt: skip

MEND = _(
    "Show this page to whoever looks after the shop's connection. Once it is mended there, handle the request again."
)
_AGAIN = _("Send it again: an order is counted once, however often it comes.")
_NOTHING = _("Nothing is to be done.")
MEND_FILE = _("Mend the file and upload it again. Rows that were recorded are not counted twice.")
_USE_KEY = _("Make a key under Keys and put it into the shop's connection, then send it again.")
LOOK_AT_ORDER = _("Look at the order under Conversions: it shows what was reported and what is left of it.")

#: What a merchant does about it, where it is not to have the connection mended.
REMEDIES: dict[str, Text] = {
    **dict.fromkeys(
        ("same_request", "refund_told_twice", "same_file", "doubled_in_file", "being_read", "replay_settled", "amended", "refund_empty",
         "event_not_used", "same_event", "waits_for_order", "shop_ping"), _NOTHING
    ),
    **dict.fromkeys(
        ("interrupted", "internal_error", "unavailable", "body_broke_off", "idempotency_key_in_use", "replay_not_offered",
         "replay_cut", "replay_refused", "replay_early"), _AGAIN
    ),
    **dict.fromkeys(("key_missing", "key_unknown", "key_kind_wrong", "replay_without_owner", "signature_wrong"), _USE_KEY),
    **dict.fromkeys(
        ("file_empty", "file_malformed", "file_kind_unknown", "file_not_in_encoding", "file_locked", "file_too_large",
         "file_too_long", "file_too_wide", "status_unknown", "column_missing", "column_doubled"), MEND_FILE
    ),
    **dict.fromkeys(("order_conflict", "refund_too_large", "refund_conflict", "upload_not_in_state"), LOOK_AT_ORDER),
    "order_unknown": _("Report the order first, then handle this request again."),
    **dict.fromkeys(("replay_nothing", "replay_too_much"), _("Change the filter of the list.")),
}  # fmt: skip

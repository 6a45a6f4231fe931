"""The closed list of reason codes, each worded for its three readers; docs/reasons.md prints it.

A partner and a merchant read their sentence in their language; a developer reads English, the
language of the API. Nothing is decided here: verbs give codes, this gives words.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from portal.attribution_words import CODES, TOUCHES
from portal.remedies import FOR_PARTNERS, LOOK, MEND, REMEDIES, Text


@dataclass(frozen=True, slots=True)
class Reason:
    """One code in words. `field` names the field of the API that mends it, where there is one."""

    title: Text
    partner: Text
    merchant: Text
    developer: str
    field: str = ""
    #: What the merchant does about it, for the reasons of requests.
    remedy: Text = ""


#: What became of an order, and of each touch that could have won it.
ORDERS: dict[str, Reason] = {
    "last_click": Reason(
        _("Last click"),
        _("Your click was the last one before the order."),
        _("This click was the last one that counts before the order, so it wins."),
        "The touch that won.",
    ),
    "older_than_the_last": Reason(
        _("Older click"),
        _("A later click came before the order. The last click wins."),
        _("A later click came before the order. The last click wins."),
        "The touch counts, and a later one does too.",
    ),
    "no_click": Reason(
        _("No click"),
        _("The shop reported this order without a click."),
        _("The order came without a click id, so it belongs to no partner."),
        "Send click_id: the parameter of that name in the address of the visitor's first page.",
        "click_id",
    ),
    "click_unknown": Reason(
        _("Unknown click"),
        _("The click that the shop reported was never seen here."),
        _("No click with this id was ever seen, so the order belongs to no partner."),
        "No click has this id. Send the click_id parameter of the visitor's first page, unchanged.",
        "click_id",
    ),
    "click_pending": Reason(
        _("Click on its way"),
        _("The click has not been stored yet. This is decided within minutes."),
        _("The click is fresh and not stored yet. The order is decided as soon as it is, within 15 minutes."),
        "Nothing to do: the order is held until its click has been stored. Ask for it again with GET.",
    ),
    "click_of_another_merchant": Reason(
        _("Another merchant's click"),
        _("The click led to another merchant's shop."),
        _("The click belongs to another merchant's program."),
        "The click is one of another merchant. Use the key of the merchant whose link was followed.",
        "click_id",
    ),
    "click_after_order": Reason(
        _("Click after the order"),
        _("The click came after the order."),
        _("The click came after the order, so it cannot have led to it."),
        "occurred_at lies before the click by more than five minutes. Check the time zone you send.",
        "occurred_at",
    ),
    "no_terms_in_force": Reason(
        _("Before the first terms"),
        _("The click came before the program's terms began."),
        _("The program had no terms yet when the click came."),
        "The click is older than the program's first terms.",
    ),
    "outside_window": Reason(
        _("Outside the window"),
        _("The order came later after the click than the program's window allows."),
        _("The order came later after the click than your program's window allows."),
        "The order is later than the window of the terms that were in force at the click.",
        "click_id",
    ),
    "click_not_counted": Reason(
        _("Click not counted"),
        _(
            "The click was recorded but does not count: it came from a program, not from a person, or while the place was closed."
        ),
        _(
            "The click was recorded but does not count: it came from a program, not from a person, or while the place was closed."
        ),
        "GET /api/v1/clicks/{id} says why the click does not count.",
        "click_id",
    ),
    "not_enrolled": Reason(
        _("No place in the program"),
        _("You had no approved place in the program."),
        _("The partner had no approved place in the program."),
        "The click's partner has no approved place in the program.",
    ),
    "no_rule_fits": Reason(
        _("No rule fits"),
        _("The program pays nothing for this kind of order."),
        _("No line of the rules in force fits this order, so it earns nothing. Publish a line for its event."),
        "No rule line is for this event. Check event, or publish a rule for it.",
        "event",
    ),
    "claim_accepted": Reason(
        _("Claim accepted"),
        _("The order was given to you because your claim was accepted."),
        _("The order was given to the partner because its claim was accepted."),
        "Given by hand: a claim about the order was accepted, by a person or by silence.",
    ),
    "rate_is_zero": Reason(
        _("Rate of zero"),
        _("The rule pays nothing for this order."),
        _("The rule that fits pays nothing for this order."),
        "The amount earned is zero: the order's amount or the rate is.",
    ),
    "currency_mismatch": Reason(
        _("Another currency"),
        _("The order was reported in another currency than the program pays in."),
        _("The order is in another currency than the program. Report it in the program's currency."),
        "Send amounts in the program's currency.",
        "currency",
    ),
    "same_order": Reason(
        _("Counted before"),
        _("The shop reported this order twice. It is counted once."),
        _("The order came before with the same content. It is counted once."),
        "The order is known with the same content; nothing was changed.",
    ),
    "browser_unconfirmed": Reason(
        _("Waiting for the shop"),
        _("The shopper's browser reported this order. It counts as soon as the shop's own system confirms it."),
        _("Only the shopper's browser reported this order. It waits for your server, by API, postback or webhook."),
        "Report the same order_id from your server, or let orders from the tag count at once in Setup.",
    ),
    "reported_again": Reason(
        _("Reported another way too"),
        _("The shop reported this order in two ways. It counts once."),
        _("The order was reported another way too; what only that report knew was added."),
        "Another door reported the order with the same amount; what was missing was filled in.",
    ),
    "servers_word": Reason(
        _("Confirmed by the shop"),
        _("The shop's own system confirmed this order."),
        _("Your server confirmed what the shopper's browser had reported."),
        "The server's report of an order from the tag; its content stands.",
    ),
    "shop_event": Reason(
        _("Changed in the shop"),
        _("The order changed in the shop."),
        _("The order changed in your shop, and its events said so."),
        "The shop's events describe the order with this content.",
    ),
    "order_amended": Reason(
        _("Order amended"),
        _("The order was amended, and its refunds were worked out again."),
        _("The order was amended, and its refunds were worked out again."),
        "The refund is void: the order was amended below it and it was worked out again.",
    ),
    "refund_undone": Reason(
        _("Refund undone"),
        _("A refund failed or was taken back, so it counts no more."),
        _("The refund failed or was taken back, so it counts no more."),
        "The refund is void: the shop says that less went back.",
    ),
    "dispute_won": Reason(
        _("Dispute won"),
        _("The dispute over the order was won, so what it had taken came back."),
        _("The dispute over the order was won, so what it had taken came back."),
        "The refund is void: its dispute was won.",
    ),
    "not_decided_yet": Reason(
        _("Being decided"),
        _("This order is being decided at this moment."),
        _("This order is being decided at this moment."),
        "Ask again in a second.",
    ),
}

ORDERS |= {code: Reason(*words) for code, words in TOUCHES.items()}

#: Why a click is recorded and does not count.
CLICKS: dict[str, Reason] = {
    code: Reason(title, text, text, developer)
    for code, title, text, developer in (
        ("bot", _("Program"), _("The visitor was a program, by its own name."), "The User-Agent names a bot."),
        (
            "prefetch",
            _("Preloaded"),
            _("The browser loaded the page ahead, without anybody looking."),
            "A prefetch or preview.",
        ),
        ("head_request", _("Head request"), _("Only the head of the page was asked for."), "A HEAD request."),
        (
            "not_a_page",
            _("Not a page"),
            _("The address was loaded as a part of another page."),
            "Sec-Fetch-Dest is not a document.",
        ),
        ("no_user_agent", _("No browser"), _("The visitor did not say what browser it is."), "There is no User-Agent."),
        (
            "flood",
            _("Too many clicks"),
            _("The same visitor clicked too often within a minute."),
            "Over the flood limit.",
        ),
        (
            "activity",
            _("Too much activity"),
            _("One address followed more links within an hour than a person does."),
            "Over CLICK_ACTIVITY_LIMIT for one address and User-Agent in an hour.",
        ),
        (
            "crawler",
            _("Known crawler"),
            _("The visitor is on the open list of crawlers."),
            "The User-Agent is on the crawler list.",
        ),
        (
            "impossible_agent",
            _("Impossible browser"),
            _("The visitor called itself a browser that cannot exist."),
            "No browser sends this User-Agent: a bare name, two systems at once, or forged signs.",
        ),
        (
            "no_language",
            _("No browser"),
            _("The visitor was no browser and said no language."),
            "No Accept-Language, and the User-Agent is not a browser's.",
        ),
        (
            "datacenter",
            _("Data centre"),
            _("The visitor came from a data centre, where nobody shops."),
            "The address is in DATACENTERS_PATH.",
        ),
        (
            "blocked",
            _("Blocked by a rule"),
            _("A rule of the link or its program blocks visitors like this one."),
            "A routing rule said block.",
        ),
        ("program_draft", _("Program not open"), _("The program was not open yet."), "The program was a draft."),
        ("program_paused", _("Program paused"), _("The program was paused."), "The program was paused."),
        ("program_closed", _("Program closed"), _("The program was closed."), "The program was closed."),
        (
            "enrolment_applied",
            _("Application waiting"),
            _("The place in the program was not approved yet."),
            "The place was applied for.",
        ),
        (
            "enrolment_declined",
            _("Application declined"),
            _("The application for the program was declined."),
            "The place was declined.",
        ),
        (
            "enrolment_suspended",
            _("Place suspended"),
            _("The place in the program was suspended."),
            "The place was suspended.",
        ),
        ("enrolment_left", _("Program left"), _("The partner had left the program."), "The partner had left."),
        ("affiliate_closed", _("Membership closed"), _("The membership is closed."), "The affiliate is closed."),
    )
}

#: Why a request was refused or set aside: the sender mends it.
REQUESTS: dict[str, Reason] = {
    code: Reason(title, FOR_PARTNERS.get(code, LOOK), merchant, developer, field, REMEDIES.get(code, MEND))
    for code, title, merchant, developer, field in (
        ("body_empty", _("Empty body"), _("The request had no content."), "Send a JSON object.", "body"),
        ("body_malformed", _("Not JSON"), _("The content is no JSON and cannot be read."), "Send JSON, for example made by a JSON library and not by hand.", "body"),
        ("body_not_utf8", _("Not UTF-8"), _("The content is not encoded as UTF-8."), "Encode the body as UTF-8.", "body"),
        ("body_no_object", _("Not an object"), _("The content is JSON, but not an order."), "Send one JSON object: {…}.", "body"),
        ("body_too_deep", _("Nested too deeply"), _("The content is nested too deeply to be an order."), "Send flat fields.", "body"),
        ("body_broke_off", _("Broken off"), _("The connection ended before all of it had arrived."), "Send it again.", "body"),
        ("body_too_large", _("Too large"), _("The request was larger than 1 MB."), "Send at most 1 MB and 1,000 orders at once.", "body"),
        ("number_not_finite", _("Not a number"), _("The content holds NaN or Infinity, which are no amounts."), "JSON has no NaN or Infinity. Send amounts as text.", "body"),
        ("field_doubled", _("Field twice"), _("A field stands twice in the order."), "Send every field once.", ""),
        ("field_missing", _("Field missing"), _("A field that must be there is missing."), "Send the field named in `field`.", ""),
        ("field_invalid", _("Field unreadable"), _("A field cannot be read."), "Send the field named in `field` as `detail` says.", ""),
        ("field_too_long", _("Field too long"), _("A field is longer than it may be."), "Shorten the field named in `field`; nothing is ever cut off silently.", ""),
        ("amount_unreadable", _("Amount unreadable"), _("An amount cannot be read."), "Send amounts as decimal text in major units with the currency's own digits, such as \"80.00\": no number, sign, exponent or NaN.", "amount"),
        ("currency_unknown", _("Unknown currency"), _("The currency is not one that exists."), "Send an ISO 4217 code such as USD.", "currency"),
        ("instant_naive", _("No time zone"), _("The order's time has no time zone."), "End occurred_at with Z or an offset.", "occurred_at"),
        ("instant_in_future", _("In the future"), _("The order's time lies in the future."), "Send the time of the order; five minutes ahead are let pass.", "occurred_at"),
        ("instant_too_old", _("Too old"), _("The order is more than 400 days old."), "Import old orders instead of reporting them.", "occurred_at"),
        ("click_id_malformed", _("Not a click id"), _("What was sent as the click's id is none."), "Send the click_id parameter of the visitor's first page, unchanged.", "click_id"),
        ("macro_not_filled", _("Placeholder not filled in"), _("The sending system left a placeholder such as {clickid} in a parameter."), "Replace the placeholder by one the sending system knows; `detail` names it. The macro translator in Setup says which.", ""),
        ("merchant_unknown", _("Unknown merchant"), _("The tag names a merchant that does not exist."), "Send the data-merchant of the snippet in Setup, unchanged.", "merchant"),
        ("origin_missing", _("Page not known"), _("The browser did not say which page the order comes from."), "Send Referrer-Policy: strict-origin-when-cross-origin from the shop, or report the order from its server.", "Origin"),
        ("origin_not_allowed", _("Page of another site"), _("The order came from a page that is not on one of the program's hosts."), "Add the host to the program, or report the order from the shop's server.", "Origin"),
        ("key_missing", _("No key"), _("The request came without a key."), "Send Authorization: Bearer sk_live_…", "Authorization"),
        ("key_unknown", _("Unknown key"), _("The key is not known, or was revoked."), "Use a key from the merchant's Keys page.", "Authorization"),
        ("key_kind_wrong", _("Key of another kind"), _("The key is of another kind than this call needs."), "Merchants use sk_live_… and sk_test_…, partners pk_….", "Authorization"),
        ("signature_wrong", _("Signature does not fit"), _("The postback's signature does not fit, or its time is over."), "Sign ts.click_id.order_id.amount.currency with HMAC-SHA256 and the key's signing secret, at the time of sending.", "sig"),
        ("order_conflict", _("Another content"), _("The order came before with other content. Nothing was changed."), "Send a refund to take money back, or another order_id for another order.", "order_id"),
        ("order_unknown", _("Unknown order"), _("A status came for an order that was never reported."), "Report the order first.", "order_id"),
        ("refund_too_large", _("Refund too large"), _("The refund is more than what is left of the order."), "Refund at most what is left.", "amount"),
        ("refund_conflict", _("Reference used"), _("The refund's reference was used for another amount."), "Use a reference of its own for each refund.", "reference"),
        ("refund_empty", _("Nothing to refund"), _("There is nothing left to refund."), "The order has been refunded in full.", "amount"),
        ("refund_told_twice", _("Refund told twice"), _("Another way had told of a refund of this amount. It counts once; the order's page says how to make two of them."), "A refund of the same amount had been told by another way: `told_twice` names it. POST /api/v1/conversions/{id}/refunds/apart if the two are two.", "reference"),
        ("same_request", _("Sent twice"), _("The same request came again under its Idempotency-Key and was answered as before."), "The first answer was given again.", "Idempotency-Key"),
        ("idempotency_key_reused", _("Idempotency key used"), _("The Idempotency-Key was used for another request."), "Use a fresh Idempotency-Key for each request.", "Idempotency-Key"),
        ("idempotency_key_in_use", _("Still being handled"), _("The same request was still being handled."), "Send it again in a second.", "Idempotency-Key"),
        ("idempotency_key_invalid", _("Idempotency key unreadable"), _("The Idempotency-Key is longer than 255 characters or not plain."), "Send 1 to 255 printable ASCII characters.", "Idempotency-Key"),
        ("batch_too_long", _("Too many orders"), _("More than 1,000 orders came at once."), "Send at most 1,000 orders a call.", "conversions"),
        ("method_not_allowed", _("Method not allowed"), _("The address takes no requests of this kind."), "See the Allow header.", ""),
        ("not_found", _("Not found"), _("There is no such thing, or it is another merchant's."), "Check the id, and that the key belongs to its owner.", ""),
        ("not_allowed", _("Not allowed"), _("The role does not allow this."), "Use a key of the owner.", ""),
        ("not_in_state", _("In another state"), _("The step does not follow from the state."), "Read the object again.", ""),
        ("code_taken", _("Code taken"), _("The short code is in use."), "Choose another code, or leave it out.", "code"),
        ("code_reserved", _("Code reserved"), _("The short code is a word of our own."), "Choose another code, or leave it out.", "code"),
        ("link_quota_reached", _("Enough links"), _("The partner has as many links in the program as there may be."), "Tell channels apart with sub1 to sub10 instead of more links.", ""),
        ("deep_links_off", _("Page not offered"), _("The merchant has chosen the pages that links may lead to."), "Send one of the program's pages, or leave destination out.", "destination"),
        ("routing_invalid", _("Rule unreadable"), _("A routing rule cannot be read."), "The field is the path of what is wrong, such as routing.2.when.country; the detail says what to send.", "routing"),
        ("routing_url", _("Rule's page refused"), _("A routing rule leads to a page outside the program."), "Send an https:// address on one of the program's hosts.", "routing"),
        ("routing_too_many", _("Too many rules"), _("There are more than 50 routing rules."), "Send at most 50 rules.", "routing"),
        ("utm_invalid", _("Parameter unreadable"), _("A UTM parameter cannot be kept."), "The field names it; the detail says what to send.", "utm"),
        ("destination_refused", _("Page outside the program"), _("The page is not on one of the program's sites."), "Send an https:// address on one of the program's hosts.", "destination"),
        ("cursor_invalid", _("Cursor unreadable"), _("A list was continued with something that is no cursor."), "Send `next` of the page before, unchanged.", "cursor"),
        ("being_read", _("Being read"), _("The request was received and is being read at this moment."), "Wait a moment. After five minutes it is handled again by itself.", ""),
        ("interrupted", _("Interrupted"), _("A process stopped before the request was read, and nobody knows whose it is. Send it again; it is counted once."), "Send it again; doing so is safe.", ""),
        ("amendment_refused", _("Cannot be amended"), _("The order cannot be changed so."), "The order cannot be given this content.", ""),
        ("amount_below_refunded", _("Below what was refunded"), _("More of the order was refunded than its new amount."), "Send an amount of at least what was refunded.", "amount"),
        ("attribution_settled", _("Decided already"), _("Whose the order is was decided already, so its click and coupon stay."), "Leave click_id and coupon out.", "click_id"),
        ("item_unknown", _("Unknown item"), _("The order has no such item with an amount."), "Send a sku of the order's items, or an amount instead of items.", "items"),
        ("item_not_left", _("No more of the item"), _("There are not so many pieces of the item left to refund."), "Refund at most the pieces that are left.", "items"),
        ("shop_signature_wrong", _("Signature does not fit"), _("The event is not signed with the shop's secret. Somebody else sent it, or the secret was changed."), "Sign the raw body with the shop's secret; see Integrations.", ""),
        ("shop_event_old", _("Signed too long ago"), _("The event was signed more than five minutes before or after it came, so it may be an old one played again."), "Send the event again from the shop.", ""),
        ("shop_event_unreadable", _("No event"), _("The content is signed, and is no event."), "Send the shop's event unchanged.", "body"),
        ("event_not_used", _("Not needed"), _("Events of this kind say nothing about an order, so nothing was done."), "Untick this event in the shop, or leave it.", ""),
        ("same_event", _("Event known"), _("The shop sent this event before. It counts once."), "The event is known by its id; nothing was changed.", ""),
        ("waits_for_order", _("Waits for its order"), _("The event was kept. Its order is not paid yet, or has not been told of; then it counts."), "Nothing to do: the order's own event brings it in.", ""),
        ("shop_paused", _("Shop paused"), _("The shop is paused: the event was kept and is booked when you resume it."), "Resume the shop in Integrations.", ""),
        ("shop_ping", _("Greeting"), _("The shop greeted the address. Nothing was to be done."), "WooCommerce's ping.", ""),
        ("replay_settled", _("Counted already"), _("The request was counted already, so there is nothing to handle again."), "Only rejected requests and those set aside are handled again.", ""),
        ("replay_early", _("Being read still"), _("The request is being read at this moment. Try again in five minutes."), "Try again in five minutes.", ""),
        ("replay_not_offered", _("Not handled again"), _("Requests of this kind are not handled again. Send it again instead."), "Send the request again.", ""),
        ("replay_cut", _("Not kept whole"), _("The request was too large to be kept whole, or did not arrive whole. Send it again."), "Send the request again, in smaller parts.", "body"),
        ("replay_without_owner", _("Nobody's request"), _("The request came without a key that fits, so nobody knows whose it is."), "Send the request again with a key.", "Authorization"),
        ("replay_refused", _("Not handled again"), _("The request cannot be handled again."), "Send the request again.", ""),
        ("replay_nothing", _("Nothing to handle again"), _("Nothing that fits the filter was rejected or set aside."), "Change the filter.", ""),
        ("replay_too_much", _("Too much at once"), _("More than 10,000 requests fit the filter. Narrow it, for example to a day."), "Narrow the filter to at most 10,000 requests.", ""),
        ("file_empty", _("Empty file"), _("The file has no rows. Export it again."), "Send a file with a heading row and orders below it.", "file"),
        ("file_malformed", _("File unreadable"), _("The file cannot be read as a table. A quotation mark that is never closed is the commonest cause."), "Write CSV with a CSV library (RFC 4180), or XLSX.", "file"),
        ("file_kind_unknown", _("Not a table"), _("The file is neither CSV nor XLSX."), "Send CSV or XLSX.", "file"),
        ("file_not_in_encoding", _("Another encoding"), _("The file is not written in the encoding that was chosen. Choose another one."), "Send UTF-8, or choose the file's encoding.", "encoding"),
        ("file_locked", _("Password"), _("The file has a password. Save it without one."), "Save the file without a password.", "file"),
        ("file_too_large", _("File too large"), _("The file is larger than 16 MB. Send it in parts."), "Send at most 16 MB.", "file"),
        ("file_too_long", _("Too many rows"), _("The file has more than 50,000 rows. Send it in parts."), "Send at most 50,000 rows.", "file"),
        ("file_too_wide", _("Too many columns"), _("The file has more than 200 columns."), "Send at most 200 columns.", "file"),
        ("same_file", _("Same file"), _("The same file was sent before. It is shown instead; no order counts twice."), "The bytes are those of an earlier upload.", "file"),
        ("doubled_in_file", _("Twice in the file"), _("The order stands twice in the file. It is counted once."), "The order stood in an earlier row of the file.", "order_id"),
        ("status_unknown", _("Unknown status"), _("The order's status is a word nobody knows here. Use paid, refunded, cancelled, chargeback or amended."), "Send one of the documented statuses.", "status"),
        ("amended", _("Amended"), _("The order's content was corrected."), "The order's content was corrected; what it earns follows.", ""),
        ("column_missing", _("Column missing"), _("No column of the file is the order number, or none is the amount."), "Name the column of the order number and of the amount.", ""),
        ("column_doubled", _("Column twice"), _("Two columns are said to be the same field."), "Name one column for each field.", ""),
        ("upload_not_in_state", _("Moved on"), _("The file has moved on already. Look at it again."), "Read the upload again.", ""),
        ("internal_error", _("Our fault"), _("Something went wrong on our side. The request is kept."), "Send it again; doing so is safe.", ""),
        ("unavailable", _("Not available"), _("The network could not take requests."), "Send it again in a few seconds.", ""),
    )
}  # fmt: skip

REQUESTS |= {code: Reason(*words) for code, words in CODES.items()}

#: Why money of an order went back to its customer; what a merchant may say when it refunds.
REFUNDS: dict[str, Reason] = {
    code: Reason(title, partner, title, developer)
    for code, title, partner, developer in (
        ("item_returned", _("Goods returned"), _("The customer sent the goods back."), "The goods came back."),
        ("cancelled", _("Order cancelled"), _("The order was cancelled."), "The order was cancelled."),
        ("out_of_stock", _("Out of stock"), _("The shop could not deliver."), "The shop could not deliver."),
        ("payment_failed", _("Payment failed"), _("The customer's payment failed."), "The payment failed."),
        (
            "chargeback",
            _("Chargeback"),
            _("The customer's bank took the payment back."),
            "The bank took the payment back.",
        ),
        ("duplicate", _("Counted twice"), _("The order had been counted twice."), "The order had been counted twice."),
        ("fraud", _("Fraud"), _("The payment was fraudulent."), "The payment was fraudulent."),
        (
            "terms_breach",
            _("Breach of terms"),
            _("The sale broke the program's terms."),
            "The sale broke the program's terms.",
        ),
        ("other", _("Another reason"), _("The merchant gave another reason."), "Anything else."),
    )
}

#: Where an amount stands, and why it does not move.
AMOUNTS: dict[str, Reason] = {
    code: Reason(title, partner, merchant, developer)
    for code, title, partner, merchant, developer in (
        ("order_refunded", _("Order refunded"), _("The order was refunded, so it earns nothing."), _("The order was refunded, so you owe nothing for it."), "The order was refunded in full."),
        ("order_disputed", _("Order disputed"), _("The customer disputes the payment with the bank. The amount waits for the end of the dispute: it comes back when the shop wins."), _("The customer disputes the payment with the bank. The commission waits until the dispute is won or lost."), "A dispute over the order is open."),
        ("fraud_suspected", _("Being checked"), _("Something about this order looks unusual and is being checked. The amount is kept back until the promised date at the latest; you can say how it came about."), _("A finding about this order stands. The commission waits until it is answered, and is let go when nobody answers in time."), "A finding about the order stands; the commission is held until it is answered."),
        ("fraud_confirmed", _("Confirmed as fraud"), _("The network confirmed that this order did not come about as the program's terms allow, so it earns nothing."), _("The network confirmed a finding about this order, so you owe nothing for it."), "A finding about the order was confirmed by the network."),
        ("affiliate_frozen", _("Membership frozen"), _("Your membership is frozen: you keep earning and are not paid until it is open again."), _("The partner's membership is frozen. Amounts wait."), "The affiliate is frozen."),
        ("no_payout_method", _("No payout account"), _("Add a payout account, then you are paid with the next run."), _("The partner has no payout account yet."), "No payout method."),
        ("payout_method_pending", _("Account being checked"), _("Your payout account is being checked."), _("The partner's payout account is being checked."), "The payout method is pending."),
        ("payout_method_restricted", _("Account needs attention"), _("Stripe needs something of you before your account can be paid."), _("The partner's payout account cannot be paid at the moment."), "The payout method is restricted."),
        ("payout_method_too_new", _("Account is new"), _("A new payout account waits some days before money goes there, for your safety."), _("The partner's payout account is new and waits some days."), "The payout method may not be used yet."),
        ("below_minimum", _("Below the minimum"), _("The amount is below the smallest payout and waits for more."), _("The amount is below the smallest payout."), "Below the smallest payout."),
        ("books_disagree", _("Books disagree"), _("Your account is being checked by finance."), _("The partner's account is being checked by finance."), "The book and the commissions disagree; a person must look."),
        ("excluded", _("Taken out of the run"), _("Finance took your payout out of this run; it waits for the next."), _("Finance took the payout out of this run."), "Excluded from the run."),
        ("run_cancelled", _("Run called off"), _("The payout run was called off; the amount waits for the next."), _("The payout run was called off."), "The run was cancelled."),
        ("payout_blocked", _("Payout stopped"), _("The payout was stopped; finance looks at it."), _("The payout was stopped."), "The payout is blocked."),
        ("payee_not_payable", _("Account cannot be paid"), _("Your payout account could not be paid. Look at your payout settings."), _("The partner's account could not be paid."), "The payee may not be paid now."),
        ("destination_changed", _("Account changed"), _("Your payout account was changed after the run was prepared; the amount waits for the next run."), _("The partner's account was changed after the run was prepared."), "The destination differs from the one that was approved."),
        ("transfer_reversed", _("Transfer came back"), _("The transfer came back; the amount is owed to you again."), _("The transfer came back."), "The transfer was reversed."),
        ("balance_insufficient", _("Waiting for funds"), _("The network waits for funds; nothing is lost."), _("The network waits for funds."), "The balance at Stripe is too small."),
    )
}  # fmt: skip

REASONS: dict[str, Reason] = {**REQUESTS, **ORDERS, **CLICKS, **REFUNDS, **AMOUNTS}

#: The groups in the order in which they are printed.
GROUPS: tuple[tuple[Text, dict[str, Reason]], ...] = (
    (_("What became of an order"), ORDERS),
    (_("Why a request was refused"), REQUESTS),
    (_("Why a click does not count"), CLICKS),
    (_("Why an order was refunded"), REFUNDS),
    (_("Why an amount waits"), AMOUNTS),
)


def reason_of(code: str) -> Reason:
    """The reason of a code; an unknown code stands for itself. A destination's many codes have one wording."""
    known = REASONS.get(code)
    if known is None and code.startswith("destination_"):
        known = REASONS["destination_refused"]
    shown = code.replace("_", " ").capitalize()
    return known or Reason(shown, shown, shown, shown)

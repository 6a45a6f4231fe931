"""Why a feed or a row of it was refused, in words: what it is called, and what to do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

#: (short name, remedy) by code: of rows first, then of whole feeds and of their addresses.
WORDS: dict[str, tuple[str | Promise, str | Promise]] = {
    "feed_field_missing": (_("Value missing"), _("Fill in the field for this product.")),
    "feed_field_invalid": (_("Value not understood"), _("Write the field as the template does.")),
    "feed_price_invalid": (_("Price not understood"), _("Write the amount and its currency, such as 12.99 EUR.")),
    "feed_currency_unknown": (_("Unknown currency"), _("Use a three-letter code such as EUR.")),
    "feed_page_not_allowed": (_("Page not allowed"), _("Give an https:// page on one of the program's hosts.")),
    "feed_sku_twice": (_("SKU twice"), _("Give each product its own SKU. The first row counts.")),
    "feed_row_unreadable": (_("Row not understood"), _("Give the row as many cells as the first line has.")),
    "feed_unreadable": (_("Not readable"), _("Send CSV, TSV, JSON, or XML as for Google Merchant Center.")),
    "feed_encoding": (_("Wrong encoding"), _("Save the file as UTF-8.")),
    "feed_columns": (_("Columns missing"), _("Name sku, title, price and link in the first line.")),
    "feed_doctype": (_("XML with a document type"), _("Leave the line <!DOCTYPE …> out.")),
    "feed_empty": (_("No product in it"), _("The products stay as they were. Look at what the address serves.")),
    "feed_too_long": (_("Too long"), _("Leave out what is not sold.")),
    "feed_answer": (_("Address without a file"), _("Open the address in a browser: it must answer with the file itself.")),
    "address_refused": (_("Address not called"), _("Use a public https:// address.")),
    "name_unknown": (_("Name not known"), _("Check the address's host name.")),
    "not_connected": (_("No connection"), _("Check that the server is up. It is tried again by itself.")),
    "timed_out": (_("Took too long"), _("Make the file smaller or serve it faster. It is tried again by itself.")),
    "certificate_refused": (_("Certificate refused"), _("Mend the server's certificate.")),
    "file_too_large": (_("File too large"), _("Leave out what is not sold.")),
}  # fmt: skip


def words_of(code: str) -> tuple[str | Promise, str | Promise]:
    """The short name and the remedy of a code."""
    return WORDS.get(code, WORDS["feed_unreadable"])

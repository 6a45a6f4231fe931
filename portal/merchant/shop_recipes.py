"""What to do in a shop so that it tells of its orders, step by step, with this merchant's own values."""

import json

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from tracking.shops import shopify_events, stripe_events, woocommerce_events

type Text = str | Promise

TOPICS: dict[str, tuple[str, ...]] = {
    "stripe": stripe_events.TOPICS,
    "shopify": shopify_events.TOPICS,
    "woocommerce": woocommerce_events.TOPICS,
}


def steps_of(kind: str) -> list[Text]:
    """The steps, in their order."""
    if kind == "stripe":
        return [
            _("In Stripe, open Developers → Webhooks and add an endpoint with the address on this page."),
            _("Choose the events listed on this page."),
            _("Reveal the endpoint's signing secret (whsec_…) and paste it here."),
            _(
                "Hand the click id to Checkout as the sample shows, for subscriptions in subscription_data.metadata too."
            ),
        ]
    if kind == "shopify":
        return [
            _("In Shopify, open Settings → Notifications → Webhooks."),
            _("Create a webhook in JSON for each of the events on this page, with the address on this page."),
            _(
                "Copy the secret that Shopify shows below the list (“your webhooks will be signed with …”) and paste it here."
            ),
            _(
                "Add the first sample to your theme before </body>: it keeps the click id with the cart, and the order brings it along."
            ),
            _(
                "If you cannot change the theme's checkout pages, add the web pixel under Settings → Customer events as well."
            ),
        ]
    return [
        _("In WordPress, open WooCommerce → Settings → Advanced → Webhooks and add a webhook for each of the events on this page."),
        _("As delivery URL take the address on this page; as secret the one that was shown when you connected the shop."),
        _("Set each webhook's status to active. WooCommerce greets the address, and the greeting appears among the events."),
        _("Keep “Order attribution” on in WooCommerce → Settings → Advanced → Features: it remembers the page with the click id."),
    ]  # fmt: skip


def samples_of(kind: str, merchant_slug: str) -> list[tuple[str, str]]:
    """Code to paste: (what it is, the code)."""
    if kind == "stripe":
        return [("Python · Checkout", _CHECKOUT)]
    if kind == "shopify":
        pixel = _PIXEL.replace("ADDRESS", f"{settings.BASE_URL}/t/order").replace("SLUG", json.dumps(merchant_slug))
        return [(_("Theme (theme.liquid)"), _CART), (_("Web pixel (Customer events)"), pixel)]
    return []


_CHECKOUT = """\
click = request.COOKIES.get("click_id", "")          # or the click_id parameter of the first page
stripe.checkout.Session.create(
    mode="payment",
    client_reference_id=click or None,
    metadata={"order_id": order.number, "click_id": click},
    # for mode="subscription": so that renewals know it too
    # subscription_data={"metadata": {"click_id": click}},
    ...
)"""

_CART = """\
<script>
  (function () {
    var id = new URLSearchParams(location.search).get("click_id");
    if (!id) return;
    fetch("/cart/update.js", {
      method: "POST",
      headers: {"Content-Type": "application/json"},
      body: JSON.stringify({attributes: {click_id: id}})
    });
  })();
</script>"""

_PIXEL = """\
analytics.subscribe("page_viewed", async (event) => {
  const id = new URL(event.context.document.location.href).searchParams.get("click_id");
  if (id) await browser.localStorage.setItem("click_id", id);
});
analytics.subscribe("checkout_completed", async (event) => {
  const order = event.data.checkout;
  fetch("ADDRESS", {
    method: "POST", keepalive: true, headers: {"Content-Type": "text/plain"},
    body: JSON.stringify({
      merchant: SLUG,
      order_id: String(order.order.id).split("/").pop(),
      amount: order.subtotalPrice.amount.toFixed(2),
      currency: order.currencyCode,
      click_id: (await browser.localStorage.getItem("click_id")) || ""
    })
  });
});"""

"""The reasons of attribution beyond last click, worded for partner, merchant and developer (portal/reasons.py)."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

type Text = str | Promise

#: Code: title, for partners, for merchants, for developers.
TOUCHES: dict[str, tuple[Text, Text, Text, str]] = {
    "first_click": (
        _("First click"),
        _("Your click was the first one before the order."),
        _("This click was the first one that counts before the order, so it wins."),
        "The touch that won by first click.",
    ),
    "linear": (
        _("Linear"),
        _("Every click before the order has the same part of it."),
        _("Every touch before the order has the same part of it."),
        "A part by the linear model: 1/n for each touch.",
    ),
    "position": (
        _("Position 40/20/40"),
        _("The first and the last click have 40% each, those between share 20%."),
        _("The first and the last touch have 40% each, those between share 20%."),
        "A part by the position model.",
    ),
    "time_decay": (
        _("Time decay"),
        _("The closer a click is to the order, the larger its part."),
        _("The closer a touch is to the order, the larger its part: half as much for every half-life before it."),
        "A part by the time decay model: 2^(-days/half-life), normalised.",
    ),
    "markov": (
        _("Markov"),
        _("Your part is what would be lost without you, by the program's paths of the months before."),
        _("The part is the partner's removal effect on the program's paths of the months before."),
        "A part by the Markov model's latest fit.",
    ),
    "shapley": (
        _("Shapley"),
        _("Every partner before the order has the same part of it."),
        _("Every partner on the path has the same part, however many touches each had."),
        "A part by the Shapley value: 1/partners.",
    ),
    "coupon": (
        _("Coupon"),
        _("The order was placed with your code."),
        _("The order was placed with the partner's code, and the program goes by codes."),
        "The code's partner wins under the coupon model.",
    ),
    "coupon_always": (
        _("Coupon"),
        _("The order was placed with your code."),
        _("The order was placed with the partner's code, which wins over clicks."),
        "The code's partner wins: its policy is always.",
    ),
    "coupon_involved": (
        _("Coupon and click"),
        _("The order was placed with your code, and the customer had followed your link."),
        _("The order was placed with the partner's code, and the partner has a click before it too."),
        "The code's partner wins: its policy is involved, and it has a touch.",
    ),
    "coupon_exclusive": (
        _("Exclusive code"),
        _("The order was placed with your exclusive code."),
        _("The order was placed with a code that is exclusive to the partner, so it always wins."),
        "The code is exclusive to its partner.",
    ),
    "lifetime": (
        _("Bound customer"),
        _("The customer's first order came by you, and the customer stays yours for the program's time."),
        _("The customer is bound to the partner of the first order."),
        "The customer is bound to this partner.",
    ),
    "newer_than_the_first": (
        _("Later click"),
        _("An earlier click came before yours. The first click wins."),
        _("An earlier click came before this one. The first click wins."),
        "The touch counts, and an earlier one does too.",
    ),
    "view_behind_click": (
        _("Seen, not followed"),
        _("Somebody followed a link. A click goes before a view."),
        _("A click goes before a view."),
        "A view loses to a click.",
    ),
    "lower_credit_class": (
        _("Lower credit class"),
        _("A partner of a higher credit class took part."),
        _("A partner of a higher credit class took part, and only the highest class shares."),
        "Another touch is of a higher credit class.",
    ),
    "soft_click": (
        _("Soft click"),
        _("Your clicks are soft in this program: they do not overwrite a click that came before."),
        _("The partner's clicks are soft: they do not overwrite another partner's counted click."),
        "A soft click after another partner's counted click.",
    ),
    "other_program": (
        _("Another program"),
        _("The order went to another program of the merchant."),
        _("The order went to another of your programs, whose click decides."),
        "The leading touch is one of another program.",
    ),
    "no_effect": (
        _("No effect"),
        _("By the program's model this click has no part in the order."),
        _("By the model's latest fit this touch has no part in the order."),
        "The model gives this touch the weight 0.",
    ),
    "view_window_closed": (
        _("Views do not count"),
        _("The program pays nothing for views."),
        _("Your program pays nothing for views: its window for views is 0 days."),
        "The window for views is 0.",
    ),
    "no_consent": (
        _("No consent"),
        _("The visitor did not agree to being recognised."),
        _("The visitor did not agree to being recognised, so this touch is not joined to the order."),
        "The touch was found by recognising the visitor, who did not consent.",
    ),
    "click_in_checkout": (
        _("Click during the checkout"),
        _("The customer was paying already when the click came."),
        _("The click came after the checkout had begun, and your program does not let such clicks win."),
        "The click is later than metadata.checkout_started_at.",
    ),
    "coupon_unassigned": (
        _("Code of nobody's"),
        _("The order was placed with a code that belongs to no partner."),
        _("The order's code belongs to no partner. Assign it to one, or keep it as a code of the shop."),
        "No coupon of the merchant's programs has this code.",
    ),
    "coupon_of_the_house": (
        _("Code of the shop"),
        _("The order was placed with a code of the shop itself."),
        _("The order's code is the shop's own: it decides nothing."),
        "The code has no partner.",
    ),
    "coupon_not_yet_valid": (
        _("Code not valid yet"),
        _("The code was not valid yet when the order came."),
        _("The code was not valid yet when the order came."),
        "occurred_at lies before the coupon's starts_at.",
    ),
    "coupon_expired": (
        _("Code expired"),
        _("The code was no longer valid when the order came."),
        _("The code was no longer valid when the order came."),
        "occurred_at lies after the coupon's ends_at.",
    ),
    "coupon_not_involved": (
        _("Code without a click"),
        _("The code only counts with a click on your links within the program's window."),
        _("The code only wins when its partner has a click too, and it had none within the window."),
        "The policy is involved, and the partner has no touch.",
    ),
    "coupon_needs_a_win": (
        _("Codes decide nothing"),
        _("In this program a code alone does not win an order."),
        _("Codes decide nothing in this program: the clicks do."),
        "The policy is winner.",
    ),
    "coupon_overrides": (
        _("A code won"),
        _("The order was placed with another partner's code."),
        _("The order was placed with a partner's code, which goes before clicks."),
        "A coupon took the order.",
    ),
    "coupon_blocks": (
        _("Order with a code of nobody's"),
        _("The order was placed with a code that belongs to no partner; the program pays nothing for such orders."),
        _("The order was placed with a code of nobody's, and your program pays nothing for such orders."),
        "The terms' unassigned_code is no_commission.",
    ),
    "another_coupon": (
        _("Another code won"),
        _("Another code of the same order goes before this one."),
        _("Another code of the same order goes before this one."),
        "Another coupon took the order.",
    ),
    "binding_ended": (
        _("Binding over"),
        _("The time for which the customer was bound to you is over."),
        _("The time for which the customer was bound to the partner is over."),
        "The customer binding had ended at the order.",
    ),
    "bound_to_another": (
        _("Customer of another partner"),
        _("The customer is bound to the partner who brought the first order."),
        _("The customer is bound to the partner who brought the first order."),
        "A customer binding took the order.",
    ),
    "another_binding": (
        _("Another binding"),
        _("The customer was bound to another partner before."),
        _("The customer was bound to another partner before."),
        "An older customer binding took the order.",
    ),
    "model_not_fitted": (
        _("Model not fitted yet"),
        _("The program's model has no past to learn from yet, so every click has the same part."),
        _("The Markov model has not been fitted yet; the order was shared by the linear model."),
        "There is no fit from before the order; linear was used.",
    ),
    "partner_not_fitted": (
        _("Partner not fitted yet"),
        _("The program's model does not know every partner of this order yet, so every click has the same part."),
        _("The latest fit does not know every partner of this order; it was shared by the linear model."),
        "The fit lacks a partner of the path; linear was used.",
    ),
}

_LOOK = _("The shop's report could not be read. It is kept; ask the merchant to look at its events.")

#: Why a code could not be made by API.
CODES: dict[str, tuple[Text, Text, Text, str, str]] = {
    "coupon_refused": (
        _("Code refused"),
        _LOOK,
        _("A code cannot be made like this."),
        "Read detail: the place, the policy or the dates do not fit.",
        "",
    ),
    "coupon_unreadable": (
        _("Code unreadable"),
        _LOOK,
        _("The code has signs that no code has."),
        "Send 1 to 64 letters, digits and _ . + % -, the first a letter or digit.",
        "code",
    ),
    "coupon_taken": (
        _("Code in use"),
        _LOOK,
        _("The program has this code already."),
        "Upper and lower case are the same. Choose another code.",
        "code",
    ),
}

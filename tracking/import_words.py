"""What columns and states are called in other systems' files of orders, and what they are to us.

Sources: the export and import formats of the field (AffiliateWP referrals, Tapfiliate conversions,
Rewardful sales, impact, Awin, CJ, Post Affiliate Pro, Shopify and WooCommerce orders), and the
plain words for them in German, Chinese and Japanese.
"""

import re
import unicodedata

#: The fields a column may be, as the API spells them; `new_amount` corrects an order, `keep` notes a column with the order.
FIELDS = (
    "order_id", "amount", "currency", "occurred_at", "status", "event", "click_id", "coupon", "customer.id",
    "customer.email", "customer.status", "customer.country", "tax", "shipping", "discount", "new_amount",
    "refund_amount", "refund_reference", "refund_reason", "test", "note", "keep",
)  # fmt: skip

_ALIASES: dict[str, tuple[str, ...]] = {
    "order_id": (
        "order_id", "order_ref", "order", "order_number", "order_no", "order_name", "external_id", "reference", "transaction_id",
        "transactionid", "transaction_ref", "oid", "adv_sub", "name", "invoice", "invoice_number", "stripe_charge_id", "charge_id",
        "bestellnummer", "auftragsnummer", "rechnungsnummer", "订单号", "订单编号", "訂單編號", "訂單號", "订单id", "注文番号", "注文id",
    ),
    "amount": (
        "amount", "order_amount", "sale_amount", "total", "order_total", "order_total_amount", "totalcost", "total_cost", "revenue",
        "value", "price", "subtotal", "order_subtotal_amount", "itemsubtotal", "sale_amount_cents", "betrag", "umsatz", "summe",
        "金额", "订单金额", "金額", "訂單金額", "实付金额", "合計", "合計金額", "注文金額",
    ),
    "new_amount": ("new_amount", "corrected_amount", "amended_amount", "neuer_betrag", "新金额", "修正金額"),
    "currency": ("currency", "currency_code", "curr", "order_currency", "waehrung", "währung", "币种", "货币", "幣別", "貨幣", "通貨"),
    "occurred_at": (
        "occurred_at", "created_at", "date", "order_date", "eventdate", "event_date", "event_time", "eventtime", "time", "datetime",
        "timestamp", "paid_at", "paid_date", "sale_date", "transaction_date", "conversion_date", "datum", "bestelldatum",
        "日期", "下单时间", "订单时间", "付款时间", "下單時間", "訂單時間", "日時", "注文日", "注文日時",
    ),
    "status": (
        "status", "state", "order_status", "financial_status", "commission_status", "sale_status", "conversion_status", "zustand",
        "状态", "订单状态", "狀態", "訂單狀態", "ステータス", "状態",
    ),
    "event": ("event", "event_type", "event_name", "goal", "action", "actioncode", "eventtypecode", "ereignis", "事件", "イベント"),
    "click_id": ("click_id", "clickid", "subid", "txid", "cid", "cks", "cjevent", "irclickid", "awc", "click", "klick_id", "点击id", "點擊id", "クリックid"),
    "coupon": (
        "coupon", "coupon_code", "voucher", "voucher_code", "vc", "promo_code", "discount_code", "orderpromocode", "gutschein",
        "gutscheincode", "优惠码", "优惠券", "優惠碼", "クーポン", "クーポンコード",
    ),
    "customer.id": ("customer_id", "customerid", "customer", "user_id", "buyer_id", "kundennummer", "客户编号", "会员id", "顧客id", "顧客番号"),
    "customer.email": ("customer_email", "customeremail", "email", "e-mail", "e_mail", "billing_email", "buyer_email", "邮箱", "電子郵件", "メールアドレス"),
    "customer.status": ("customer_status", "cust_status", "customerstatus", "new_or_returning", "kundenstatus", "客户状态"),
    "customer.country": ("customer_country", "country", "country_code", "billing_country", "land", "国家", "國家", "国"),
    "tax": ("tax", "taxes", "vat", "order_tax", "tax_amount", "steuer", "mwst", "税", "税额", "稅額", "消費税"),
    "shipping": ("shipping", "shipping_amount", "order_shipping_amount", "delivery", "versand", "versandkosten", "运费", "運費", "送料"),
    "discount": ("discount", "discount_amount", "cart_discount_amount", "rabatt", "折扣", "割引"),
    "refund_amount": ("refund_amount", "refunded", "refunded_amount", "order_refund_amount", "refund_amount_cents", "erstattung", "退款金额", "退款金額", "返金額"),
    "refund_reference": ("refund_reference", "refund_ref", "refund_id"),
    "refund_reason": ("refund_reason", "reason_code", "reason", "grund", "退款原因", "返金理由"),
    "test": ("test", "is_test", "testmode", "test_mode"),
    "note": ("note", "notes", "comment", "description", "notiz", "备注", "備註", "備考"),
}  # fmt: skip

#: What a status means: the order is reported, its money goes back (and why), or its amount is corrected.
_STATUSES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("", "approved", "accepted", "confirmed", "completed", "complete", "pending", "paid", "unpaid", "sale", "lead", "processing",
         "shipped", "fulfilled", "new", "open", "authorized", "1", "2", "bezahlt", "offen", "已付款", "已完成", "已支付", "待发货", "支払済", "完了"),
        ("report", ""),
    ),
    **dict.fromkeys(("refunded", "returned", "reversed", "refund", "return", "erstattet", "zurückgegeben", "已退款", "退款", "返品", "返金", "返金済"), ("refund", "item_returned")),
    **dict.fromkeys(("partially_refunded", "partial_refund", "部分退款", "一部返金"), ("refund", "item_returned")),
    **dict.fromkeys(
        ("cancelled", "canceled", "rejected", "declined", "void", "voided", "invalid", "trash", "3", "storniert", "已取消", "取消", "已关闭", "キャンセル"),
        ("refund", "cancelled"),
    ),
    **dict.fromkeys(("failed", "payment_failed", "expired"), ("refund", "payment_failed")),
    **dict.fromkeys(("chargeback", "disputed", "charged_back", "rückbuchung"), ("refund", "chargeback")),
    **dict.fromkeys(("fraud", "fraudulent"), ("refund", "fraud")),
    **dict.fromkeys(("duplicate",), ("refund", "duplicate")),
    **dict.fromkeys(("amended", "amend", "corrected", "changed", "modified", "updated", "geändert", "已修改", "変更"), ("amend", "")),
}  # fmt: skip

#: Reasons of refunds in others' words.
_REFUND_REASONS = {
    "returned": "item_returned", "return": "item_returned", "item_returned": "item_returned", "cancelled": "cancelled",
    "canceled": "cancelled", "order_cancelled": "cancelled", "out_of_stock": "out_of_stock", "payment_failed": "payment_failed",
    "failed_credit_check": "payment_failed", "chargeback": "chargeback", "duplicate": "duplicate", "duplicate_order": "duplicate",
    "fraud": "fraud", "terms_breach": "terms_breach", "breach_of_terms": "terms_breach", "退货": "item_returned", "返品": "item_returned",
    "取消": "cancelled", "缺货": "out_of_stock", "other": "other",
}  # fmt: skip

_NOT_A_WORD = re.compile(r"[\s\-./:()\[\]*#]+")


def plain_heading(text: str) -> str:
    """A heading as it is compared: case, width and marks between words do not matter."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return _NOT_A_WORD.sub("_", folded).strip("_")


_BY_HEADING = {plain_heading(alias): field for field, aliases in _ALIASES.items() for alias in aliases}


def field_of_heading(heading: str) -> str:
    """The field that a column of this heading is; empty when nobody knows."""
    plain = plain_heading(heading)
    return _BY_HEADING.get(plain) or _BY_HEADING.get(plain.replace("_", "")) or (plain if plain in FIELDS else "")


def action_of_status(text: str) -> tuple[str, str] | None:
    """(report, refund or amend; the refund's reason) for a state of an order; None for an unknown word."""
    return _STATUSES.get(plain_heading(text))


def refund_reason_of(text: str) -> str:
    """The refund's reason in our words; `other` for one that is not known."""
    return _REFUND_REASONS.get(plain_heading(text), "other") if text.strip() else ""

"""The stand-in's own pages: its state at `/`, and the onboarding form. No script, nothing fetched."""

import json
from html import escape
from typing import Any

from fakestripe import books
from fakestripe.clock import rfc3339
from fakestripe.delivery import settings
from fakestripe.standin import Standin
from fakestripe.store import PLATFORM

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 68rem; padding: 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.banner { border-inline-start: .35rem solid #e0a100; background: var(--soft); padding: .75rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: start; padding: .35rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; } dt { opacity: .75; } dd { margin: 0; }
form { max-width: 34rem; } fieldset { border: 1px solid var(--line); margin: 1rem 0; padding: .75rem 1rem; }
label { display: block; padding: .25rem 0; }
input[type=text] { font: inherit; padding: .45rem .6rem; width: 12rem; }
button { font: inherit; padding: .6rem 1.2rem; border-radius: .4rem; border: 1px solid #4b45c6; background: #4b45c6; color: #fff; }
button.plain { background: transparent; color: inherit; border-color: var(--line); }
:focus-visible { outline: 3px solid #e0a100; outline-offset: 2px; }
"""

ZERO_DECIMALS = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
THREE_DECIMALS = frozenset("bhd jod kwd omr tnd".split())

WORDS = {
    "en": {
        "title": "Stripe stand-in — onboarding",
        "banner": "This is not Stripe. It is the stand-in that the demonstration talks to: no money moves, and nothing you enter is checked or sent anywhere.",
        "account": "Account", "email": "E-mail", "country": "Country", "bank": "Last four digits of the bank account",
        "outcome": "What Stripe would decide",
        "active": "Everything is in order: payouts are possible at once", "pending": "Under review: the decision comes later",
        "restricted": "Documents refused: more is needed", "send": "Submit", "later": "Leave without finishing",
        "gone": "This link leads nowhere. Ask for a new one where you found it.",
    },
    "zh-hans": {
        "title": "Stripe 模拟服务 — 收款开户",
        "banner": "这里不是 Stripe，而是演示环境使用的模拟服务：不会发生真实资金往来，你填写的内容不会被核验，也不会发送到任何地方。",
        "account": "账户", "email": "电子邮箱", "country": "国家或地区", "bank": "银行账户后四位",
        "outcome": "Stripe 会作出的决定",
        "active": "一切正常：立即可以收款", "pending": "审核中：稍后给出结果",
        "restricted": "材料未通过：还需补充", "send": "提交", "later": "暂不完成，先离开",
        "gone": "此链接无效。请回到原处重新获取链接。",
    },
    "zh-hant": {
        "title": "Stripe 模擬服務 — 收款開戶",
        "banner": "這裡不是 Stripe，而是示範環境使用的模擬服務：不會發生真實資金往來，你填寫的內容不會被核驗，也不會傳送到任何地方。",
        "account": "帳戶", "email": "電子郵件", "country": "國家或地區", "bank": "銀行帳戶後四碼",
        "outcome": "Stripe 會作出的決定",
        "active": "一切正常：立即可以收款", "pending": "審核中：稍後給出結果",
        "restricted": "文件未通過：還需補充", "send": "提交", "later": "暫不完成，先離開",
        "gone": "此連結無效。請回到原處重新取得連結。",
    },
}  # fmt: skip


def language_of(header: str) -> str:
    """The language to speak, from Accept-Language."""
    for part in header.lower().replace("_", "-").split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("zh"):
            return "zh-hant" if any(one in tag for one in ("hant", "tw", "hk", "mo")) else "zh-hans"
        if tag.startswith("en"):
            return "en"
    return "en"


def onboarding(account: dict[str, Any], token: str, visit: str, languages: str) -> str:
    """The onboarding form."""
    language = language_of(languages)
    words = {name: escape(word) for name, word in WORDS[language].items()}
    choices = "".join(
        f'<label><input type="radio" name="outcome" value="{value}"{" checked" if value == "active" else ""}> {words[value]}</label>'
        for value in ("active", "pending", "restricted")
    )
    body = f"""<h1>{words["title"]}</h1><p class="banner">{words["banner"]}</p>
<dl><dt>{words["account"]}</dt><dd>{escape(account["id"])}</dd><dt>{words["email"]}</dt><dd>{escape(account["email"] or "—")}</dd>
<dt>{words["country"]}</dt><dd>{escape(account["country"])}</dd></dl>
<form method="post" action="/onboarding/{escape(token)}"><input type="hidden" name="visit" value="{escape(visit)}">
<label for="bank">{words["bank"]}</label><input type="text" id="bank" name="bank" inputmode="numeric" maxlength="4" value="6789" autocomplete="off">
<fieldset><legend>{words["outcome"]}</legend>{choices}</fieldset>
<button type="submit">{words["send"]}</button> <button class="plain" type="submit" name="outcome" value="later">{words["later"]}</button></form>"""
    return _page(WORDS[language]["title"], body, language)


def onboarding_gone(languages: str) -> str:
    """What an unknown link shows."""
    language = language_of(languages)
    words = WORDS[language]
    return _page(words["title"], f"<h1>{escape(words['title'])}</h1><p>{escape(words['gone'])}</p>", language)


def home(standin: Standin) -> str:
    """The state of everything, for people."""
    store, now = standin.store, standin.clock.stamp()
    with store.reading():
        held = books.holdings(store, PLATFORM, at=now)
        transfers = _latest(standin, "transfer")
        accounts = _latest(standin, "account")
        events = sorted(_latest(standin, "event") + _latest(standin, "thin_event"), key=_when, reverse=True)[:20]
        counts = dict(store.rows("SELECT kind, count(*) FROM objects GROUP BY kind"))
        deliveries = dict(store.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))
    clock = standin.clock.state()
    chosen = settings(standin)
    body = f"""<h1>Stripe stand-in</h1>
<p class="banner">This is not Stripe. It answers like Stripe, keeps its own books and moves no money. Test mode only.</p>
<dl><dt>Clock</dt><dd>{clock["now_iso"]} ({clock["mode"]})</dd>
<dt>Kept</dt><dd>{counts.get("transfer", 0)} transfers, {counts.get("transfer_reversal", 0)} reversals, {counts.get("account", 0)} accounts</dd>
<dt>Webhooks</dt><dd>{_counts(deliveries)}{" — paused" if chosen["paused"] else ""}</dd>
<dt>Faults</dt><dd>{len(standin.script.rules)} rules in the script</dd></dl>
<h2>Platform balance</h2>{_table(("Currency", "Available#", "Pending#"), [(money.upper(), _major(pair[0], money), _major(pair[1], money)) for money, pair in held.items()])}
<h2>Last transfers</h2>{_table(("Created", "Id", "Amount#", "Reversed#", "Destination", "Group"), [(_when(one), one["id"], f"{_major(one['amount'], one['currency'])} {one['currency'].upper()}", _major(one["amount_reversed"], one["currency"]), one["destination"], one["transfer_group"] or "—") for one in transfers])}
<h2>Last accounts</h2>{_table(("Created", "Id", "E-mail", "Country", "Transfers", "Closed"), [(_when(one), one["id"], one["email"] or "—", one["country"], one["transfers"], "yes" if one["is_closed"] else "no") for one in accounts])}
<h2>Last events</h2>{_table(("Created", "Type", "Id", "About"), [(_when(one), one["type"], one["id"], _about(one)) for one in events])}
<h2>Last calls</h2>{_table(("Method", "Path", "Status#", "Fault", "Replayed"), [(one["method"], one["path"], str(one["status"] or "—"), one.get("fault") or "—", "yes" if one.get("replayed") else "no") for one in list(standin.calls)[-20:][::-1]])}"""
    return _page("Stripe stand-in", body, "en")


def _page(title: str, body: str, language: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f'<link rel="stylesheet" href="/style.css"></head><body><main>{body}</main></body></html>'
    )


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; a head that ends in # is of numbers."""
    if not rows:
        return "<p>None yet.</p>"
    kinds = [' class="number"' if head.endswith("#") else "" for head in heads]
    top = "".join(
        f'<th scope="col"{kind}>{escape(head.rstrip("#"))}</th>' for head, kind in zip(heads, kinds, strict=True)
    )
    lines = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'


def _latest(standin: Standin, kind: str) -> list[dict[str, Any]]:
    rows = standin.store.rows("SELECT body FROM objects WHERE kind = ? ORDER BY seq DESC LIMIT 20", kind)
    return [json.loads(row[0]) for row in rows]


def _when(thing: dict[str, Any]) -> str:
    created = thing["created"]
    return created if isinstance(created, str) else rfc3339(created)


def _about(event: dict[str, Any]) -> str:
    if event["object"] == "event":
        return str(event["data"]["object"].get("id", "—"))
    return str(event.get("related_object", {}).get("id", "—"))


def _counts(deliveries: dict[str, int]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(deliveries.items())) or "none"


def _major(minor: int, currency: str) -> str:
    places = 0 if currency in ZERO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    if not places:
        return f"{minor:,}"
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{int(digits[:-places]):,}.{digits[-places:]}"

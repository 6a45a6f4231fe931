"""The door's few pages for people: self-contained, no script, light and dark, three languages."""

import base64
import hashlib
import html
from functools import cache
from typing import NamedTuple

_STYLE = """
:root{color-scheme:light dark;--bg:#FAFAF8;--surface:#FFFFFF;--border:#DEDED8;--text:#1B1C1E;--muted:#595C63;--accent:#184DA3;--on-accent:#FFFFFF}
@media (prefers-color-scheme:dark){:root{--bg:#101318;--surface:#171B22;--border:#2C323C;--text:#ECEEF1;--muted:#A3ABB8;--accent:#8AB8FF;--on-accent:#0B1220}}
*{box-sizing:border-box}
body{margin:0;min-block-size:100vh;display:grid;place-items:center;padding:1rem;background:var(--bg);color:var(--text);font:1rem/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
:lang(zh-Hant) body,body:lang(zh-Hant){font-family:system-ui,-apple-system,"PingFang TC","Microsoft JhengHei","Noto Sans CJK TC",sans-serif}
main{inline-size:100%;max-inline-size:30rem;padding:1.5rem;background:var(--surface);border:1px solid var(--border);border-radius:12px}
h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}
p{margin:0 0 1rem;color:var(--muted)}
a{display:inline-block;min-block-size:44px;padding:.6rem 1rem;border-radius:8px;background:var(--accent);color:var(--on-accent);font-weight:600;text-decoration:none}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
""".strip()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = [
    ("content-type", "text/html; charset=utf-8"),
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
    ("vary", "Accept-Language"),
]


class Words(NamedTuple):
    """What one page says in one language."""

    title: str
    body: str
    button: str


UNKNOWN = "unknown"
RESTING = "resting"
BLOCKED = "blocked"
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
WORDS = {
    (UNKNOWN, "en"): Words(
        "This link leads nowhere",
        "There is no such link here. It may have been mistyped, or its owner has taken it away.",
        "Go to {network}",
    ),
    (UNKNOWN, "zh-Hans"): Words(
        "此链接不存在",
        "这里没有这个链接。可能是输入有误，或者链接的主人已将其移除。",
        "前往 {network}",
    ),
    (UNKNOWN, "zh-Hant"): Words(
        "此連結不存在",
        "這裡沒有這個連結。可能是輸入有誤，或者連結的主人已將其移除。",
        "前往 {network}",
    ),
    (BLOCKED, "en"): Words(
        "This offer is not available to you",
        "The shop has limited this offer to certain countries, devices or dates.",
        "Go to {network}",
    ),
    (BLOCKED, "zh-Hans"): Words(
        "您无法使用此优惠",
        "商家已将此优惠限定于特定国家、设备或日期。",
        "前往 {network}",
    ),
    (BLOCKED, "zh-Hant"): Words(
        "您無法使用此優惠",
        "商家已將此優惠限定於特定國家、裝置或日期。",
        "前往 {network}",
    ),
    (RESTING, "en"): Words(
        "Please try again in a moment",
        "We cannot look this link up right now. Nothing is wrong on your side; reload the page in a few seconds.",
        "Go to {network}",
    ),
    (RESTING, "zh-Hans"): Words(
        "请稍后再试",
        "我们暂时无法查询此链接。这不是你的问题，请过几秒钟刷新页面。",
        "前往 {network}",
    ),
    (RESTING, "zh-Hant"): Words(
        "請稍後再試",
        "我們暫時無法查詢此連結。這不是你的問題，請過幾秒鐘重新整理頁面。",
        "前往 {network}",
    ),
}


@cache
def page(kind: str, language: str, *, network: str, home_url: str) -> str:
    """The HTML of a page of this kind in one of LANGUAGES."""
    words = WORDS[kind, language]
    button = html.escape(words.button.format(network=network))
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{words.title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{words.title}</h1><p>{words.body}</p>"
        f'<a href="{html.escape(home_url)}/">{button}</a></main></body></html>'
    )


def language_for(accept_language: str | None) -> str:
    """The best of LANGUAGES for an Accept-Language header; English when nothing fits."""
    choices: list[tuple[float, int, str]] = []
    for position, item in enumerate((accept_language or "")[:400].split(",")):
        tag, _, quality = item.partition(";")
        language = _language_of(tag.strip().lower())
        if language is not None:
            choices.append((-_weight(quality), position, language))
    return min(choices)[2] if choices and min(choices)[0] < 0 else LANGUAGES[0]


def _language_of(tag: str) -> str | None:
    """The language of ours that a tag asks for."""
    main, *rest = tag.split("-")
    if main == "en":
        return "en"
    if main != "zh":
        return None
    return "zh-Hant" if {"hant", "tw", "hk", "mo"}.intersection(rest) and "hans" not in rest else "zh-Hans"


def _weight(quality: str) -> float:
    """The number in `q=0.8`; 1 when there is none, 0 when it is nonsense."""
    name, _, value = quality.strip().partition("=")
    if not name:
        return 1.0
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if 0 <= number <= 1 else 0.0

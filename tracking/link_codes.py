"""The short text in a link's address: what it may be, and one of our own making."""

import secrets

from tracking.errors import CodeReserved, InputRefused

#: No 0 or O, 1, I or L, and one of each pair that is misread (2/Z, 4/A, 5/S, 6/G).
CODE_SIGNS = "3789bcdefhjkmnpqrtuvwxy"
_CODE_LENGTH = 7
_SHORTEST, _LONGEST = 3, 40

#: Words that are or may become addresses of our own; on a merchant's own host a code stands alone.
RESERVED_CODES = frozenset(
    {
        *("accounts", "admin", "api", "app", "apple-touch-icon", "assets", "batch", "bulk", "click", "cms", "compat"),
        *("docs", "edit", "export", "favicon", "finance", "healthz", "hooks", "images", "index", "kit", "log", "login"),
        *("logout", "media", "merchant", "metrics", "network", "new", "null", "partner", "pixel", "postback"),
        *("readyz", "robots", "settings", "shop", "signup", "sitemap", "static", "status", "support", "undefined"),
        *("well-known", "www", "zh-hans", "zh-hant"),
    }
)


def read_code(text: str, *, field: str = "code") -> str:
    """The code somebody chose, in lower case. Raises InputRefused for its form, CodeReserved for a word of ours."""
    code = text.strip().lower()
    is_formed = _SHORTEST <= len(code) <= _LONGEST and code.isascii()
    if not is_formed or not all(sign.isalnum() or sign in "-_" for sign in code):
        raise InputRefused("A code has 3 to 40 letters, digits, - or _.", field=field)
    if code in RESERVED_CODES:
        raise CodeReserved(f"{code} is a word of our own. Choose another.", field=field)
    return code


def new_code() -> str:
    """A code of our own making: 7 signs that nobody misreads, one in 3.4 thousand million."""
    return "".join(secrets.choice(CODE_SIGNS) for _ in range(_CODE_LENGTH))

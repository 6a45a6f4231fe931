"""Which fonts this machine has for a paper. Latin is built into the typesetter; Chinese is not."""

from functools import cache

import typst

#: Families with Chinese signs, the one with the right regional shapes first.
_CHINESE = {
    "zh-hans": (
        "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "Heiti SC",
        "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "Noto Serif CJK SC", "SimSun",
    ),
    "zh-hant": (
        "Noto Sans CJK TC", "Noto Sans TC", "Source Han Sans TC", "PingFang TC", "Microsoft JhengHei", "Heiti TC",
        "WenQuanYi Micro Hei", "Noto Serif CJK TC", "PMingLiU",
    ),
}  # fmt: skip


@cache
def families() -> frozenset[str]:
    """Every family the typesetter can use here: its own and the machine's."""
    return frozenset(typst.Fonts(include_system_fonts=True, include_embedded_fonts=True).families())


def chinese_family(language: str) -> str:
    """A family with the signs of a Chinese language on this machine; "" when there is none."""
    wanted = (*_CHINESE.get(language, ()), *_CHINESE["zh-hans"], *_CHINESE["zh-hant"])
    return next((family for family in wanted if family in families()), "")


#: Families for Latin text, the likeliest first; the last one is built into the typesetter.
_LATIN = ("Inter", "Helvetica Neue", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans", "Libertinus Serif")


def latin_families() -> list[str]:
    """The families for Latin text that are there, best first; at least the built-in one."""
    return [family for family in _LATIN if family in families()] or ["Libertinus Serif"]

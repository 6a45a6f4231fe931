"""Where an address is: its country, and whether it belongs to one of a list of networks. Free of Django."""

import bisect
import ipaddress
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import maxminddb

logger = logging.getLogger("geography")

_MOST_REMEMBERED = 200_000
_COUNTRY = re.compile(r"[A-Z]{2}")


class Countries:
    """Countries of addresses, from a MaxMind file (GeoLite2-Country, DB-IP and others of that form)."""

    def __init__(self, path: Path | None) -> None:
        """Without a file, or with one that cannot be read, every answer is empty; the latter is logged."""
        self._reader: Any = None
        self._known: dict[str, str] = {}
        if path is not None:
            try:
                self._reader = maxminddb.open_database(path)
            except (OSError, ValueError, maxminddb.InvalidDatabaseError):
                logger.exception("%s gives no countries", path)

    def country_of(self, ip: str) -> str:
        """The ISO 3166 code, or an empty text."""
        if self._reader is None or not ip:
            return ""
        country = self._known.get(ip)
        if country is None:
            country = self._look_up(ip)
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[ip] = country
        return country

    def _look_up(self, ip: str) -> str:
        try:
            record = self._reader.get(ip)
        except (ValueError, TypeError, maxminddb.InvalidDatabaseError):
            return ""
        if not isinstance(record, dict):
            return ""
        for name in ("country", "registered_country"):
            code = record.get(name)
            code = code.get("iso_code") if isinstance(code, dict) else code
            if isinstance(code, str) and _COUNTRY.fullmatch(code.upper()):
                return code.upper()
        return ""


class Networks:
    """Address ranges, such as those of data centres, looked up by halving."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        """`ranges` are first and last addresses as numbers; IPv4 as it is mapped into IPv6."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        self._starts = [first for first, _ in merged]
        self._ends = [last for _, last in merged]
        self._known: dict[str, bool] = {}

    @classmethod
    def from_file(cls, path: Path | None) -> "Networks":
        """The networks of a file, one a line in CIDR form; what follows it on the line is a remark.

        A file that cannot be read and a line that is no network are logged and passed over.
        """
        if path is None:
            return cls([])
        ranges = []
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            logger.exception("%s gives no networks", path)
            return cls([])
        for number, line in enumerate(lines, start=1):
            text = re.split(r"[\s,;#]", line.strip(), maxsplit=1)[0]
            if not text:
                continue
            try:
                ranges.append(_range_of(text))
            except ValueError:
                logger.warning("%s, line %d is no network: %.60s", path, number, line)
        return cls(ranges)

    def has(self, ip: str) -> bool:
        """Whether one of the networks holds the address."""
        if not self._starts:
            return False
        verdict = self._known.get(ip)
        if verdict is None:
            try:
                number = _range_of(ip)[0]
            except ValueError:
                return False
            index = bisect.bisect_right(self._starts, number) - 1
            verdict = index >= 0 and number <= self._ends[index]
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[ip] = verdict
        return verdict


def _range_of(text: str) -> tuple[int, int]:
    """First and last address of a network as numbers. Raises ValueError."""
    network = ipaddress.ip_network(text, strict=False)
    base = 0xFFFF << 32 if network.version == 4 else 0
    return base + int(network.network_address), base + int(network.broadcast_address)

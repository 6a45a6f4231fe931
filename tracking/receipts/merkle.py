"""Merkle trees as RFC 6962 §2.1 builds them (Certificate Transparency), over SHA-256. Pure.

A leaf's hash begins with 0x00 and a node's with 0x01, so that neither can be passed off as the
other. A tree of n leaves splits at the largest power of two below n.
"""

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(content: bytes) -> bytes:
    """The hash of one leaf's bytes."""
    return hashlib.sha256(_LEAF + content).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes; of none, the hash of nothing (RFC 6962)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    level = list(leaves)
    # Level by level: an odd last node moves up unchanged, which gives the RFC's tree without recursion.
    while len(level) > 1:
        above = [
            hashlib.sha256(_NODE + level[number] + level[number + 1]).digest() for number in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def path_of(leaves: Sequence[bytes], position: int) -> list[bytes]:
    """The audit path of a leaf: the hashes beside its way up, lowest first. Raises IndexError."""
    if not 0 <= position < len(leaves):
        raise IndexError(f"there is no leaf {position} of {len(leaves)}")
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        beside = position ^ 1
        if beside < len(level):
            path.append(level[beside])
        above = [
            hashlib.sha256(_NODE + level[number] + level[number + 1]).digest() for number in range(0, len(level) - 1, 2)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level, position = above, position // 2
    return path


def root_by_path(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf's audit path leads to (RFC 9162 §2.1.3.2); None when the path does not fit the tree."""
    if not 0 <= position < size:
        return None
    node, last, given = leaf, size - 1, list(path)
    while last:
        if position % 2 or position != last:
            if not given:
                return None
            beside = given.pop(0)
            node = hashlib.sha256(_NODE + (beside + node if position % 2 else node + beside)).digest()
        position, last = position // 2, last // 2
    return None if given else node

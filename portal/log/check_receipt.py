"""Check a receipt of a click or a decision without asking the network whether it is right.

    python check_receipt.py receipt.json                  the receipt against itself
    python check_receipt.py receipt.json root.json        and against a root that you kept, or fetched from /log/<number>.json

Needs Python 3.9 or newer. The signature is checked when the package "cryptography" is there.
The steps: the leaf's hash is SHA-256(0x00 + leaf); going up the path, a node is SHA-256(0x01 + left + right)
(RFC 6962); the root must be the one in the statement; the statement must be signed by the key (Ed25519, RFC 8032).
"""

import hashlib
import json
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None  # type: ignore[assignment,misc]


def climb(leaf: bytes, position: int, size: int, path: "list[bytes]") -> bytes:
    """The root that the path leads to."""
    node, last, rest = hashlib.sha256(b"\x00" + leaf).digest(), size - 1, list(path)
    while last:
        if position % 2 or position != last:
            beside = rest.pop(0)
            pair = beside + node if position % 2 else node + beside
            node = hashlib.sha256(b"\x01" + pair).digest()
        position, last = position // 2, last // 2
    if rest:
        raise SystemExit("NOT PROVEN: the path is longer than the tree is high")
    return node


def main(arguments: "list[str]") -> None:
    """Print what the receipt proves, or end with what is wrong."""
    with open(arguments[0], encoding="utf-8") as file:  # noqa: PTH123 - one file, no more than it needs
        receipt = json.load(file)
    log = receipt["log"]
    path = [bytes.fromhex(one) for one in receipt["path"]]
    root = climb(receipt["leaf"].encode(), receipt["position"], log["size"], path).hex()
    if root != log["root"] or f"\nroot {root}\n" not in log["statement"]:
        raise SystemExit("NOT PROVEN: the leaf does not lead to the root of the statement")
    if Ed25519PublicKey is None:
        print("note: the signature was not checked (install the package cryptography)")  # noqa: T201
    else:
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(log["public_key"])).verify(
                bytes.fromhex(log["signature"]), log["statement"].encode()
            )
        except InvalidSignature:
            raise SystemExit("NOT PROVEN: the statement was not signed by this key") from None
    if len(arguments) > 1:
        with open(arguments[1], encoding="utf-8") as file:  # noqa: PTH123
            kept = json.load(file)
        if (kept["statement"], kept["signature"]) != (log["statement"], log["signature"]):
            raise SystemExit("NOT PROVEN: the root that you kept says something else")
    print(f"PROVEN: leaf {receipt['position']} of {log['size']} under root {log['number']}\n{receipt['leaf']}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])

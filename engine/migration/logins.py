"""Who had a password on the old box: names, for the hashes themselves are not taken over."""

from collections.abc import Iterator
from pathlib import Path

from engine.migration.finding import Item, fails

_KINDS = (
    ("$apr1$", "Apache's MD5"),
    ("{SHA}", "SHA-1 without salt"),
    ("$2", "bcrypt"),
    ("$5$", "SHA-256 crypt"),
    ("$6$", "SHA-512 crypt"),
)


def htpasswd_users(path: Path, where: str) -> Iterator[Item]:
    """An item for each line. A password is stored as scrypt here, which no other hash turns into."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        name, colon, rest = line.strip().partition(":")
        if not colon or not name or name.startswith("#"):
            continue
        kind = next((kind for sign, kind in _KINDS if rest.startswith(sign)), "crypt")
        told = fails(
            f"{where}:{number}",
            f"The password of {name} ({kind}) cannot be taken over.",
            f"Give a new one: stormcrow user add {name}",
            row="API and access",
        )
        yield Item(kind="user", name=name, where=where, remarks=(told,))

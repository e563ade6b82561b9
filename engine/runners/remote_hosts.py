"""The `hosts` and `bastion_host` parameters: names, ports, and the keys of the result."""

import re
from collections import Counter
from dataclasses import dataclass

from engine.errors import RunnerFailure

# Names end up in error hints that people paste into a shell.
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+\Z")
_BRACKETS = re.compile(r"\[(?P<host>[^\]]+)\](?::(?P<port>\d+))?\Z")
_USER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.@\\$-]*\Z")
SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class HostEntry:
    host: str
    port: int
    label: str = ""
    """The key in the result: the host, or host:port where the host is named twice."""


def parse_hosts(text: str, *, default_port: int) -> list[HostEntry]:
    """From `a, b:2222, [::1]:22`, each address once, in order. Raises RunnerFailure."""
    addresses = dict.fromkeys(
        parse_address(part.strip(), default_port=default_port) for part in text.split(",") if part.strip()
    )
    if not addresses:
        raise RunnerFailure("No hosts are named.", hint="Give `hosts`, for example web1,web2:2222.")
    times = Counter(host for host, _ in addresses)
    return [
        HostEntry(host=host, port=port, label=host if times[host] == 1 else f"{host}:{port}")
        for host, port in addresses
    ]


def parse_address(text: str, *, default_port: int) -> tuple[str, int]:
    """(host, port); an IPv6 address with a port stands in brackets. Raises RunnerFailure."""
    bracketed = _BRACKETS.match(text)
    if bracketed:
        host, port = bracketed["host"], bracketed["port"] or ""
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    if not _HOST.match(host) or host.startswith("-") or (port and not port.isdecimal()):
        raise RunnerFailure(f"{text!r} is not a host.", hint="Write name, name:port or [address]:port.")
    number = int(port) if port else default_port
    if not 0 < number < 65_536:
        raise RunnerFailure(f"{text!r} has no possible port.", hint="Ports go from 1 to 65535.")
    return host, number


def parse_bastion(text: str, *, default_user: str) -> tuple[str, str, int]:
    """(user, host, port) from `[user@]host[:port]`. Raises RunnerFailure."""
    user, at, address = text.strip().rpartition("@")
    if at and not _USER.match(user):
        raise RunnerFailure(f"{text!r} is not a bastion host.", hint="Write user@host:port.")
    host, port = parse_address(address, default_port=SSH_PORT)
    return user or default_user, host, port

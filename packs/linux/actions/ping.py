"""linux.ping: does a host answer, and how fast?

Result: `{host, address, alive, sent, received, average_ms, method, text}`. `method` is icmp where this
machine lets its users send such packets, else tcp: there the time until a connection is made or refused
counts; a host that is up does one of the two, unless a firewall swallows it.
"""

import os
import re
import socket
import struct
import time

from st2common.runners.base_action import Action

HOST = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9._:-]{0,252}")
ANSWER_TIMEOUT_S = 2.0
PAUSE_S = 1.0
TCP_PORTS = (443, 22, 80)


class PingAction(Action):
    def run(self, host, count=3):
        """(alive, result); ValueError for a text that cannot be a host."""
        if not HOST.fullmatch(host):
            raise ValueError(f"{host!r} is no host name and no address.")
        try:
            family, _, _, _, where = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            text = f"there is no such host ({getattr(error, 'strerror', None) or error})"
            return False, report(host, None, answered=[], sent=0, method=None, text=text)
        try:
            method, times = "icmp", list(rounds(icmp_echo, family, where, count))
        except PermissionError:
            method, times = "tcp", list(rounds(tcp_knock, family, where, count))
        answered = [one for one in times if one is not None]
        if answered:
            average = sum(answered) / len(answered)
            text = f"{len(answered)} of {count} answered, {average:.1f} ms on average ({method})"
        else:
            text = f"no answer to {count} packets ({method})"
        return bool(answered), report(host, where[0], answered=answered, sent=count, method=method, text=text)


def report(host, address, *, answered, sent, method, text):
    return {
        "host": host,
        "address": address,
        "alive": bool(answered),
        "sent": sent,
        "received": len(answered),
        "average_ms": round(sum(answered) / len(answered), 2) if answered else None,
        "method": method,
        "text": text,
    }


def rounds(probe, family, where, count):
    """Milliseconds of each round, None where nothing came back."""
    for sequence in range(count):
        if sequence:
            time.sleep(PAUSE_S)
        yield probe(family, where, sequence)


def icmp_echo(family, where, sequence):
    """One echo over the kernel's unprivileged ICMP socket; PermissionError where it is not allowed.

    The kernel sets identifier and checksum itself and gives us only answers to our own packets.
    """
    is_v4 = family == socket.AF_INET
    protocol = socket.IPPROTO_ICMP if is_v4 else socket.IPPROTO_ICMPV6
    payload = os.urandom(16)
    with socket.socket(family, socket.SOCK_DGRAM, protocol) as raw:
        raw.settimeout(ANSWER_TIMEOUT_S)
        began = time.monotonic()
        try:
            raw.sendto(struct.pack("!BBHHH", 8 if is_v4 else 128, 0, 0, 0, sequence) + payload, where)
            while not raw.recv(2048).endswith(payload):
                if time.monotonic() - began > ANSWER_TIMEOUT_S:
                    return None
        except PermissionError:
            raise
        except OSError:
            return None
        return 1000 * (time.monotonic() - began)


def tcp_knock(family, where, _sequence):
    """A connection made or refused both mean that somebody is there."""
    for port in TCP_PORTS:
        with socket.socket(family, socket.SOCK_STREAM) as knock:
            knock.settimeout(ANSWER_TIMEOUT_S / len(TCP_PORTS))
            began = time.monotonic()
            try:
                knock.connect((where[0], port, *where[2:]))
            except ConnectionRefusedError:
                pass
            except OSError:
                continue
            return 1000 * (time.monotonic() - began)
    return None

"""A small client of the domain name system (RFC 1035): one question, one answer, over UDP or TCP."""

import ipaddress
import secrets
import socket
import struct
from pathlib import Path

TYPES = {
    "A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "CAA": 257
}  # fmt: skip
NAMES = {number: name for name, number in TYPES.items()}
FAULTS = {1: "the question is malformed", 2: "the server failed", 3: "no such name", 5: "the server refused"}
TRUNCATED, RECURSION_DESIRED, INTERNET = 0x0200, 0x0100, 1


class NameServiceError(Exception):
    """The server gave no usable answer; `code` is its response code, None when there was none."""

    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


def servers():
    """Addresses of this machine's name servers, from /etc/resolv.conf."""
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    found = [line.split()[1] for line in lines if line.startswith("nameserver") and len(line.split()) > 1]
    return found or ["127.0.0.1"]


def ask(name, record_type, server, *, port=53, timeout_s=5.0, tcp=False):
    """Records of the answer, as `(name, ttl_s, type, value)`. Raises NameServiceError and OSError."""
    if record_type not in TYPES:
        raise NameServiceError(f"Unknown type {record_type!r}: use {', '.join(sorted(TYPES))}.")
    if record_type == "PTR":
        name = reversed_address(name)
    number = secrets.randbits(16)
    question = struct.pack("!6H", number, RECURSION_DESIRED, 1, 0, 0, 0)
    question += encode_name(name) + struct.pack("!2H", TYPES[record_type], INTERNET)
    address = socket.getaddrinfo(server, port, type=socket.SOCK_DGRAM)[0]
    answer = None if tcp else over_udp(question, address, timeout_s)
    if answer is None or struct.unpack_from("!H", answer, 2)[0] & TRUNCATED:
        answer = over_tcp(question, address, timeout_s)
    try:
        return records(answer, number)
    except (IndexError, struct.error) as error:
        raise NameServiceError(f"{server} sent an answer that cannot be read.") from error


def reversed_address(name):
    """The name below arpa that stands for an address; any other text stays."""
    try:
        return ipaddress.ip_address(name).reverse_pointer
    except ValueError:
        return name


def encode_name(name):
    encoded = b""
    for label in filter(None, name.rstrip(".").split(".")):
        try:
            part = label.encode("ascii") if label.isascii() else label.encode("idna")
        except UnicodeError as error:
            raise NameServiceError(f"{name!r} is no name: {error}") from error
        if len(part) > 63:
            raise NameServiceError(f"{name!r} is no name: a part of it has more than 63 characters.")
        encoded += bytes([len(part)]) + part
    return encoded + b"\0"


def over_udp(question, address, timeout_s):
    family, _, _, _, where = address
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout_s)
        # Connected, so that the kernel drops what others send.
        udp.connect(where)
        udp.send(question)
        while True:
            answer = udp.recv(65535)
            if len(answer) >= 12 and answer[:2] == question[:2]:
                return answer


def over_tcp(question, address, timeout_s):
    _, _, _, _, where = address
    with socket.create_connection(where[:2], timeout=timeout_s) as tcp:
        tcp.sendall(struct.pack("!H", len(question)) + question)
        with tcp.makefile("rb") as stream:
            size = struct.unpack("!H", stream.read(2).ljust(2, b"\0"))[0]
            return stream.read(size).ljust(12, b"\0")


def records(answer, number):
    received, flags, questions, count = struct.unpack_from("!4H", answer)
    if received != number:
        raise NameServiceError("The answer belongs to another question.")
    code = flags & 0xF
    if code:
        raise NameServiceError(f"{FAULTS.get(code, 'response code %d' % code)}.".capitalize(), code)
    offset = 12
    for _ in range(questions):
        offset = decode_name(answer, offset)[1] + 4
    found = []
    for _ in range(count):
        name, offset = decode_name(answer, offset)
        kind, _class, ttl_s, size = struct.unpack_from("!2HIH", answer, offset)
        offset += 10
        found.append((name, ttl_s, NAMES.get(kind, f"TYPE{kind}"), value_of(answer, kind, offset, size)))
        offset += size
    return found


def decode_name(answer, offset):
    """(name, offset behind it). Parts may be pointers to earlier text; those only lead backwards."""
    labels, behind, limit = [], None, offset + 1
    while True:
        size = answer[offset]
        if size >= 0xC0:
            target = struct.unpack_from("!H", answer, offset)[0] & 0x3FFF
            behind = offset + 2 if behind is None else behind
            if target >= limit:
                raise NameServiceError("A name in the answer points forwards.")
            offset, limit = target, target
            continue
        offset += 1
        if size == 0:
            return ".".join(labels) + ".", offset if behind is None else behind
        labels.append(answer[offset : offset + size].decode("ascii", "backslashreplace"))
        offset += size


def value_of(answer, kind, offset, size):
    """The value as dig would write it; types without a form of their own in hexadecimal."""
    raw = answer[offset : offset + size]
    name = NAMES.get(kind, "")
    if name in ("A", "AAAA"):
        return str(ipaddress.ip_address(raw))
    if name in ("NS", "CNAME", "PTR"):
        return decode_name(answer, offset)[0]
    if name == "MX":
        return f"{struct.unpack_from('!H', raw)[0]} {decode_name(answer, offset + 2)[0]}"
    if name == "SRV":
        priority, weight, port = struct.unpack_from("!3H", raw)
        return f"{priority} {weight} {port} {decode_name(answer, offset + 6)[0]}"
    if name == "SOA":
        primary, offset = decode_name(answer, offset)
        mailbox, offset = decode_name(answer, offset)
        return " ".join([primary, mailbox, *map(str, struct.unpack_from("!5I", answer, offset))])
    if name == "TXT":
        return " ".join(f'"{part}"' for part in texts(raw))
    if name == "CAA":
        tag = raw[2 : 2 + raw[1]].decode("ascii", "backslashreplace")
        return f'{raw[0]} {tag} "{raw[2 + raw[1] :].decode("utf-8", "backslashreplace")}"'
    return raw.hex()


def texts(raw):
    while raw:
        size = raw[0]
        yield raw[1 : 1 + size].decode("utf-8", "backslashreplace").replace('"', '\\"')
        raw = raw[1 + size :]

"""In which header a key or a token goes to the server."""

import re

# What the server gives for a login is 32 hexadecimal digits; no API key is.
_TOKEN = re.compile(r"[0-9a-f]{32}")


def header_of(credential: str) -> str:
    return "X-Auth-Token" if _TOKEN.fullmatch(credential) else "St2-Api-Key"

#!/usr/bin/env python3
"""A grant is a key of the datastore that ends by itself: grant, revoke, or use one."""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request

SECONDS = {"s": 1, "m": 60, "h": 3600}


def opened(request: urllib.request.Request) -> http.client.HTTPResponse:
    """A server that has just started may not answer yet."""
    for _ in range(600):
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=60)
            return answer
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            time.sleep(0.1)
    raise TimeoutError(request.full_url)


def keys(method: str, name: str, body: dict[str, object] | None = None) -> bool:
    """False: there is no such key."""
    request = urllib.request.Request(
        f"{os.environ['ST2_ACTION_API_URL']}/keys/{name}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"X-Auth-Token": os.environ["ST2_ACTION_AUTH_TOKEN"], "Content-Type": "application/json"},
    )
    try:
        with opened(request):
            return True
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return False
        raise


def main(verb: str, host: str, who: str, words: str) -> int:
    name = f"breakglass.{host}.{who}"
    if verb == "grant":
        keys("PUT", name, {"name": name, "value": who, "ttl": int(words[:-1]) * SECONDS[words[-1]]})
        print(f"{who} may use {host} for {words}")
    elif verb == "revoke":
        print(f"{host} is closed for {who}" if keys("DELETE", name) else f"{host} was closed already")
    elif keys("GET", name):
        print(f"{host}: {words} · recorded (a play)")
    else:
        print(f"no active break-glass for {who}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))

#!/usr/bin/env python3
"""An incident is one key of the datastore: its title, who has which role, and what happened when."""

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.request

NAME = "incident.open"


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


def keys(method: str, body: dict[str, object] | None = None) -> dict[str, object]:
    """Empty: there is no incident."""
    request = urllib.request.Request(
        f"{os.environ['ST2_ACTION_API_URL']}/keys/{NAME}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"X-Auth-Token": os.environ["ST2_ACTION_AUTH_TOKEN"], "Content-Type": "application/json"},
    )
    try:
        with opened(request) as answer:
            found: dict[str, object] = json.loads(answer.read() or b"{}")
            return found
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return {}
        raise


def main(verb: str, who: str, words: str) -> int:
    found = keys("GET")
    incident = json.loads(str(found["value"])) if found else {}
    if verb == "declare":
        incident = {"title": words, "roles": {"IC": who}, "notes": []}
        print(f"INC-8 {words} (IC: {who}): timeline started")
    elif not incident:
        print("There is no incident.")
        return 1
    elif verb == "take":
        incident["roles"][words] = who
        print(" · ".join(f"{role}: {person}" for role, person in incident["roles"].items()))
    elif verb == "note":
        incident["notes"].append(f"{who}: {words}")
        print(f"added, {len(incident['notes'])} so far")
    elif verb == "remind":
        print(f"status update due: {incident['roles']['IC']}")
    elif verb == "resolve":
        print(f"INC-8 is over: {words}")
        print(f"postmortem draft: {incident['title']}, timeline ({len(incident['notes'])})")
        print("\n".join(incident["notes"]))
        keys("DELETE")
        return 0
    keys("PUT", {"name": NAME, "value": json.dumps(incident)})
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))

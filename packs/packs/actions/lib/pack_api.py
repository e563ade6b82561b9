"""What the actions of this pack ask the engine about packs, and how they read its answers."""

from rest_api import RestApi, RestApiError, quoted


class NoIndex(Exception):
    """An index of packs cannot be read; the text names it."""


def installed(ref):
    """The pack's document, None when it is not installed."""
    try:
        return RestApi().get(f"/packs/{quoted(ref)}")
    except RestApiError as error:
        if error.status == 404:
            return None
        raise


def ask_index(question):
    """The index' answer to a search. NoIndex where it is empty because an index cannot be read."""
    found = RestApi(timeout_s=60).post("/packs/index/search", question)
    if found:
        return found
    health = RestApi(timeout_s=60).get("/packs/index/health")["indexes"]["status"]
    broken = [f"{one['url']}: {one['message']}" for one in health if one["error"]]
    if broken:
        raise NoIndex("The index of packs cannot be read. " + " ".join(broken))
    return found


def succeeded(packs_status):
    """Names of the packs whose status says success, in order; the input is `{pack: status}`."""
    return sorted(pack for pack, status in (packs_status or {}).items() if "success" in str(status).lower())

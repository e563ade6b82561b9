"""What the actions of this pack ask the engine about packs, and how they read its answers."""

from rest_api import RestApi, RestApiError, quoted

NO_INDEX = (
    "This version of Stormcrow has no pack index: packs can be looked at (packs.get) "
    "and loaded (packs.load), but not yet searched for."
)
# What a server answers that does not know the path at all, or not this method.
UNKNOWN_PATH = (404, 405)


def installed(ref):
    """The pack's document, None when it is not installed."""
    try:
        return RestApi().get(f"/packs/{quoted(ref)}")
    except RestApiError as error:
        if error.status == 404:
            return None
        raise


def ask_index(question):
    """The index' answer to a search. RuntimeError with a clear sentence where there is no index."""
    try:
        return RestApi().post("/packs/index/search", question)
    except RestApiError as error:
        if error.status in UNKNOWN_PATH:
            raise RuntimeError(NO_INDEX) from error
        raise


def succeeded(packs_status):
    """Names of the packs whose status says success, in order; the input is `{pack: status}`."""
    return sorted(pack for pack, status in (packs_status or {}).items() if "success" in str(status).lower())

"""A webhook of the site: who may post to it, how that is shown, and what is done beside the rules."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

WayType = Literal["hmac", "token", "basic", "bearer_jwt", "sns", "ip", "none"]

# Which keys a way of verification takes, and which it needs.
WAY_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hmac": (
        (
            *("header", "algorithm", "encoding", "prefix", "separator", "signed"),
            *("timestamp_header", "id_header", "tolerance_s", "key_encoding"),
        ),
        ("header",),
    ),
    "token": (("header", "scheme", "query"), ()),
    "basic": ((), ()),
    "bearer_jwt": (("issuer", "audience", "jwks_url", "jwks_file", "claims", "tolerance_s"), ("audience",)),
    "sns": (("tolerance_s",), ()),
    "ip": ((), ()),
    "none": ((), ()),
}


class Way(BaseModel):
    """One way to show that a delivery comes from whom it says; header names in lower case."""

    model_config = ConfigDict(frozen=True)

    type: WayType
    header: str = ""
    query: str = ""
    """token: a parameter of the query string that may carry it, for senders that set no headers."""
    scheme: str = ""
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    separator: str = ""
    """Between several signatures, of which one must be good."""
    signed: str = "{body}"
    """What the signature is over; knows {body}, {timestamp} and {id}."""
    timestamp_header: str = ""
    id_header: str = ""
    tolerance_s: int = 300
    key_encoding: Literal["utf8", "base64", "whsec"] = "utf8"
    compacted: bool = False
    """Good also over the body's JSON without blanks, as one vendor's own example signs."""
    issuer: str = ""
    audience: str = ""
    jwks_url: str = ""
    jwks_file: str = ""
    claims: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def needs_secret(self) -> bool:
        if self.type == "bearer_jwt":
            return not (self.jwks_url or self.jwks_file)
        return self.type in ("hmac", "token", "basic")


class IdSource(BaseModel):
    """Where the name of a delivery stands: the same name within 24 hours is the same delivery."""

    model_config = ConfigDict(frozen=True)

    header: str = ""
    fields: tuple[str, ...] = ()
    """Dotted paths in the body, joined; it counts only where all are there."""
    body: bool = False
    """The body itself."""
    within_s: int = 0
    """0: for the whole 24 hours; else only within the same so many seconds."""


class RespondSpec(BaseModel):
    """The answer of the hook's own. Texts with {{ }} are templates; they know `trigger` and `result`."""

    model_config = ConfigDict(frozen=True)

    action: str = ""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    template: str = ""
    content_type: str = "application/json"
    status: int = 200
    timeout_s: float = 10.0


class WebhookSpec(BaseModel):
    model_config = ConfigDict(frozen=True)

    url: str
    """Below /webhooks/, without slashes around it."""
    description: str = ""
    enabled: bool = True
    preset: str = ""
    channel: str = ""
    """Where alerts of this hook are told."""
    alerts: bool = False
    """Whether each delivery is also read as an alert."""
    ways: tuple[Way, ...] = ()
    """How it is verified: the first way whose headers are there decides."""
    secrets: tuple[str, ...] = ()
    """Names of datastore keys in the scope `system`; any of them is good, so that they can be rotated."""
    networks: tuple[str, ...] = ()
    """Where deliveries may come from, as networks; empty: anywhere."""
    topics: tuple[str, ...] = ()
    """sns: the topics that may send."""
    delivery_id: tuple[IdSource, ...] = ()
    """The first source that is there names the delivery."""
    respond_with: RespondSpec | None = None
    metadata_file: str = ""

    @property
    def ref(self) -> str:
        return self.url

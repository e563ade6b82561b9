"""From webhooks/*.yaml to specs: strict about unknown keys, and about how a delivery is verified."""

import ipaddress
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.content import shape
from engine.content.shape import Field, WrongShape, expect, is_table, shown, take
from engine.content.source import Source
from engine.errors import nearest
from engine.specs.webhook import WAY_KEYS, IdSource, RespondSpec, Way, WebhookSpec
from engine.specs.webhook_presets import PRESETS

# StackStorm's own address for any trigger.
GENERIC = "st2"
_PART = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_URL = re.compile(rf"{_PART}(?:/{_PART})*")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "algorithm": ("sha256", "sha1", "sha512"),
    "encoding": ("hex", "base64"),
    "key_encoding": ("utf8", "base64", "whsec"),
}
_KINDS: Mapping[str, str] = {"tolerance_s": "integer", "claims": "object"}
_HEADERS = ("header", "timestamp_header", "id_header")
# Clocks of people who issue tokens are right to a minute (users rarely set this).
_TOKEN_TOLERANCE_S = 60

_RESPOND: Mapping[str, Field] = MappingProxyType(
    {
        "action": Field("string", check=shape.filled),
        "parameters": Field("object"),
        "template": Field("string", check=shape.filled),
        "content_type": Field("string", check=shape.filled),
        "status": Field("integer"),
        "timeout_s": Field("number"),
    }
)
_DELIVERY_ID: Mapping[str, Field] = MappingProxyType(
    {"header": Field("string", check=shape.filled), "fields": Field("array", check=shape.TEXTS)}
)
_WEBHOOK: Mapping[str, Field] = MappingProxyType(
    {
        "url": Field("string", check=shape.filled),
        "description": Field("string"),
        "enabled": Field("boolean"),
        "preset": Field("string"),
        "channel": Field("string"),
        "alerts": Field("boolean"),
        "verify": Field("any"),
        "secrets": Field("array", check=shape.TEXTS),
        "networks": Field("array", check=shape.TEXTS),
        "topics": Field("array", check=shape.TEXTS),
        "delivery_id": Field("any"),
        "respond_with": Field("object", check=is_table(_RESPOND)),
    }
)


def read_webhook(content: Any, source: Source) -> WebhookSpec:
    """Raises WrongShape, also when nothing says how a delivery is verified."""
    values = take(content, _WEBHOOK).values
    preset = values.get("preset", "")
    if preset and preset not in PRESETS:
        raise WrongShape(
            f"There is no preset {preset!r}.",
            path=("preset",),
            hint=nearest(preset, PRESETS) or f"Known: {', '.join(PRESETS)}.",
        )
    known = PRESETS.get(preset)
    ways = _ways(values["verify"], ("verify",)) if "verify" in values else (known.ways if known else ())
    channel = values.get("channel", "")
    spec = WebhookSpec(
        url=_url(values, source),
        description=values.get("description", ""),
        enabled=values.get("enabled", True),
        preset=preset,
        channel=channel,
        alerts=values.get("alerts", bool(channel) and known is not None and known.alerts),
        ways=ways,
        secrets=tuple(values.get("secrets", ())),
        networks=_networks(values.get("networks", ())),
        topics=tuple(values.get("topics", ())),
        delivery_id=_delivery_id(values, known.delivery_id if known else ()),
        respond_with=_respond_with(values.get("respond_with")),
        metadata_file=source.metadata_file,
    )
    _check_whole(spec)
    return spec


def _url(values: Mapping[str, Any], source: Source) -> str:
    name = source.metadata_file.rpartition("/")[2].rpartition(".")[0]
    url = str(values.get("url", name)).strip("/")
    if not _URL.fullmatch(url):
        raise WrongShape(
            f"{shown(url)} cannot be the address of a webhook",
            path=("url",),
            hint="Use letters, digits, _ ~ - and single slashes; a dot not at the beginning.",
        )
    if url == GENERIC:
        raise WrongShape(f'"{GENERIC}" is StackStorm\'s own webhook for any trigger.', path=("url",))
    return url


def _check_whole(spec: WebhookSpec) -> None:
    if not spec.ways:
        raise WrongShape(
            "Nothing says how a delivery is verified.",
            hint="Name a `preset:`, or write `verify:`; `verify: none` lets everybody in.",
        )
    types = {way.type for way in spec.ways}
    if any(way.needs_secret for way in spec.ways) and not spec.secrets:
        raise WrongShape(
            "It needs `secrets:`, the names of datastore keys that hold them.",
            hint="stormcrow webhook add makes both.",
        )
    if "sns" in types and not spec.topics:
        raise WrongShape(
            "It needs `topics:`, the ARNs of the SNS topics that may send.",
            hint="Anybody's topic is signed by Amazon.",
        )
    if "ip" in types and not spec.networks:
        raise WrongShape("`verify: ip` needs `networks:`.", path=("verify",))


def _ways(value: Any, path: shape.Path) -> tuple[Way, ...]:
    """One way, its bare type, or a list of them."""
    if isinstance(value, list):
        ways = tuple(way for index, item in enumerate(value) for way in _ways(item, (*path, index)))
        if len(ways) > 1 and any(way.type in ("none", "ip") for way in ways):
            raise WrongShape("`none` and `ip` stand alone.", path=path)
        return ways
    if value is None:
        raise WrongShape("verify is empty.", path=path, hint="`verify: none` lets everybody in.")
    if isinstance(value, str):
        value = {"type": value}
    expect(value, "object", path)
    kind = value.get("type")
    if kind not in WAY_KEYS:
        raise WrongShape(
            f"{shown(kind)} is no way to verify",
            path=(*path, "type"),
            hint=f"Known: {', '.join(WAY_KEYS)}.",
        )
    keys, required = WAY_KEYS[kind]
    table = {key: Field(_KINDS.get(key, "string"), required=key in required) for key in keys}
    written = take(value, {"type": Field("string"), **table}, path=path).values
    return (_way(written, path),)


def _way(written: Mapping[str, Any], path: shape.Path) -> Way:
    values = dict(written)
    for key, choices in _CHOICES.items():
        if key in values and values[key] not in choices:
            raise WrongShape(
                f"{key}: {shown(values[key])} is not one of {', '.join(choices)}", path=(*path, key)
            )
    for key in _HEADERS:
        if key in values:
            values[key] = values[key].lower()
    if values["type"] == "hmac":
        _check_signed(values, path)
    if values["type"] == "token" and not values.get("header") and not values.get("query"):
        values.update(header="authorization", scheme="Bearer")
    if values["type"] == "bearer_jwt":
        values.setdefault("tolerance_s", _TOKEN_TOLERANCE_S)
    return Way(**values)


def _check_signed(values: Mapping[str, Any], path: shape.Path) -> None:
    signed = values.get("signed", "{body}")
    if signed.count("{body}") != 1:
        raise WrongShape("signed: it must hold {body} once", path=(*path, "signed"))
    for name, key in (("{timestamp}", "timestamp_header"), ("{id}", "id_header")):
        if (name in signed) != bool(values.get(key)):
            raise WrongShape(
                f"signed holds {name}, and {key} names its header: both or neither", path=(*path, "signed")
            )


def _networks(texts: Any) -> tuple[str, ...]:
    for index, text in enumerate(texts):
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise WrongShape(
                f"{shown(text)} is no network: {error}",
                path=("networks", index),
                hint="Write 192.0.2.0/24, or one address.",
            ) from error
    return tuple(texts)


def _delivery_id(values: Mapping[str, Any], preset: tuple[IdSource, ...]) -> tuple[IdSource, ...]:
    written = values.get("delivery_id")
    if written is None:
        return preset
    if written == "body":
        return (IdSource(body=True),)
    taken = take(written, _DELIVERY_ID, path=("delivery_id",)).values
    if len(taken) != 1:
        raise WrongShape("delivery_id takes `header:` or `fields:`, or is `body`", path=("delivery_id",))
    return (IdSource(header=taken.get("header", "").lower(), fields=tuple(taken.get("fields", ()))),)


def _respond_with(written: Mapping[str, Any] | None) -> RespondSpec | None:
    if written is None:
        return None
    made = RespondSpec(**{key: value for key, value in written.items() if value is not None})
    path = ("respond_with",)
    if not made.action and not made.template:
        raise WrongShape("respond_with needs `action:` or `template:`", path=path)
    if not 200 <= made.status <= 599:
        raise WrongShape("status must be from 200 to 599", path=(*path, "status"))
    if not 0 < made.timeout_s <= 60:
        raise WrongShape("timeout_s must be above 0 and at most 60", path=(*path, "timeout_s"))
    return made

"""What each sender sends: a secret, a body, and a good delivery of it."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

NOW = 1_700_000_000.0
WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def mac(secret: bytes, signed: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret, signed, algorithm).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Sender:
    """`sign(secret, body)` is written here anew, so that it does not share a mistake with ours."""

    preset: str
    header: str
    secret: str = "s3cret-of-the-hook"
    prefix: str = ""
    algorithm: str = "sha256"
    is_plain: bool = False
    """It shows a token and signs nothing."""
    stamped: str = ""
    """slack, standard or grafana: what is signed besides the body."""
    other: str = "another-secret"
    more: Mapping[str, str] = field(default_factory=dict)

    def headers(self, body: bytes, *, secret: str = "", at: float = NOW) -> dict[str, str]:
        secret = secret or self.secret
        stamp = str(int(at))
        if self.is_plain:
            return {self.header: f"{self.prefix}{secret}"}
        if self.stamped == "standard":
            key = base64.b64decode(secret.removeprefix("whsec_"))
            name = self.header.removesuffix("-signature")
            digest = hmac.new(key, f"msg_1.{stamp}.".encode() + body, hashlib.sha256).digest()
            signature = f"v1,{base64.b64encode(digest).decode()}"
            return {f"{name}-id": "msg_1", f"{name}-timestamp": stamp, self.header: signature}
        if self.stamped == "slack":
            text = mac(secret.encode(), f"v0:{stamp}:".encode() + body)
            return {"x-slack-request-timestamp": stamp, self.header: f"v0={text}"}
        if self.stamped == "grafana":
            text = mac(secret.encode(), f"{stamp}:".encode() + body)
            return {"x-grafana-alerting-timestamp": stamp, self.header: text}
        return {self.header: self.prefix + mac(secret.encode(), body, self.algorithm)}

    def __str__(self) -> str:
        return f"{self.preset}-{self.header}{'-stamped' if self.stamped else ''}"


_WHSEC2 = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
SENDERS = (
    Sender(preset="alertmanager", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="grafana", header="x-grafana-alerting-signature"),
    Sender(preset="grafana", header="x-grafana-alert-signature"),
    Sender(preset="grafana", header="x-grafana-alerting-signature", stamped="grafana"),
    Sender(preset="grafana", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="github", header="x-hub-signature-256", prefix="sha256="),
    Sender(preset="gitlab", header="x-gitlab-token", is_plain=True),
    Sender(preset="gitlab", header="webhook-signature", secret=WHSEC, other=_WHSEC2, stamped="standard"),
    Sender(preset="sentry", header="sentry-hook-signature"),
    Sender(preset="pagerduty", header="x-pagerduty-signature", prefix="v1="),
    Sender(preset="datadog", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="datadog", header="x-stormcrow-token", is_plain=True),
    Sender(preset="jenkins", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="zabbix", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="sensu", header="authorization", prefix="Bearer ", is_plain=True),
    Sender(preset="standard", header="webhook-signature", secret=WHSEC, other=_WHSEC2, stamped="standard"),
    Sender(preset="standard", header="svix-signature", secret=WHSEC, other=_WHSEC2, stamped="standard"),
    Sender(preset="circleci", header="circleci-signature", prefix="v1="),
    Sender(preset="terraform", header="x-tfe-notification-signature", algorithm="sha512"),
    Sender(preset="gitea", header="x-gitea-signature"),
    Sender(preset="gitea", header="x-forgejo-signature"),
    Sender(preset="bitbucket", header="x-hub-signature", prefix="sha256="),
    Sender(preset="slack", header="x-slack-signature", stamped="slack"),
)

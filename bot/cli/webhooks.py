"""`webhook`: set one up, try it through the real door, see what came, and send it once more."""

import http.client
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, urlsplit

import typer

from bot.cli.client import Client
from bot.cli.exits import Code, CommandError
from bot.cli.output import emit_json, fields, local_time, note, say, table
from bot.cli.site import Config, Data, Json, Url, connect, settings_of
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.specs.webhook_presets import Preset
    from engine.webhooks.site_file import NewHook

app = typer.Typer(no_args_is_help=True, help="Webhooks: what other systems post to us.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The webhook's URL below /v1/webhooks/.")]
TIMEOUT_S = 75.0
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


# add


@app.command("add")
def add(
    *,
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="The sender: github, alertmanager ...")],
    channel: Annotated[str, typer.Option("--channel", "-c", help="Where its alerts are shown.")] = "",
    name: Annotated[str | None, typer.Option("--name", help="Its URL; PRESET when left out.")] = None,
    secret: Annotated[
        str | None,
        typer.Option("--secret", help="The sender's secret; - reads standard input; left out: a new one."),
    ] = None,
    topics: Annotated[list[str] | None, typer.Option("--topic", help="sns: a topic's ARN.")] = None,
    networks: Annotated[
        list[str] | None, typer.Option("--network", help="Addresses that may send, as 192.0.2.0/24.")
    ] = None,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make a webhook, and print what to write into the sender's configuration.

    Its file goes into webhooks/ beside config.yaml, its secret into the datastore; run this on the
    machine of the server.
    """
    from engine.webhooks.site_file import NewHook, check_new  # noqa: PLC0415 - heavy

    settings = settings_of(config, data)
    known = _preset(preset)
    hook = NewHook(
        url=(name or preset).strip("/"),
        preset=known,
        channel=channel.removeprefix("#"),
        topics=topics or (),
        networks=networks or (),
    )
    client = connect(url, config, data)
    address = f"{_public(settings, client)}/v1/webhooks/{hook.url}"
    text = sys.stdin.readline().strip() if secret == "-" else secret  # noqa: S105 - a dash is none
    if text is None and hook.key and known.key_kind == "given":
        raise _sender_makes_it(hook, address)
    path = check_new(hook, settings.path(settings.content.webhooks))
    kept = _keep_secret(client, hook, text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(hook.text(), encoding="utf-8")
    client.post("packs", "register")
    shown = client.get("webhooks", hook.url)
    if not shown.get("preset"):
        raise CommandError(
            Code.WRONG,
            f"{path} is written, and the server at {client.url} does not read it.",
            hint="Run this on the machine of the server, with its --config.",
        )
    _tell_new(_Made(hook=hook, path=path, address=address, secret=kept), as_json=as_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    hook: "NewHook"
    path: Path
    address: str
    secret: str

    @property
    def snippet(self) -> str:
        from engine.webhooks.snippets import snippet  # noqa: PLC0415 - heavy

        topic = next(iter(self.hook.topics), "")
        return snippet(self.hook.preset.name, url=self.address, secret=self.secret, topic=topic)


def _preset(name: str) -> "Preset":
    from engine.errors import nearest  # noqa: PLC0415 - heavy
    from engine.specs.webhook_presets import PRESETS  # noqa: PLC0415 - heavy

    if name not in PRESETS:
        hint = nearest(name, PRESETS)
        raise CommandError(
            Code.WRONG, f"There is no preset {name!r}.", hint=f"{hint} Known: {', '.join(PRESETS)}.".strip()
        )
    return PRESETS[name]


def _sender_makes_it(hook: "NewHook", address: str) -> CommandError:
    made = _Made(hook=hook, path=Path(), address=address, secret="...")  # noqa: S106 - a placeholder
    return CommandError(
        Code.WRONG,
        f"{hook.preset.title} makes the secret itself. First there:\n\n{made.snippet}",
        hint=f"\nThen: stormcrow webhook add {hook.preset.name} --name {hook.url} --secret SECRET",
    )


def _keep_secret(client: Client, hook: "NewHook", given: str | None) -> str:
    """The secret that is in force: the given one, one that is there already, or a new one."""
    from engine.webhooks.site_file import new_secret  # noqa: PLC0415 - heavy

    if not hook.key:
        return ""
    if given is None:
        known = _secret(client, hook.key)
        if known is not None:
            note(f"The secret in the datastore key {hook.key} stays as it is.")
            return known
    secret = given or new_secret(hook.preset)
    client.put("keys", hook.key, body={"name": hook.key, "value": secret, "secret": True})
    return secret


def _secret(client: Client, key: str) -> str | None:
    try:
        found = client.get("keys", key, query={"scope": "system", "decrypt": "true"})
    except CommandError as error:
        if error.code is Code.NOT_FOUND:
            return None
        raise
    return str(found["value"])


def _public(settings: Settings, client: Client) -> str:
    return settings.public_url if settings.server.public_url else client.url


def _tell_new(made: _Made, *, as_json: bool) -> None:
    hook = made.hook
    if as_json:
        emit_json(
            {
                "url": made.address,
                "name": hook.url,
                "preset": hook.preset.name,
                "file": str(made.path),
                "secret_key": hook.key,
                "snippet": made.snippet,
            }
        )
        return
    fields({"url": made.address, "file": str(made.path), "secret": hook.key, "channel": hook.channel})
    say()
    say(made.snippet.rstrip("\n"))
    say()
    if (urlsplit(made.address).hostname or "") in _LOOPBACK:
        note("Only this machine knows this address. Set server.public_url to the one that senders can reach.")
    note(f"Try it: stormcrow webhook test {hook.url}")


# test


@app.command("test")
def try_webhook(
    name: Name,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Post the sender's sample, signed, as the sender would, and say what became of it."""
    from engine.specs.webhook import Way  # noqa: PLC0415 - heavy
    from engine.webhooks.sample import sample  # noqa: PLC0415 - heavy
    from engine.webhooks.sign import signed_headers  # noqa: PLC0415 - heavy

    client = connect(url, config, data)
    hook = client.get("webhooks", *name.strip("/").split("/"))
    now = time.time()
    delivery = sample(hook.get("preset") or "generic", now=now)
    headers = dict(delivery.headers)
    if "ways" in hook:
        ways = [Way.model_validate(way) for way in hook["ways"]]
        found = [_secret(client, key) for key in hook["secrets"]]
        secrets = [secret for secret in found if secret is not None]
        headers.update(signed_headers(ways, secrets, delivery.body, now=now))
    else:
        headers.update(client.headers(None))
    status, answer, text = _post(client, name, delivery.body, headers)
    outcome = {"status": status, "answer": text, "delivery": _delivery(client, answer)}
    if as_json:
        emit_json(outcome)
    else:
        _tell_outcome(hook, status, text, outcome["delivery"])
    raise typer.Exit(Code.OK if status < 300 else Code.FAILED)


def _post(
    client: Client, name: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, Mapping[str, str], str]:
    connection = client.connection(TIMEOUT_S)
    try:
        path = quote(f"/webhooks/{name.strip('/')}", safe="/")
        connection.request("POST", client.target(path), body, dict(headers))
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise CommandError(Code.NO_SERVER, f"No server answers at {client.url}: {error}") from error
    finally:
        connection.close()


def _delivery(client: Client, headers: Mapping[str, str]) -> Any:
    found = {name.lower(): value for name, value in headers.items()}.get("x-trigger-instance")
    return client.get("webhookdeliveries", found) if found else None


def _tell_outcome(hook: Mapping[str, Any], status: int, text: str, delivery: Any) -> None:
    if delivery is None:
        say(f"{status}: {_fault(text)}")
        if status == 401 and hook.get("problem"):
            note(hook["problem"])
        return
    say(f"{status}: the event {delivery['id']} is stored.")
    _tell_rules(delivery)
    if hook.get("alerts"):
        say(f"It is read as an alert for {hook.get('channel') or 'the channel that the routes name'}.")


def _tell_rules(delivery: Mapping[str, Any]) -> None:
    rules = delivery["rules"]
    if not rules:
        say("No rule fired.")
    table(
        ("rule", "outcome", "execution", "why"),
        [(one["rule"], one["status"], one["execution_id"] or "", one["failure_reason"]) for one in rules],
        whole=("rule", "outcome", "execution"),
    )


def _fault(text: str) -> str:
    try:
        return str(json.loads(text)["faultstring"])
    except (ValueError, KeyError, TypeError):
        return text


# list and replay


@app.command("list")
def list_webhooks(
    *,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the newest deliveries of this one.")
    ] = None,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many deliveries.")] = 20,
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """All webhooks with what they took and refused; with NAME, what was posted to it."""
    client = connect(url, config, data)
    if name is not None:
        _list_deliveries(client, name, number, as_json=as_json)
        return
    found = client.get("webhooks")
    if as_json:
        emit_json(found)
        return
    rows = [
        (
            one["parameters"]["url"],
            one.get("preset") or one["verification"],
            str(one["stored"]),
            str(one["since_start"]["duplicates"]),
            str(one["since_start"]["refused"]),
            local_time(one["last_at"]),
            one["problem"] or one["since_start"]["last_reason"],
        )
        for one in found
    ]
    headers = ("webhook", "sender", "stored", "duplicates", "refused", "last", "trouble")
    table(headers, rows, whole=("webhook", "sender"))


def _list_deliveries(client: Client, name: str, number: int, *, as_json: bool) -> None:
    found = client.get("webhookdeliveries", query={"url": name, "limit": number})
    if as_json:
        emit_json(found)
        return
    rows = [
        (one["id"], local_time(one["received_at"]), one["status"], ", ".join(_outcomes(one)) or "-")
        for one in found
    ]
    table(("delivery", "at", "status", "rules"), rows, whole=("delivery",))


def _outcomes(delivery: Mapping[str, Any]) -> list[str]:
    return [f"{one['rule']} {one['status']}" for one in delivery["rules"]]


@app.command("replay")
def replay(
    delivery_id: Annotated[str, typer.Argument(metavar="ID", help="A delivery; see `webhook list NAME`.")],
    as_json: Json = False,
    url: Url = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Take a delivery once more, as a new event."""
    found = connect(url, config, data).post("webhookdeliveries", delivery_id, "replay")
    if as_json:
        emit_json(found)
        return
    say(f"the event {found['id']} is stored.")
    _tell_rules(found)

"""A server with webhooks of files and of rules, for all tests of this folder."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.api.running import Running, running
from tests.engine.webhooks.senders import WHSEC

HOOKS = {
    "github": "preset: github\nsecrets: [hook.github]\n",
    "gitlab": "preset: gitlab\nsecrets: [hook.gitlab]\n",
    "slack": "preset: slack\nsecrets: [hook.slack]\n",
    "standard": "preset: standard\nsecrets: [hook.standard]\n",
    "sns": "preset: sns\ntopics: ['arn:aws:sns:eu-west-1:1:alarms']\n",
    "am": "url: prod/alertmanager\npreset: alertmanager\nsecrets: [hook.am]\nchannel: alerts\n",
    "open": "verify: none\n",
    "shut": "verify: none\nenabled: false\n",
    "near": "verify: ip\nnetworks: [192.0.2.0/24]\n",
    "keyless": "preset: github\nsecrets: [hook.nowhere]\n",
    "broken": "preset: github\n",
    "word": """
        verify: none
        delivery_id: {fields: [id]}
        respond_with:
          action: probe.say
          parameters: {text: "{{ trigger.body.word }}"}
          template: "you said {{ result.stdout }}"
          content_type: text/plain
    """,
    "raw": """
        verify: none
        respond_with: {action: core.noop, status: 201}
    """,
    "late": """
        verify: none
        respond_with: {action: probe.slow, parameters: {seconds: 3}, timeout_s: 0.2}
    """,
    "failing": """
        verify: none
        respond_with: {action: probe.fail}
    """,
    "echo": """
        verify: none
        respond_with: {template: '{"was": {{ trigger.body | to_json_string }}}'}
    """,
    "untrue": "verify: none\nrespond_with: {template: '{{ 1 / 0 }}'}\n",
}
SECRETS = {
    "hook.github": "gh-secret",
    "hook.gitlab": "gl-token",
    "hook.slack": "slack-secret",
    "hook.standard": WHSEC,
    "hook.am": "am-token",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("webhooks")
    for name, text in HOOKS.items():
        write_hook(folder, name, text)
    with running(folder) as made:
        for name, secret in SECRETS.items():
            made.engine.datastore.put("system", name, secret, secret=True)
        yield made


def write_hook(folder: Path, name: str, text: str) -> Path:
    path = folder / "webhooks" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
    return path


def rule(server: Running, name: str, url: str, **changed: object) -> None:
    document = {
        "name": name,
        "enabled": True,
        "trigger": {"type": "core.st2.webhook", "parameters": {"url": url}},
        "action": {"ref": "core.noop"},
    }
    server.engine.stored.put("rule", {**document, **changed}, user="admin")

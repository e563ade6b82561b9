"""The shipped aliases: what each text starts, and how the answers read."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.aliases.grammar import compile_format
from engine.aliases.kv import split_pairs
from engine.content.registry import Registry
from engine.expressions.jinja import Templates
from engine.settings.content import TemplateSettings
from engine.specs.alias import AliasSpec

# text -> the one alias that it fits, and the parameters that it gives.
TEXTS: dict[str, tuple[str, dict[str, str]]] = {
    "examples": ("examples.examples_tour", {}),
    "diagnose": ("examples.diagnose", {"section": "all"}),
    "diagnose disks": ("examples.diagnose", {"section": "disks"}),
    "diagnose disks top=3": ("examples.diagnose", {"section": "disks", "top": "3"}),
    "examples uptime": ("examples.examples_uptime", {}),
    "examples uptime on h1,h2": ("examples.examples_remote_uptime", {"hosts": "h1,h2"}),
    "examples greet": ("examples.examples_greet", {"name": "world"}),
    "examples greet Ada Lovelace": ("examples.examples_greet", {"name": "Ada Lovelace"}),
    "examples hello Ada": ("examples.examples_greet", {"name": "Ada"}),
    "examples salute Ada": ("examples.examples_salute", {"name": "Ada"}),
    "examples wave at Ada": ("examples.examples_wave", {"name": "Ada"}),
    "examples largest files": ("examples.examples_largest_files", {"folder": "/var/log"}),
    "examples largest files in /var count=3": (
        "examples.examples_largest_files",
        {"folder": "/var", "count": "3"},
    ),
    "examples largest files /var": ("examples.examples_largest_files", {"folder": "/var"}),
    "examples room": ("examples.examples_disk_room", {"folder": "/var/log"}),
    "examples room in /srv limit=50": (
        "examples.examples_disk_room",
        {"folder": "/srv", "limit": "50"},
    ),
    "examples countdown": ("examples.examples_countdown", {"seconds": "5"}),
    "examples countdown from 3": ("examples.examples_countdown", {"seconds": "3"}),
    "examples check https://example.org": ("examples.examples_check", {"url": "https://example.org"}),
    "examples probe https://example.org": ("examples.examples_check", {"url": "https://example.org"}),
    "examples fetch https://example.org": ("examples.examples_fetch", {"url": "https://example.org"}),
    "examples deploy api to staging": (
        "examples.examples_deploy",
        {"service": "api", "environment": "staging", "version": "latest"},
    ),
    "examples deploy api to production 1.2 fail_at=canary": (
        "examples.examples_deploy",
        {"service": "api", "environment": "production", "version": "1.2", "fail_at": "canary"},
    ),
    "examples note buy milk": ("examples.examples_note", {"message": "buy milk"}),
    "examples release web": ("examples.examples_release", {"service": "web", "version": "latest"}),
    "examples release web 1.2 is_broken=true": (
        "examples.examples_release",
        {"service": "web", "version": "1.2", "is_broken": "true"},
    ),
    "examples survey": ("examples.examples_survey", {"hosts": "web1,web2,web3,db1-down"}),
    "examples survey a,b": ("examples.examples_survey", {"hosts": "a,b"}),
    "examples migrate": ("examples.examples_migrate", {"way": "blocked"}),
    "examples migrate clear": ("examples.examples_migrate", {"way": "clear"}),
    "examples move web": ("examples.examples_move", {"service": "web", "way": "blocked"}),
    "examples move web clear": ("examples.examples_move", {"service": "web", "way": "clear"}),
    "examples fail": ("examples.examples_fail", {"code": "3"}),
    "examples fail 7": ("examples.examples_fail", {"code": "7"}),
    "whoami": ("default.whoami", {}),
    "who am I?": ("default.whoami", {}),
    "ping localhost": ("default.ping", {"host": "localhost"}),
    "dig example.org": ("default.dig", {"hostname": "example.org", "querytype": "A"}),
    "dig example.org MX": ("default.dig", {"hostname": "example.org", "querytype": "MX"}),
    "pack get core": ("packs.pack_get", {"pack": "core"}),
    "pack install aws,git": ("packs.pack_install", {"packs": "aws,git"}),
    "pack update aws": ("packs.pack_update", {"packs": "aws"}),
    "pack remove aws": ("packs.pack_remove", {"packs": "aws"}),
    "pack search cloud": ("packs.pack_search", {"query": "cloud"}),
    "pack show aws": ("packs.pack_show", {"pack": "aws"}),
    "alerts": ("alerts.alert_list", {}),
    "alert list": ("alerts.alert_list", {}),
    "alert show 3f2a1c": ("alerts.alert_show", {"alert": "3f2a1c"}),
    "alert ack 3f2a1c": ("alerts.alert_ack", {"alert": "3f2a1c"}),
    "alert silence 3f2a1c": ("alerts.alert_silence", {"alert": "3f2a1c", "duration": "1h"}),
    "alert silence 3f2a1c 30m": ("alerts.alert_silence", {"alert": "3f2a1c", "duration": "30m"}),
    "alert unsilence 3f2a1c": ("alerts.alert_unsilence", {"alert": "3f2a1c"}),
    "alert resolve 3f2a1c": ("alerts.alert_resolve", {"alert": "3f2a1c"}),
}
Answer = Callable[..., str]


def fitting(registry: Registry, text: str) -> list[tuple[AliasSpec, str]]:
    tail = split_pairs(text)
    return [
        (alias, representation)
        for alias in registry.aliases.values()
        for one in alias.formats
        for representation in one.representations
        if compile_format(representation).matches(tail)
    ]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_fits_one_alias_and_gives_its_parameters(registry: Registry, text: str) -> None:
    [(alias, representation)] = fitting(registry, text)
    assert (alias.ref, compile_format(representation).extract(text)) == TEXTS[text]


@pytest.mark.parametrize(
    "text", ["examples greeting", "examples deploy api to moon", "pings", "wave at Ada", "diagnosed"]
)
def test_what_only_resembles_a_command_fits_none(registry: Registry, text: str) -> None:
    assert fitting(registry, text) == []


def test_one_message_waves_at_everybody_in_it(registry: Registry) -> None:
    [(alias, representation)] = fitting(registry, "examples wave at Ada and wave at Bob")
    found = compile_format(representation).extract_all("examples wave at Ada and wave at Bob")
    assert alias.formats[0].match_multiple
    assert found == [{"name": "Ada"}, {"name": "Bob"}]


def test_every_alias_is_tried_here(registry: Registry) -> None:
    assert {ref for ref, _parameters in TEXTS.values()} == set(registry.aliases)


@pytest.mark.parametrize("text", TEXTS)
def test_an_alias_gives_only_parameters_that_its_action_takes(registry: Registry, text: str) -> None:
    ref, parameters = TEXTS[text]
    action = registry.action(registry.aliases[ref].action_ref)
    assert set(parameters) - {"hosts", "url"} <= set(action.parameters)


@pytest.fixture
def answer(registry: Registry) -> Answer:
    templates = Templates(TemplateSettings())

    def render(ref: str, **execution: Any) -> str:
        template = registry.aliases[ref].result.format
        assert template is not None
        return templates.render(
            template, {"execution": execution, "alias": registry.aliases[ref]}, lenient=True
        )

    return render


def test_a_diagnosis_reads_as_a_short_report(answer: Answer, run_action: Callable[..., Any]) -> None:
    found = run_action("examples.diagnose")
    text = answer("examples.diagnose", status="succeeded", result={"result": found, "stderr": ""})
    lines = text.strip().splitlines()
    first_words = {line.split()[0] for line in lines}
    assert {"Load", "Memory", "Disks", "Processes", "Services", "Network", "Kernel", "Clock"} <= first_words
    assert found["host"]["name"] in lines[0]
    assert len(lines) < 40


def test_a_diagnosis_that_failed_says_why(answer: Answer) -> None:
    text = answer("examples.diagnose", status="failed", result={"result": "None", "stderr": "no /proc"})
    assert text.split("\n")[:2] == ["The diagnosis failed.", "no /proc"]


def test_every_host_has_a_line(answer: Answer) -> None:
    hosts = {"h1": {"succeeded": True, "stdout": "up 3 days"}, "h2": {"succeeded": False, "error": "refused"}}
    text = answer("examples.examples_remote_uptime", status="failed", result=hosts)
    assert text == "✅ h1: up 3 days\n🔴 h2: refused\n"


def test_whoami_names_the_chat_user_and_the_engine_user(answer: Answer) -> None:
    text = answer("default.whoami", context={"api_user": "ann", "user": "bot", "source_channel": "#ops"})
    assert text == "In the chat you are ann (in #ops); what you start runs in the name of bot."


def test_what_was_installed_and_what_was_not_is_told_in_the_chat(answer: Answer) -> None:
    output = {"message": "No pack was installed.", "warning_list": ["mind the gap"], "conflict_list": []}
    text = answer("packs.pack_install", status="failed", result={"output": output, "error": "weather: no"})
    assert text.strip().split("\n") == ["No pack was installed.", "weather: no", "mind the gap"]


@pytest.mark.parametrize("text", [text for text, (ref, _) in TEXTS.items() if "wave" not in ref])
def test_an_acknowledgement_needs_only_what_the_text_gives(registry: Registry, text: str) -> None:
    ref, parameters = TEXTS[text]
    template = registry.aliases[ref].ack.format
    if template is not None:
        execution = {"id": "5e" * 12, "parameters": parameters}
        context = {"execution": execution, "actionalias": registry.aliases[ref]}
        assert Templates(TemplateSettings()).render(template, context)

"""Whose keys an action reads is decided by who asks, and never by what somebody is called."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import Engine, ExecutionRequest
from tests.engine import world
from tests.engine.workflow_runs.flows import write_flow
from tests.engine.workflow_runs.test_chains import write_chain

PACK = "{name: keyed, ref: keyed, description: Reads keys, version: 1.0.0, author: Tests}"
READS = """
name: reads
runner_type: local-shell-cmd
parameters:
  early: {type: string, default: "{{ st2kv.user.pin }}"}
  cmd: {type: string, immutable: true, default: "echo '<{{ early }}> <{{ st2kv.user.pin }}>'"}
"""
CONFIGURED = """
name: configured
runner_type: local-shell-cmd
parameters: {cmd: {immutable: true, default: "echo '<{{ config_context.pin }}>'"}}
"""
ALIAS = "{name: peek, action_ref: keyed.reads, formats: [peek]}"
FIXED = """
name: fixed
action_ref: core.echo
formats: [fixed]
immutable_parameters: {message: "<{{ st2kv.user.pin }}>"}
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """bob's pin is 'of-bob', alice's is 'of-alice'."""
    settings = world.settings(tmp_path)
    files = {
        "packs/keyed/pack.yaml": PACK,
        "packs/keyed/config.schema.yaml": "{pin: {type: string}}",
        "packs/keyed/actions/reads.yaml": READS,
        "packs/keyed/actions/configured.yaml": CONFIGURED,
        "packs/keyed/aliases/peek.yaml": ALIAS,
        "packs/keyed/aliases/fixed.yaml": FIXED,
        "configs/keyed.yaml": "pin: '{{ st2kv.user.pin }}'",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    made = Engine(settings)
    made.start()
    for user in ("alice", "bob"):
        made.datastore.put("user", "pin", f"of-{user}", user=user)
    yield made
    made.stop()


def by_bob_as_alice(engine: Engine, action: str) -> str:
    """What it prints when bob, whom the chat calls alice, runs it."""
    wanted = ExecutionRequest(action=action, user="bob", context={"api_user": "alice"})
    done = engine.wait(engine.request(wanted).id, timeout_s=60)
    return str(done.result["stdout"])


def test_defaults_read_the_keys_of_who_asks(engine: Engine) -> None:
    assert by_bob_as_alice(engine, "keyed.reads") == "<of-bob> <of-bob>"


def test_so_does_the_configuration_of_a_pack(engine: Engine) -> None:
    assert by_bob_as_alice(engine, "keyed.configured") == "<of-bob>"


@pytest.mark.parametrize(("command", "printed"), [("peek", "<of-bob> <of-bob>"), ("fixed", "<of-bob>")])
def test_so_do_commands_in_chat(engine: Engine, command: str, printed: str) -> None:
    (started,) = engine.run_alias(
        engine.match(command), user="bob", chat_user="alice", source_channel="", source_context={}
    )
    assert engine.wait(started.execution.id, timeout_s=60).result["stdout"] == printed


def test_so_does_a_rerun_of_what_another_asked(engine: Engine) -> None:
    wanted = ExecutionRequest(
        action="keyed.configured", user="alice", context={"api_user": "alice"}, parameters={}
    )
    first = engine.wait(engine.request(wanted).id, timeout_s=60)
    again = engine.wait(engine.rerun(first.id, user="bob", parameters={}).id, timeout_s=60)
    assert again.result["stdout"] == "<of-bob>"


def test_so_do_chains_and_workflows(engine: Engine) -> None:
    chain = write_chain(
        engine,
        "keyed",
        """
        vars: {pin: "{{ st2kv.user.pin }}"}
        chain:
          - {name: read, ref: core.echo, parameters: {message: "{{ pin }} {{ st2kv.user.pin }}"}}
        """,
    )
    flow = write_flow(
        engine,
        "orquestal",
        """
        version: 1.0
        tasks:
          read:
            action: core.echo message=<% st2kv('pin') %>
        """,
    )
    for action, printed in ((chain, "of-bob of-bob"), (flow, "of-bob")):
        wanted = ExecutionRequest(action=action, user="bob", context={"api_user": "alice"})
        done = engine.wait(engine.request(wanted).id, timeout_s=60)
        (child,) = engine.children(done.id)
        assert engine.execution(child).result["stdout"] == printed


def test_a_name_that_was_only_picked_opens_no_keys_of_its_bearer(engine: Engine) -> None:
    wanted = ExecutionRequest(action="keyed.reads", user="~alice", context={"api_user": "alice"})
    done = engine.wait(engine.request(wanted).id, timeout_s=60)
    assert done.result["stdout"] == "<> <>"

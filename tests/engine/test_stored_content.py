"""Rules, trigger types and policies without files, and switches over content of files."""

from typing import Any

import pytest

from engine.errors import BadInput, Conflict, NotFound
from engine.service import Engine

RULE = {"name": "greet", "trigger": {"type": "core.st2.webhook"}, "action": {"ref": "core.noop"}}


def reopened(engine: Engine) -> Engine:
    engine.stop()
    again = Engine(engine.settings)
    again.start()
    return again


def test_what_is_stored_is_content_at_once_and_after_a_restart(engine: Engine) -> None:
    spec = engine.stored.put("rule", RULE, user="alice")
    assert engine.registry.rules["default.greet"] == spec
    assert spec.owner == "alice"
    again = reopened(engine)
    assert again.registry.rules["default.greet"] == spec
    again.stop()


def test_a_reload_keeps_what_is_stored(engine: Engine) -> None:
    engine.stored.put("rule", RULE, user="alice")
    assert "default.greet" in engine.reload().rules


def test_what_is_removed_is_gone(engine: Engine) -> None:
    engine.stored.put("rule", RULE, user="alice")
    engine.stored.remove("rule", "default.greet")
    assert "default.greet" not in engine.registry.rules
    with pytest.raises(NotFound):
        engine.stored.remove("rule", "default.greet")


def test_putting_it_again_replaces_it(engine: Engine) -> None:
    engine.stored.put("rule", RULE, user="alice")
    engine.stored.put("rule", {**RULE, "description": "new"}, user="bob")
    spec = engine.registry.rules["default.greet"]
    assert (spec.description, spec.owner) == ("new", "bob")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({**RULE, "colour": "red"}, "colour"),
        ({**RULE, "criteria": {"trigger.x": {"type": "equal", "pattern": 1}}}, "operator equal not in list"),
        ({"name": "greet"}, "required"),
    ],
)
def test_a_wrong_document_is_refused(engine: Engine, document: Any, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        engine.stored.put("rule", document, user="alice")
    assert "default.greet" not in engine.registry.rules


def test_a_file_is_not_replaced_and_not_removed(engine: Engine) -> None:
    document = {"name": "st2.webhook", "pack": "core"}
    with pytest.raises(Conflict, match="is a file of its pack"):
        engine.stored.put("trigger", document, user="alice")
    with pytest.raises(Conflict, match="is a file of its pack"):
        engine.stored.remove("trigger", "core.st2.webhook")


def test_content_of_files_can_be_switched(engine: Engine) -> None:
    assert engine.registry.actions["core.local"].enabled
    engine.stored.set_enabled("action", "core.local", enabled=False, user="alice")
    assert not engine.registry.actions["core.local"].enabled
    assert not engine.reload().actions["core.local"].enabled
    again = reopened(engine)
    assert not again.registry.actions["core.local"].enabled
    again.stop()


def test_nothing_unknown_is_switched(engine: Engine) -> None:
    with pytest.raises(NotFound, match=r"Did you mean core\.local"):
        engine.stored.set_enabled("action", "core.locl", enabled=False, user="alice")


def test_a_trigger_type_of_the_api_takes_events(engine: Engine) -> None:
    engine.stored.put("trigger", {"name": "thing", "pack": "probe"}, user="alice")
    assert "probe.thing" in engine.rules.table.triggers

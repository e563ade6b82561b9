"""A rule and an event from files, judged as the server would, without a server.

The engine's rooms are heavy, so the command imports this file when it needs it.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cli.exits import Code, CommandError
from engine.api.wire_explain import criterion_document
from engine.content.read_events import read_rule
from engine.content.shape import WrongShape
from engine.content.source import Source
from engine.criteria.compile import compile_criteria
from engine.errors import BadContent
from engine.expressions.jinja import Templates
from engine.expressions.lookups import key_lookups
from engine.rules.explain import explained, masker_for
from engine.rules.gates import gates_for
from engine.rules.identity import WEBHOOK, trigger_of
from engine.settings.content import TemplateSettings
from engine.specs.rule import RuleSpec
from engine.yaml_reader import line_of, read_file, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenEvent:
    payload: Any
    trigger: str = ""
    """Empty: the file holds a bare payload."""
    parameters: Mapping[str, Any] | None = None


class _NoKeys:
    """The datastore of a command without a server: empty."""

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        del scope, name, user
        return None


def rule_from(path: Path) -> RuleSpec:
    """Raises BadContent with file:line, CommandError when there is no such file."""
    text, content = _document(path)
    pack = content.get("pack") if isinstance(content, dict) else None
    folder = path.absolute().parent
    is_in_pack = folder.name == "rules" and (folder.parent / "pack.yaml").exists()
    source = Source(
        pack=str(pack or (folder.parent.name if is_in_pack else "default")),
        pack_folder=folder,
        metadata_file=path.name,
    )
    try:
        return read_rule(content, source)
    except WrongShape as error:
        where = f"{path}:{line_of(text, error.path)}"
        raise BadContent(error.message, hint=error.hint, where=where) from error


def document_from(path: Path) -> Any:
    """A rule as written, once it is known to be right. Raises BadContent, CommandError."""
    pack = rule_from(path).pack
    return {**_document(path)[1], "pack": pack}


def event_from(name: str) -> GivenEvent:
    """JSON or YAML: {"trigger", "payload"} as StackStorm's tester takes it, or a bare payload.

    `-` is standard input. Raises BadContent, CommandError.
    """
    content = read_text(sys.stdin.read(), name="stdin").value if name == "-" else _document(Path(name))[1]
    if isinstance(content, dict) and "payload" in content and "trigger" in content:
        return GivenEvent(
            payload=content["payload"],
            trigger=str(content["trigger"]),
            parameters=content.get("parameters"),
        )
    return GivenEvent(payload=content)


def _document(path: Path) -> tuple[str, Any]:
    if not path.is_file():
        raise CommandError(Code.NOT_FOUND, f"There is no file {path}.")
    text, document = read_file(path, name=str(path))
    return text, document.value


def judge(rule: RuleSpec, event: GivenEvent, *, file: Path) -> dict[str, Any]:
    """{"rule", "matches", "trigger", "criteria", "error", "gates", "notes"}; secrets are hidden."""
    criteria = compile_criteria(rule.criteria, match=rule.extensions.get("x-match"), where=str(file))
    verdict = criteria.evaluate(
        event.payload,
        system=key_lookups(_NoKeys(), user=None)["system"],
        templates=Templates(TemplateSettings()),
        explain=True,
    )
    masker = masker_for(event.payload, {})
    is_its_trigger = _is_its_trigger(rule, event)
    return {
        "rule": rule.ref,
        "matches": verdict.matched and is_its_trigger,
        "trigger": {"wanted": rule.trigger["type"], "given": event.trigger, "matches": is_its_trigger},
        "criteria": [criterion_document(shown) for shown in explained(verdict, file=file, masker=masker)],
        "error": masker.text(verdict.error),
        "gates": [gate.name for gate in gates_for(rule)],
        "notes": _notes(rule, event),
    }


def _is_its_trigger(rule: RuleSpec, event: GivenEvent) -> bool:
    wanted = trigger_of(rule.trigger["type"], rule.trigger.get("parameters"))
    if event.trigger in ("", wanted.ref):
        return True
    if event.trigger != wanted.type_ref:
        return False
    return event.parameters is None or trigger_of(event.trigger, event.parameters).ref == wanted.ref


def _notes(rule: RuleSpec, event: GivenEvent) -> list[str]:
    notes = []
    if not rule.enabled:
        notes.append("The rule is disabled: write `enabled: true`.")
    if rule.criteria and not event.payload:
        notes.append("The payload is empty: with criteria, no rule matches that.")
    written = repr([rule.criteria, rule.extensions.get("x-match")])
    if "system" in written or "st2kv" in written:
        notes.append("The datastore is empty here; the server's may answer otherwise.")
    asks_body = rule.trigger["type"] == WEBHOOK and "trigger.body" in written
    if asks_body and isinstance(event.payload, dict) and "body" not in event.payload:
        notes.append('What a webhook sends stands under `body`: {"body": {...}, "headers": {...}}.')
    return notes

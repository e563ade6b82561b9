"""Differences from StackStorm that can be seen in a definition; each names its row in docs/differences.md."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from engine.content.registry import Registry
from engine.errors import nearest
from engine.migration.calls import calls_of
from engine.migration.finding import Remark, differs, fails, look
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasSpec
from engine.specs.pack import PackSpec
from engine.specs.rule import RuleSpec
from engine.timing.timer import TIMER_TYPES

_SHELL_SIGNS = ("$", "`")
_EXPRESSION = re.compile(r"<%.*?%>|\{\{.*?\}\}", re.DOTALL)
# Actions of StackStorm's own packs that have nothing to do here.
_NOTHING_TO_DO = frozenset({"packs.unload", "packs.restart_component"})
_TRIGGERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "core.st2.generic.inquiry": (
            "Questions are asked in our chats by themselves: the rule would ask twice.",
            "Switch the rule off: stormcrow rule disable",
            "Inquiries",
        ),
        "core.st2.generic.notifytrigger": (
            "Results are said in our chats by themselves; the rule is for other bots.",
            "Routes: chat.routes, docs/reference/notifications.md",
            "Notifications and internal triggers",
        ),
        "core.st2.generic.actiontrigger": (
            "Secrets in trigger.result and trigger.parameters are masked.",
            "",
            "Notifications and internal triggers",
        ),
    }
)


class Known:
    """`registry`: what is on the stage, and what this site has."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry = registry
        self._settings = settings

    def of(self, spec: Any, where: str) -> Iterator[Remark]:
        if isinstance(spec, ActionSpec):
            yield from self._action(spec, where)
        elif isinstance(spec, AliasSpec):
            yield from self._alias(spec, where)
        elif isinstance(spec, RuleSpec):
            yield from self._rule(spec, where)
        for ref, parameters in calls_of(spec):
            yield from _called(ref, parameters, where)

    def of_pack(self, pack: PackSpec) -> Iterator[Remark]:
        where = f"packs/{pack.folder.name}/pack.yaml"
        for dependency in pack.dependencies:
            name = dependency.partition("=")[0].rstrip("/").rpartition("/")[2]
            ref = name.removesuffix(".git").removeprefix("stackstorm-").replace("-", "_")
            if ref and ref not in self._registry.packs and ref != "st2":
                yield look(
                    where, f"It depends on the pack {dependency}, which is not there.", "Install it too."
                )

    def _action(self, action: ActionSpec, where: str) -> Iterator[Remark]:
        runner = action.runner_type
        if runner.startswith("remote-shell") and not self._settings.ssh.accept_new:
            yield differs(
                where,
                "Host keys are checked: a host that is not in known_hosts is refused.",
                "Copy ~/.ssh/known_hosts of the old box, or set ssh.accept_new.",
                row="Runners",
            )
        if runner == "inquirer" and _default(action, "roles"):
            yield differs(
                where, "Its roles are in force.", "Name who has them: people.roles.", row="Inquiries"
            )
        sudo = _default(action, "sudo")
        if runner.startswith("local-shell") and sudo is True and not self._settings.actions.user:
            yield differs(
                where,
                "sudo starts from the account of our server, not from stanley.",
                "Let that account use sudo without a password, or set actions.user.",
                row="Runners",
            )

    def _alias(self, alias: AliasSpec, where: str) -> Iterator[Remark]:
        texts = [text for one in alias.formats for text in one.representations]
        if any("(?P<" in text for text in texts):
            yield differs(
                where,
                "It has named groups: in the API it is listed last, or Hubot stops at it.",
                row="API and access",
            )

    def _rule(self, rule: RuleSpec, where: str) -> Iterator[Remark]:
        trigger = str(rule.trigger["type"])
        about = _TRIGGERS.get(trigger)
        if trigger == "core.st2.action.file_written":
            yield fails(
                where,
                f"{trigger} never fires.",
                "Delete the rule.",
                row="Notifications and internal triggers",
            )
        elif trigger not in self._registry.trigger_types:
            weight = fails if rule.enabled else look
            yield weight(
                where,
                f"There is no trigger type {trigger}, so the rule {rule.ref} never fires.",
                nearest(trigger, self._registry.trigger_types)
                or f"Install the pack {trigger.partition('.')[0]}.",
            )
        elif trigger in TIMER_TYPES:
            yield differs(
                where,
                "A time missed while the server is down fires once, late.",
                "x-misfire: skip drops it.",
                row="Timers",
            )
        elif about is not None:
            yield differs(
                where, about[0], f"{about[1]} {rule.ref}" if "disable" in about[1] else about[1], row=about[2]
            )


def _default(action: ActionSpec, name: str) -> Any:
    parameter = action.parameters.get(name)
    return parameter.default if parameter is not None and parameter.has_default else None


def _called(ref: str, parameters: Mapping[str, Any], where: str) -> Iterator[Remark]:
    if ref in _NOTHING_TO_DO:
        yield fails(where, f"{ref} fails: content is files, and there is one process.", row="Packs")
    if ref == "core.sendmail":
        yield differs(
            where,
            "core.sendmail needs a sendmail program on this machine; it does not fall back to SMTP.",
            row="Packs",
        )
    message = parameters.get("message")
    if ref in ("core.echo", "core.error") and isinstance(message, str) and _is_for_a_shell(message):
        yield differs(where, f"{ref} does not let a shell read the message.", row="Packs")


def _is_for_a_shell(message: str) -> bool:
    return any(sign in _EXPRESSION.sub("", message) for sign in _SHELL_SIGNS)

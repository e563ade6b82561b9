"""The conductor of action chains: one task after the other, the last one decides.

It is a conductor of its own, beside Orquesta's: a chain has one task at a time, no routes, joins or
items, and its templates see other things. What they share is how a host drives them.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import orjson

from engine.errors import BadInput, BadTemplate, IllegalTransition
from engine.expressions.jinja import Templates
from engine.expressions.lookups import key_lookups
from engine.refs import liveaction_id
from engine.workflows.calls import ActionCall, ActionChanged, Command, Delta, Event, Host, TimeCame, Work
from engine.workflows.chain import Chain, Node
from engine.workflows.chain_state import ChainState, Ran
from engine.workflows.conducting import TaskView

_ENDED = frozenset({"succeeded", "failed", "timeout", "abandoned", "canceled"})
_RESTING = frozenset({"paused", "pending"})
# What the chain is when this was its last task.
_LAST = {"succeeded": "succeeded", "failed": "failed", "abandoned": "failed", "timeout": "timeout"}


class ChainConductor:
    """`context`: `st2`, `parent` (the context of the chain's execution), `config` of the pack, `runner`
    (the runner's parameters), `inputs` (the action's)."""

    def __init__(
        self, chain: Chain, state: ChainState, context: Mapping[str, Any], host: Host, templates: Templates
    ) -> None:
        self._chain = chain
        self._state = state
        self._context = context
        self._host = host
        self._templates = templates
        self._wishes: list[str] = []

    @classmethod
    def begin(cls, chain: Chain, context: Mapping[str, Any], host: Host, templates: Templates) -> Self:
        made = cls(chain, ChainState(), context, host, templates)
        state = made._state
        state.apply("status", "running", False)
        try:
            values = made._rendered(chain.vars, {})
        except BadTemplate as error:
            made._end("failed", f"Failed initializing ``vars`` in chain. {error.message}")
            return made
        if values:
            state.apply("vars", values, False)
        made._lead_to(chain.default)
        return made

    # what the host asks

    @property
    def status(self) -> str:
        return self._state.status

    @property
    def is_ended(self) -> bool:
        return self._state.status in _ENDED

    @property
    def result(self) -> dict[str, Any]:
        state = self._state
        made: dict[str, Any] = {"tasks": [self._record(ran) for ran in state.ran]}
        runner = self._context.get("runner") or {}
        if runner.get("display_published", True):
            made["published"] = state.published
        if state.error:
            made.update(error=state.error, traceback="")
        return made

    def take(self, event: Event) -> None:
        if isinstance(event, ActionChanged):
            active = self._state.active
            if active is not None and active.execution_id == event.execution_id:
                self._turned(event)
        elif isinstance(event, Command):
            self._ask(event.wanted)
        elif not isinstance(event, TimeCame):
            raise BadInput("An action chain cannot be run again from a task.", hint="Run all of it again.")

    def work(self) -> Work:
        state = self._state
        calls: list[ActionCall] = []
        if state.status == "running" and state.next:
            call = self._call(self._chain.nodes[state.next])
            if call is not None:
                calls.append(call)
        wishes, self._wishes = self._wishes, []
        active = state.active
        there = (active.execution_id,) if active is not None and not calls else ()
        return Work(
            calls=tuple(calls),
            wind_down=there if "cancel" in wishes else (),
            pause=there if "pause" in wishes else (),
            resume=there if "resume" in wishes else (),
        )

    def delta(self) -> Delta:
        return Delta(data=self._state.taken())

    def snapshot(self) -> Delta:
        self._state.ops.clear()
        return Delta(data=self._state.dump())

    def awaited(self) -> Collection[str]:
        active = self._state.active
        return () if active is None else (active.execution_id,)

    def awaits(self, execution_id: str) -> bool:
        return execution_id in self.awaited()

    def tree(self) -> Sequence[TaskView]:
        return tuple(
            TaskView(
                entry=number,
                task=ran.name,
                status=ran.status,
                action=self._chain.nodes[ran.name].ref,
                execution_ids=(ran.execution_id,),
                started_at=datetime.fromisoformat(ran.created_at),
                ended_at=datetime.fromisoformat(ran.updated_at) if ran.status in _ENDED else None,
            )
            for number, ran in enumerate(self._state.ran)
        )

    # what happens

    def _turned(self, event: ActionChanged) -> None:
        state = self._state
        state.apply("turn", event.status, event.result, self._now())
        if event.status in _RESTING:
            state.apply("status", "paused", state.is_pause_wanted)
        elif event.status not in _ENDED:
            if state.status == "paused" and not state.is_pause_wanted:
                state.apply("status", "running", False)
        elif event.status == "canceled" or state.status == "canceling":
            self._end("canceled")
        else:
            self._follow(event.status)

    def _follow(self, status: str) -> None:
        """Publish, and go to the task that follows on this end."""
        state = self._state
        node = self._chain.nodes[state.ran[-1].name]
        try:
            self._publish(node)
        except BadTemplate as error:
            message = f'Failed rendering value for publish parameter of task "{node.name}": {error.message}'
            self._end("failed", message)
            return
        following = node.on_success if status == "succeeded" else node.on_failure
        if not following:
            self._end(_LAST[status])
            return
        self._lead_to(following)
        if self.is_ended:
            return
        if state.is_pause_wanted:
            state.apply("status", "paused", True)
        elif state.status != "running":
            state.apply("status", "running", False)

    def _publish(self, node: Node) -> None:
        if not node.publish:
            return
        ran = self._state.ran[-1]
        results = self._results()
        context = {**self._inputs(), node.name: ran.result, **results, **self._state.variables}
        values = self._rendered(node.publish, {**context, "__results": results})
        self._state.apply("vars", values, True)

    def _lead_to(self, name: str) -> None:
        if name in self._chain.nodes:
            self._state.apply("next", name)
        else:
            self._end("failed", f'Unable to find node with name "{name}".')

    def _call(self, node: Node) -> ActionCall | None:
        state = self._state
        results = self._results()
        context = {
            **self._inputs(),
            **results,
            **state.variables,
            "__results": results,
            "action_context": self._context.get("parent") or {},
            "config_context": self._context.get("config") or {},
        }
        try:
            parameters = self._rendered(node.parameters, context)
        except BadTemplate as error:
            message = f'Failed to run task "{node.name}". Parameter rendering failed. {error.message}'
            self._end("failed", message)
            return None
        execution_id = self._host.new_id()
        state.apply("call", node.name, execution_id, self._now())
        return ActionCall(
            execution_id=execution_id,
            task_execution_id=execution_id,
            task=node.name,
            route=0,
            entry=len(state.ran) - 1,
            action=node.ref,
            input=parameters,
            note=node.as_context(),
            notify=self._notify(node),
        )

    def _notify(self, node: Node) -> Mapping[str, Any] | None:
        """The node's own section, else the chain's; none for those that are to be skipped."""
        runner = self._context.get("runner") or {}
        if node.name in (runner.get("skip_notify") or ()):
            return None
        if node.notify:
            return node.notify
        given = (self._context.get("parent") or {}).get("notify")
        return given if isinstance(given, Mapping) else None

    def _ask(self, wanted: str) -> None:
        """Raises IllegalTransition."""
        state, active = self._state, self._state.active
        if self.is_ended:
            raise IllegalTransition(f"The chain is {state.status}.")
        self._wishes.append(wanted)
        if wanted == "cancel":
            if active is None:
                self._end("canceled")
            else:
                state.apply("status", "canceling", False)
        elif state.status == "canceling":
            raise IllegalTransition("The chain is canceling.")
        elif wanted == "pause":
            state.apply("status", "pausing" if active is not None else "paused", True)
        else:
            is_resting = active is not None and active.status == "pending"
            state.apply("status", "paused" if is_resting else "running", False)

    def _end(self, status: str, error: str = "") -> None:
        if error:
            self._state.apply("error", error)
        self._state.apply("next", "")
        self._state.apply("status", status, False)

    # what templates see

    def _inputs(self) -> Mapping[str, Any]:
        given: Mapping[str, Any] = self._context.get("inputs") or {}
        return given

    def _results(self) -> dict[str, Any]:
        """By task, the newest of each."""
        return {ran.name: ran.result for ran in self._state.ran if ran.status in _ENDED}

    def _rendered(self, values: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
        """Raises BadTemplate. Only texts of the chain file are templates; what they take in is data."""
        if not values:
            return {}
        about = self._context.get("parent") or {}
        user = str(about.get("api_user") or self._context["st2"]["user"])
        keys = key_lookups(_Keys(self._host), user=user)
        whole = {**(context or self._inputs()), "st2kv": keys, "system": keys["system"]}
        learned: list[str] = []
        try:
            made: dict[str, Any] = self._templates.render_values(dict(values), whole, decrypted=learned)
            return made
        finally:
            self._host.learn(learned)

    def _record(self, ran: Ran) -> dict[str, Any]:
        return {
            "id": ran.name,
            "name": ran.name,
            "execution_id": ran.execution_id,
            "liveaction_id": liveaction_id(ran.execution_id),
            "workflow": None,
            "created_at": ran.created_at,
            "updated_at": ran.updated_at,
            "state": ran.status,
            "result": ran.result,
        }

    def _now(self) -> str:
        return self._host.now().isoformat()


class _Keys:
    """The datastore, as templates look it up."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def get(self, scope: str, name: str, *, user: str | None) -> str | None:
        return self._host.key(f"{scope}.{name}", user=user or "", decrypt=False)


def loaded_state(snapshot: bytes | None, deltas: Sequence[bytes]) -> ChainState:
    state = ChainState() if snapshot is None else ChainState.restore(snapshot)
    for delta in deltas:
        state.replay(orjson.loads(delta or b"[]"))
    return state

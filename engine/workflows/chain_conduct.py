"""The conductor of action chains: one task after the other, each with its own follower.

It has its own small state instead of a place in the graph of Orquesta's conductor: a chain is one
pointer, its variables are one table, and how it ends, what it publishes and which errors it tells
follow rules that are none of Orquesta's. What is shared is what both need: values and results.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from engine.errors import BadInput, IllegalTransition, NotFound
from engine.expressions.jinja import Templates
from engine.workflows.calls import ActionCall, ActionChanged, Command, Delta, Event, Host, Rerun, Work
from engine.workflows.chain import Node
from engine.workflows.chain_scope import TaskResults, moment_of, told, world_of
from engine.workflows.chain_state import ChainState, TaskRun
from engine.workflows.chain_texts import EVERYTHING, ChainPlan, Layers, NodePlan, Texts, Unrendered, render
from engine.workflows.conducting import TaskView
from engine.workflows.results import Results
from engine.workflows.statuses import ABENDED, COMPLETED, STARTING, after_request

_WANTED = {"pause": "paused", "resume": "resuming", "cancel": "canceled"}
_RESTING = frozenset({"pending", "paused"})
# What a task's end makes of the chain, if it is the last one.
_OUTCOMES = {"succeeded": "succeeded", "timeout": "timeout", "failed": "failed", "abandoned": "failed"}


class ChainConductor:
    """`engine.workflows.conducting.Conductor` for chains."""

    def __init__(
        self,
        plan: ChainPlan,
        state: ChainState,
        *,
        context: Mapping[str, Any],
        host: Host,
        templates: Templates,
    ) -> None:
        """`context`: besides `st2` and `parent` (the chain's own execution: its ids and its context) it
        has `config` (the pack's), `runner` (its parameters) and `notify` (of the chain's action)."""
        self._plan = plan
        self._state = state
        self._context = context
        self._host = host
        self._templates = templates
        self._results = Results(host.results)
        self._world = world_of(context, host)
        self._wishes: list[str] = []
        """Pauses, resumptions and cancellations that the host has not heard of."""

    @classmethod
    def begin(
        cls,
        plan: ChainPlan,
        *,
        context: Mapping[str, Any],
        inputs: Mapping[str, Any],
        host: Host,
        templates: Templates,
    ) -> Self:
        conductor = cls(plan, ChainState(host.value), context=context, host=host, templates=templates)
        conductor._begin(inputs)
        return conductor

    # what the host sees

    @property
    def status(self) -> str:
        return self._state.status

    @property
    def is_ended(self) -> bool:
        return self._state.status in COMPLETED

    @property
    def is_broken(self) -> bool:
        return self._state.error is not None

    @property
    def result(self) -> dict[str, Any]:
        """{"tasks": [...], "published": {...}}, with "error" where something outside of the tasks failed."""
        state = self._state
        results = self._results.of([run.execution_id if run.refusal is None else "" for run in state.runs])
        made: dict[str, Any] = {
            "tasks": [told(run, result) for run, result in zip(state.runs, results, strict=True)]
        }
        if self._runner("display_published", default=True):
            made["published"] = {name: value.value for name, value in state.published.items()}
        if state.error is not None:
            made.update(error=state.error, traceback="")
        return made

    def work(self) -> Work:
        state = self._state
        waiting = [] if state.current is None else [state.current.execution_id]
        wishes, self._wishes = self._wishes, []
        calls: tuple[ActionCall, ...] = ()
        if not waiting and state.next and state.status in STARTING:
            calls = self._start(self._plan.nodes[state.next])
        return Work(
            calls=calls,
            wind_down=tuple(waiting) if "cancel" in wishes else (),
            pause=tuple(waiting) if "pause" in wishes else (),
            resume=tuple(waiting) if "resume" in wishes else (),
        )

    def delta(self) -> Delta:
        return Delta(data=self._state.taken(), values=self._state.values.taken())

    def snapshot(self) -> Delta:
        return Delta(data=self._state.dump(), values=self._state.values.taken())

    def awaited(self) -> Collection[str]:
        current = self._state.current
        return () if current is None else (current.execution_id,)

    def awaits(self, execution_id: str) -> bool:
        return execution_id in self.awaited()

    def tree(self) -> Sequence[TaskView]:
        state = self._state
        # One that could not be started has no run, and is what the chain failed at.
        stuck = state.next if state.error is not None and state.next in self._plan.nodes else ""
        last = -1 if stuck else len(state.runs) - 1
        views = [
            TaskView(
                entry=entry,
                task=run.task,
                status=run.status,
                action=self._plan.nodes[run.task].node.ref,
                execution_ids=(run.execution_id,) if run.refusal is None else (),
                is_terminal=self.is_ended and entry == last,
                started_at=moment_of(run.started_ms),
                ended_at=None if run.ended_ms is None else moment_of(run.ended_ms),
            )
            for entry, run in enumerate(state.runs)
        ]
        if stuck:
            ref = self._plan.nodes[stuck].node.ref
            views.append(
                TaskView(entry=len(views), task=stuck, status="failed", action=ref, is_terminal=True)
            )
        return views

    # what happens

    def take(self, event: Event) -> None:
        """Raises IllegalTransition or BadInput for a wish that makes no sense now."""
        if isinstance(event, ActionChanged):
            if self.awaits(event.execution_id):
                self._turned(event)
        elif isinstance(event, Command):
            self._ask(event.wanted)
        elif isinstance(event, Rerun):
            self._rerun(event.tasks)

    def _begin(self, inputs: Mapping[str, Any]) -> None:
        state = self._state
        self._set_status("running")
        given = state.values.seal_all(inputs)
        # Here the parameters come before the datastore, as in StackStorm.
        layers = ({name: value.value for name, value in given.items()}, {"st2kv": self._world["st2kv"]})
        try:
            variables = self._rendered(self._plan.vars, layers)
        except Unrendered as error:
            state.apply("begin", given, {})
            self._stop(f"Failed initializing ``vars`` in chain.. {error.message}")
            return
        state.apply("begin", given, state.values.seal_all(variables))
        # A default that is no task is a template, which is not rendered: there is nothing to do.
        default = self._plan.chain.default
        state.apply("next", default if default in self._plan.nodes else "", "succeeded")
        self._end_if_nothing_follows()

    def _start(self, plan: NodePlan) -> tuple[ActionCall, ...]:
        node = plan.node
        try:
            parameters = self._rendered(plan.parameters, self._layers(plan.parameters))
        except Unrendered as error:
            self._stop(
                f'Failed to run task "{node.name}". Parameter rendering failed.. Failed rendering value for '
                f'action parameter "{error.name}" in task "{node.name}" (template string={error.text}): '
                f"{error.message}"
            )
            return ()
        state = self._state
        execution_id = self._host.new_id()
        state.apply("call", node.name, execution_id, self._now_ms())
        if state.status != "running":
            self._set_status("running")
        return (
            ActionCall(
                execution_id=execution_id,
                task_execution_id=execution_id,
                task=node.name,
                route=0,
                entry=len(state.runs) - 1,
                action=node.ref,
                input=parameters,
                note={**node.as_context(), "notify": self._notify_of_files(node)},
                notify=self._notify_of_request(node),
            ),
        )

    def _turned(self, event: ActionChanged) -> None:
        state = self._state
        run = state.runs[-1]
        if isinstance(event.refused, NotFound):
            self._unknown(run, event.refused)
        elif event.status in COMPLETED:
            self._ended(run, event)
        elif event.status != run.status:
            state.apply("turn", event.status)
            if event.status in _RESTING and state.status in ("running", "resuming", "pausing"):
                self._set_status("paused")
            elif event.status in ("running", "resuming") and state.status in ("paused", "resuming"):
                # A pause that somebody asked for holds, whoever has set the task going.
                self._set_status("paused" if state.is_pause_wanted else "running")

    def _unknown(self, run: TaskRun, error: NotFound) -> None:
        ref = self._plan.nodes[run.task].node.ref
        self._state.apply("withdraw")
        self._stop(f'Failed to run task "{run.task}". Action with reference "{ref}" doesn\'t exist.. {error}')

    def _ended(self, run: TaskRun, event: ActionChanged) -> None:
        state = self._state
        refusal = None
        if event.refused is not None:
            words = f'Failed running task "{run.task}".. {event.refused}'
            refusal = state.values.seal({"error": words, "traceback": ""})
        else:
            self._results.hold(run.execution_id, event.result)
            self._results.release([run.execution_id])
        state.apply("end", event.status, self._now_ms(), refusal)
        plan = self._plan.nodes[run.task]
        node = plan.node
        if refusal is None and plan.publish.values:
            try:
                published = self._rendered(plan.publish, self._layers(plan.publish))
            except Unrendered as error:
                state.apply("next", "", "failed")
                self._stop(
                    f'Failed rendering value for publish parameter "{error.name}" in task "{node.name}" '
                    f"(template string={error.text}): {error.message}"
                )
                return
            state.apply("publish", state.values.seal_all(published))
        if event.status == "canceled":
            self._set_status("canceled")
            return
        follower = node.on_success if event.status == "succeeded" else node.on_failure
        state.apply("next", follower, _OUTCOMES[event.status])
        if follower and follower not in self._plan.nodes:
            self._stop(f'Failed to get next node "{node.name}".. Unable to find node with name "{follower}".')
        elif state.status == "canceling":
            self._set_status("canceled")
        elif state.is_pause_wanted:
            self._set_status("paused")
        else:
            self._set_status("running")
            self._end_if_nothing_follows()

    def _ask(self, wish: str) -> None:
        state = self._state
        current = state.current
        is_active = current is not None and current.status not in _RESTING
        # A task that waits or rests must be cancelled itself before the chain is.
        is_busy = current is not None if wish == "cancel" else is_active
        status = after_request(state.status, _WANTED[wish], is_active=is_busy)
        self._set_status(status, is_pause_wanted=wish == "pause")
        self._wishes.append(wish)
        if wish == "resume" and current is None:
            self._set_status("running")
            self._end_if_nothing_follows()
        elif wish == "resume" and is_active:
            self._set_status("running")

    def _rerun(self, tasks: Sequence[str]) -> None:
        state = self._state
        if not self.is_ended:
            raise IllegalTransition(
                "Unable to rerun workflow because it is not in a completed state.",
                hint=f"It is {state.status}. Cancel it first, or wait for its end.",
            )
        # What could not be started has no run, and stands as the next one.
        known = {run.task for run in state.runs} | ({state.next} & self._plan.nodes.keys())
        names = list(dict.fromkeys(tasks)) or self._failed()
        if not names:
            raise BadInput(
                "No task of this chain has failed.",
                hint="Name the task to go on from, or run the action again.",
            )
        missing = [name for name in names if name not in known]
        if missing:
            raise BadInput(
                "Unable to rerun workflow because one or more tasks is not found: " + ", ".join(missing),
                hint=f"Tasks that ran: {', '.join(sorted(known)) or 'none'}.",
            )
        if len(names) != 1:
            raise BadInput(
                "A chain runs again from one task.", hint="Name the first one; the others follow on it."
            )
        state.apply("error", None)
        state.apply("next", names[0], "succeeded")
        self._set_status("running")

    def _failed(self) -> list[str]:
        state = self._state
        if state.error and state.next in self._plan.nodes:
            return [state.next]
        return [run.task for run in state.runs[-1:] if state.error or run.status in ABENDED]

    # what both do

    def _set_status(self, status: str, *, is_pause_wanted: bool | None = None) -> None:
        state = self._state
        wanted = state.is_pause_wanted if is_pause_wanted is None else is_pause_wanted
        state.apply("status", status, wanted)

    def _stop(self, error: str) -> None:
        """Something outside of the tasks failed. A cancelled chain is cancelled all the same."""
        state = self._state
        state.apply("error", error)
        self._set_status("canceled" if state.status == "canceling" else "failed")

    def _end_if_nothing_follows(self) -> None:
        if not self._state.next:
            self._set_status(self._state.outcome)

    def _rendered(self, texts: Texts, layers: Layers) -> dict[str, Any]:
        decrypted: list[str] = []
        try:
            return render(texts, layers, self._templates, decrypted=decrypted)
        finally:
            if decrypted:
                self._host.learn(decrypted)

    def _layers(self, texts: Texts) -> Layers:
        state = self._state
        variables = {name: value.value for name, value in state.vars.items()}
        inputs = {name: value.value for name, value in state.inputs.items()}
        results = TaskResults(state, self._results)
        # All of them at once are fetched only where somebody wants them.
        every = {"__results": dict(results)} if texts.uses & {"__results", EVERYTHING} else {}
        return (every, self._world, variables, results, inputs)

    def _runner(self, name: str, *, default: Any) -> Any:
        found = (self._context.get("runner") or {}).get(name)
        return default if found is None else found

    def _notify_of_files(self, node: Node) -> Mapping[str, Any] | None:
        """What the chain's file or its action say; empty: nobody is told of the task's end."""
        if node.name in self._runner("skip_notify", default=()):
            return {}
        return node.notify or self._context.get("notify")

    def _notify_of_request(self, node: Node) -> Mapping[str, Any] | None:
        """What whoever asked for the chain said."""
        if node.notify or node.name in self._runner("skip_notify", default=()):
            return None
        told: Mapping[str, Any] | None = self._context["parent"].get("notify")
        return told

    def _now_ms(self) -> int:
        return int(self._host.now().timestamp() * 1000)

"""The engine as one object: the only thing that the bot, the API and the command line hold."""

import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import IO, Any

from engine.access import ADMIN, Access, new_key
from engine.alerts.board import TRIGGER as ALERT
from engine.alerts.board import AlertBoard
from engine.alerts.routing import PACK as ALERTS_PACK
from engine.alerts.routing import Routing
from engine.alias_executions import AliasExecution, AliasExecutions, ResultText
from engine.aliases.index import AliasIndex
from engine.aliases.match import AliasMatch
from engine.content.loader import ContentLoader
from engine.content.registry import Content, Registry
from engine.dispatch import Dispatch
from engine.errors import EngineError, NotFound, StoreFailure
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.live_secrets import LiveSecrets
from engine.expressions.params import Plans
from engine.held_rules import HeldRules
from engine.installer.switching import State
from engine.internal_triggers import KINDS, READER, InternalTriggers
from engine.notices import Notice, tell
from engine.output import OutputLog
from engine.pack_configs import PackConfigs
from engine.policies.admission import Admission
from engine.policies.table import PolicyTable
from engine.preparation import Preparation
from engine.records.access import ApiKey, Requester
from engine.records.datastore import DatastoreKey
from engine.records.execution import Execution, ExecutionFilter, ExecutionRequest, OutputChunk
from engine.records.policy import PlaceInLine
from engine.records.trigger import Emitted, Event
from engine.recovery import Recovery
from engine.rules.evaluate import RuleEngine
from engine.rules.explain import RuleExplainer
from engine.rules.history import TriggerHistory
from engine.rules.payloads import Payloads
from engine.rules.table import RuleTable
from engine.rules.traces import Traces
from engine.runner_set import RunnerSet
from engine.schedules.assembly import ScheduleParts, make_schedules
from engine.sensors.assembly import SensorParts, make_sensors
from engine.settings import Settings, local_url
from engine.starts import Starts
from engine.store import executions as store
from engine.store import policies as policy_store
from engine.store.backends import configured
from engine.store.database import Database, Listener, sqlite_url
from engine.store.datastore import Datastore
from engine.store.expiry import Expiry
from engine.store.key_ring import KeyRing
from engine.store.keyczar import read_key
from engine.store.reader import Handle, JournalReader, Wants
from engine.store.seals import Seals
from engine.store.vault import write_private
from engine.stored_content import StoredContent
from engine.timers import Timers
from engine.triggers import Triggers
from engine.webhooks.intake import Webhooks

__all__ = ["AliasExecution", "Engine", "ExecutionFilter", "ExecutionRequest", "ResultText"]

log = logging.getLogger(__name__)

SHIPPED_PACKS = Path(__file__).with_name("shipped_packs")


class Engine:
    """Made with settings, then `start()`ed; `stop()` may be called from any thread, more than once.

    Opening takes the data folder for this process alone. Raises StoreFailure when another server
    has it, or when it cannot be used.
    """

    def __init__(self, settings: Settings, *, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: the server's own, os.environ by default; little of it reaches actions."""
        self.settings = settings
        environment = os.environ if environment is None else environment
        backends = configured(settings.datastore.backends, environment=environment, root=settings.path("."))
        st2_file = settings.datastore.st2_key_file
        st2_key = read_key(settings.path(st2_file)) if st2_file else None
        self.folder = _data_folder(settings.data_folder)
        self._lock_file = _lock(self.folder)
        url = settings.store.url or sqlite_url(self.folder)
        self.database = Database(url, durability=settings.store.durability)
        ring = KeyRing(self.folder / "secret.key")
        self.vault = ring.vault
        self.seals = Seals(self.database, ring)
        self.datastore = Datastore(self.database, self.vault, backends, st2_key=st2_key)
        self._expiry = Expiry(self.database, self.datastore)
        self.live_secrets = LiveSecrets()
        self.templates = Templates(settings.templates, decrypt=self._decrypted)
        self.plans = Plans()
        loader = ContentLoader(settings, shipped=shipped_packs())
        self.content = Content(loader)
        self._api_url = local_url(settings)
        self.preparation = Preparation(
            self.content,
            self.plans,
            self.templates,
            self.datastore,
            api_url=lambda: self._api_url,
            pack_folders=loader.places.bases,
            live_secrets=self.live_secrets,
        )
        self.configs = PackConfigs(self.content, folder=settings.path(settings.content.configs))
        self._admission = Admission(self.vault)
        self._starts = Starts(self._admission, user=settings.events.user)
        self._executions = Executions(
            self.database,
            self.content,
            self.plans,
            self.vault,
            self._starts,
            scope_for=self.preparation.scope,
            result_limit_bytes=settings.actions.result_limit_bytes,
        )
        self._access = Access(self.database, self.vault, execution=self._execution_or_none)
        self._aliases = AliasExecutions(
            self.content,
            self._executions,
            self.plans,
            self.templates,
            self.datastore,
            web_url=settings.public_url,
        )
        self._alias_index = AliasIndex(self.content.current)
        self._indexed, self._indexed_actions = self.content.current.aliases, self.content.current.actions
        self.stored = StoredContent(self.database, self.content)
        self.rules = RuleEngine(
            self.content,
            self._executions,
            self.plans,
            self.templates,
            self.datastore,
            payloads=Payloads(self.vault),
            scope_for=self.preparation.scope,
            user=settings.events.user,
        )
        self.alerts = AlertBoard(
            self.database, default_channel=settings.events.channel or settings.chat.channels[0]
        )
        self.held = HeldRules(self.database, self.rules)
        self.history = TriggerHistory(self.database)
        self.traces = Traces(self.database)
        self.explainer = RuleExplainer(self.rules, self.history, root=settings.root)
        self.triggers = Triggers(
            self.database,
            self.rules,
            queue_limit=settings.events.queue_limit,
            depth_limit=settings.events.depth_limit,
        )
        self.triggers.attach(ALERT, self.alerts.take)
        self.rules.places[ALERT] = self.alerts.place
        self.webhooks = Webhooks(
            content=self.content,
            rules=self.rules,
            database=self.database,
            datastore=self.datastore,
            refused_limit=settings.events.refused_limit,
        )
        self.runners = RunnerSet(settings, environment=environment)
        self.sensors = make_sensors(
            SensorParts(
                settings=settings,
                content=self.content,
                database=self.database,
                datastore=self.datastore,
                preparation=self.preparation,
                access=self._access,
                rules=self.rules,
                triggers=self.triggers,
                tell=self.tell,
            ),
            server=self._server_id(),
            environment=environment,
        )
        self._internal_triggers = InternalTriggers(
            self.content,
            self.plans,
            self.templates,
            self.datastore,
            self.triggers,
            chat=settings.chat,
            read=self._executions.get,
        )
        self.timers = Timers(self.database, self.triggers, self.rules, refresh=self.stored.refresh)
        self.schedules = make_schedules(
            ScheduleParts(
                database=self.database,
                content=self.content,
                stored=self.stored,
                timers=self.timers,
                rules=self.rules,
                executions=self._executions,
                aliases=self._aliases,
                plans=self.plans,
                match=self.match,
            ),
            zone=settings.chat.timezone,
        )
        self._readers: list[JournalReader] = []
        self._is_started = False
        self.admin_key: str | None = None
        """The key made at the first start, for this once."""

    # start and stop

    def start(self) -> None:
        """Open the database, load content, recover, run. Raises StoreFailure."""
        self.database.start()
        self.seals.open()
        self.stored.load()
        self.content.merge = self.stored.merge
        self.content.attach(self._compile)
        self._settle_installs()
        self.content.reload()
        self._make_admin_key()
        self._outputs = OutputLog(self.database)
        server = self._server_id()
        self._dispatch = Dispatch(
            self.database,
            self._executions,
            self._starts,
            self._outputs,
            runner_for=self.runners.get,
            prepare=lambda claim: self.preparation.request(
                claim, executions=self._executions, access=self._access
            ),
            hide=self.preparation.hide,
            recovery=Recovery(
                self.database,
                self._executions,
                server=server,
                lease_s=self.settings.actions.lease_s,
                mark=self.folder / "journal.mark",
            ),
            server=server,
            workers=self.settings.actions.workers,
            limits=self.settings.actions.limits,
        )
        self.runners.start()
        fires = self._internal_triggers
        self.subscribe(READER, fires.handle, kinds=KINDS, shares=True, wants=fires.wants)
        self._dispatch.start()
        self.alerts.start()
        self.webhooks.start()
        self.triggers.start()
        self._expiry.start()
        self.held.start()
        self.timers.start()
        self._is_started = True

    def stop(self) -> None:
        """Local actions go on without us; the next start collects them."""
        if self._is_started:
            self._is_started = False
            # While events are still taken: what a sensor was about to say is heard.
            self.sensors.stop()
            self._expiry.stop()
            self.timers.stop()
            self.triggers.stop()
            self.held.stop()
            self.alerts.stop()
            self._dispatch.stop(timeout_s=self.settings.server.shutdown_s)
            for reader in self._readers:
                reader.stop()
            self._outputs.stop()
            self.runners.close()
        self.database.close()
        if not self._lock_file.closed:
            self._lock_file.close()

    @property
    def is_ready(self) -> bool:
        return self._is_started

    @property
    def running(self) -> int:
        """How many actions this server runs right now."""
        return self._dispatch.running if self._is_started else 0

    # content

    @property
    def registry(self) -> Registry:
        return self.content.current

    def reload(self) -> Registry:
        """Read all content anew. Broken files are in the result's `unavailable`."""
        self._settle_installs()
        return self.content.reload()

    def _settle_installs(self) -> None:
        """Finish or undo what installers left behind that were killed; see engine/installer."""
        for ref in State(self.folder / "installer").recover():
            log.warning("the pack %s was being switched when its installer was killed; that is done now", ref)

    def _compile(self, registry: Registry) -> None:
        # Built aside, then swapped: nobody matches against half an index.
        if registry.aliases is not self._indexed or registry.actions is not self._indexed_actions:
            self._alias_index = AliasIndex(registry)
            self._indexed, self._indexed_actions = registry.aliases, registry.actions
        self.rules.table = RuleTable(registry)
        self._admission.adopt(PolicyTable(registry))
        if self._is_started:
            self._dispatch.look_again()
        self._route_alerts(registry)
        self.timers.wake(rules_changed=True)

    def _route_alerts(self, registry: Registry) -> None:
        pack = registry.packs.get(ALERTS_PACK)
        if pack is None:
            return
        try:
            self.alerts.routing = Routing.of(self.preparation.config(pack, self.settings.events.user))
        except (EngineError, KeyError, TypeError, ValueError) as error:
            log.error("the configuration of the pack %s cannot be used: %s", ALERTS_PACK, error)

    # executions

    def request(self, wanted: ExecutionRequest) -> Execution:
        """Committed when it returns. Raises NotFound, BadParameter, BadInput, BadTemplate."""
        return self._executions.submit(wanted).result()

    def submit(self, wanted: ExecutionRequest) -> "Future[Execution]":
        """Like `request`: refuses at once, by raising; the future is done when it is committed."""
        return self._executions.submit(wanted)

    def execution(self, execution_id: str) -> Execution:
        """By id, by a unique ending of one (6 characters or more), or `last`. Raises NotFound, BadInput."""
        return self._executions.get(execution_id)

    def executions(self, wanted: ExecutionFilter) -> tuple[list[Execution], int]:
        """The page, and how many there are in all."""
        with self.database.read() as connection:
            return store.page(connection, wanted)

    def children(self, execution_id: str) -> list[str]:
        with self.database.read() as connection:
            return store.children(connection, execution_id)

    def ended(self, execution_id: str) -> "Future[Execution]":
        """Done when the execution has ended (at once, when it has). Raises NotFound."""
        return self._executions.ended(execution_id)

    def wait(self, execution_id: str, *, timeout_s: float) -> Execution:
        """Returns at the end of the execution, or at the timeout with what it is then."""
        future = self._executions.ended(execution_id)
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            self._executions.give_up(execution_id, future)
            return self._executions.get(execution_id)

    def give_up(self, execution_id: str, future: "Future[Execution]") -> None:
        """The caller of `ended` does not wait any more."""
        self._executions.give_up(execution_id, future)

    def output(self, execution_id: str, *, after: int = 0, kind: str | None = None) -> list[OutputChunk]:
        """What the action printed, from chunk `after` on; secrets are masked."""
        with self.database.read() as connection:
            return store.output(connection, execution_id, after=after, kind=kind)

    def place_in_line(self, execution_id: str) -> PlaceInLine | None:
        """Where a delayed execution waits; None when it does not (any more)."""
        with self.database.read() as connection:
            return policy_store.place_of(connection, execution_id)

    def cancel(self, execution_id: str, *, user: str) -> Execution:
        """Really stops the action. Raises NotFound, IllegalTransition."""
        return self._executions.cancel(execution_id, user=user)

    def rerun(
        self,
        execution_id: str,
        *,
        user: str,
        parameters: Mapping[str, Any],
        merge: bool = True,
        delay_ms: int = 0,
        context: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """The same action again, with the old parameters under the new ones."""
        return self._executions.rerun(
            execution_id,
            user=user,
            parameters=parameters,
            merge=merge,
            delay_ms=delay_ms,
            context=context or {},
            idempotency_key=idempotency_key,
        )

    def _execution_or_none(self, execution_id: str) -> Execution | None:
        try:
            return self._executions.get(execution_id)
        except NotFound:
            return None

    # aliases

    def match(self, text: str) -> AliasMatch:
        """Raises NoMatch (none, or several), with the nearest commands in the hint; BadParameter."""
        return self._alias_index.match(text)

    def concealed(self, text: str) -> str:
        """A command as it may be kept: the values of secret parameters are ********."""
        try:
            return self._aliases.concealed(self._alias_index.match(text))
        except EngineError:
            # Nothing will be run, and nobody knows what in it would be secret.
            return text

    @property
    def alias_index(self) -> AliasIndex:
        return self._alias_index

    def run_alias(
        self,
        match: AliasMatch,
        *,
        user: str,
        chat_user: str,
        source_channel: str,
        source_context: Mapping[str, Any],
        extra_context: Mapping[str, Any] | None = None,
        notify_route: str = "",
        idempotency_key: str | None = None,
    ) -> list[AliasExecution]:
        """One execution per match (several only with match_multiple), all committed.

        `notify_route`: who is told of each end.
        """
        context = {
            **(extra_context or {}),
            **({"source_context": dict(source_context)} if source_context else {}),
        }
        return self._aliases.run(
            match,
            user=user,
            chat_user=chat_user,
            source_channel=source_channel,
            context=context,
            notify_route=notify_route,
            idempotency_key=idempotency_key,
        )

    def result_text(self, execution: Execution) -> ResultText:
        """The alias' result template, or the default one, rendered for a finished execution."""
        return self._aliases.result_text(execution)

    # events

    def emit(self, event: Event) -> Emitted:
        """An event with all that follows from it, committed when it returns.

        Raises NotFound, BadInput, Busy.
        """
        return self.triggers.emit(event)

    def tell(self, notice: Notice) -> None:
        """Have something said in a chat; durable when it returns."""
        self.database.write(lambda connection: tell(connection, notice))

    # secrets

    def read_in_clear(self, key: DatastoreKey, *, execution_id: str | None) -> None:
        """Somebody was given the value of a secret key: hide it in our log, and in what the run says
        that asked for it. Call it before the value is handed out."""
        self.live_secrets.note([key.value])
        if execution_id is not None:
            self._executions.learn(execution_id, [key.value])
            self._dispatch.learn(execution_id, [key.value])

    def _decrypted(self, text: str) -> str:
        value = self.datastore.decrypt(text)
        self.live_secrets.note([value])
        return value

    # journal

    def subscribe(
        self,
        reader: str,
        handle: Handle,
        *,
        kinds: Collection[str],
        shares: bool = False,
        wants: Wants = lambda _entry: True,
    ) -> Callable[[], None]:
        """Follow the journal from the cursor of `reader` in a thread of its own (engine.store.reader
        says how); returns what ends it."""
        made = JournalReader(self.database, reader, handle, kinds=kinds, shares=shares, wants=wants)
        self._readers.append(made)
        return made.stop

    def attach(self, listener: Listener) -> Callable[[], None]:
        """Be told of journal entries right after each commit, from the writer's thread, without a
        cursor: for live views. Must return at once. Also told, with id 0: `execution.output`
        (subject: the execution, data: {"seq": the newest chunk})."""
        return self.database.attach(listener)

    # access

    def authenticate(self, *, api_key: str | None = None, token: str | None = None) -> Requester:
        """Raises Unauthenticated."""
        return self._access.authenticate(api_key=api_key, token=token)

    def create_api_key(self, *, user: str, metadata: Mapping[str, Any]) -> tuple[str, ApiKey]:
        """The key in clear, for this once, and its record."""
        return self._access.create_key(user=user, metadata=metadata)

    def api_keys(self) -> list[ApiKey]:
        return self._access.keys()

    def set_api_key_enabled(self, key_id: str, *, enabled: bool) -> ApiKey:
        return self._access.set_enabled(key_id, enabled=enabled)

    def revoke_api_key(self, key_id: str) -> None:
        self._access.revoke(key_id)

    def _make_admin_key(self) -> None:
        """The first start makes a key for the administrator, in a file that stands alone."""
        path = self.folder / "admin.key"
        if self._access.keys():
            return
        clear = new_key()
        # The file first: a stored key whose file was never written would lock everybody out.
        write_private(path, f"{clear}\n".encode())
        self._access.create_key(user=ADMIN, metadata={"made_by": "the first start"}, clear=clear)
        self.admin_key = clear

    def _server_id(self) -> str:
        path = self.folder / "server.id"
        if not path.exists():
            write_private(path, secrets.token_hex(8).encode())
        return path.read_text().strip()


def shipped_packs() -> Path:
    """The packs that came with us: inside an installed wheel, or beside the code in a checkout."""
    return SHIPPED_PACKS if SHIPPED_PACKS.is_dir() else Path(__file__).resolve().parent.parent / "packs"


def _data_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    except OSError as error:
        raise StoreFailure(
            f"The data folder {folder} cannot be used: {error.strerror}.",
            hint="Set store.data, or use --data.",
        ) from error
    return folder


def _lock(folder: Path) -> IO[str]:
    """Held until this process ends; the kernel lets go of it even after kill -9."""
    descriptor = os.open(folder / "server.lock", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    file = os.fdopen(descriptor, "a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise StoreFailure(
            f"Another Stormcrow (process {owner}) is using the data folder {folder}.",
            hint="Stop it first, or give this one a folder of its own with --data.",
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file

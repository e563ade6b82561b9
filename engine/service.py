"""The engine as one object: the only thing that the bot, the API and the command line hold."""

import logging
import os
from collections.abc import Mapping
from dataclasses import replace

from engine.access import ADMIN, API_KEY, TOKEN, Access
from engine.accounts import Accounts
from engine.alias_calls import AliasCalls
from engine.alias_executions import AliasExecution, AliasExecutions, ResultText
from engine.aliases.index import AliasIndex
from engine.audit import Audit
from engine.chat_states import ChatStates
from engine.content.loader import ContentLoader
from engine.content.registry import Content, Registry
from engine.content_calls import ContentCalls
from engine.dispatch import Dispatch
from engine.errors import NotFound, Unauthenticated
from engine.events import EventParts, Events
from engine.execution_calls import ExecutionCalls
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.live_secrets import LiveSecrets
from engine.expressions.params import Plans
from engine.foundation import Foundation, shipped_packs
from engine.internal_triggers import KINDS, READER
from engine.journal_calls import JournalCalls
from engine.log_facts import learn
from engine.logins import Logins
from engine.names import Names
from engine.output import OutputLog
from engine.outside.configured import Outside
from engine.pack_configs import PackConfigs
from engine.people import People
from engine.pipelines.desk import READER as PIPELINES
from engine.pipelines.desk import Pipelines
from engine.policies.admission import Admission
from engine.policies.table import PolicyTable
from engine.preparation import Preparation
from engine.records.access import Requester
from engine.records.datastore import DatastoreKey
from engine.records.execution import Execution, ExecutionFilter, ExecutionRequest
from engine.records.trigger import Emitted, Event
from engine.recovery import Recovery
from engine.retention import Retention
from engine.rights.denials import Denials
from engine.rights.room import Rights
from engine.runner_set import RunnerSet
from engine.settings import Settings, local_url
from engine.specs.runner_type import WORKFLOWS
from engine.starts import Starts
from engine.steps import CHANGED
from engine.store.reader import JournalReader
from engine.stories import Stories
from engine.subjects import RUNNER as INQUIRER
from engine.user_file import UserFile
from engine.watching import Watched, Watching
from engine.worker import Worker
from engine.workflow_files import WorkflowFiles
from engine.workflow_runs.runs import WorkflowRuns

__all__ = ["AliasExecution", "Engine", "ExecutionFilter", "ExecutionRequest", "ResultText"]

log = logging.getLogger(__name__)


class Engine(ContentCalls, ExecutionCalls, AliasCalls, JournalCalls):
    """Made with settings, then `start()`ed; `stop()` may be called from any thread, more than once.

    Opening takes the data folder for this process alone. Raises StoreFailure when another server
    has it, or when it cannot be used.
    """

    def __init__(self, settings: Settings, *, environment: Mapping[str, str] | None = None) -> None:
        """`environment`: the server's own, os.environ by default; little of it reaches actions."""
        self.settings = settings
        self.chats = ChatStates()
        environment = os.environ if environment is None else environment
        self._foundation = Foundation(settings, environment=environment)
        self.folder = self._foundation.folder
        self.database = self._foundation.database
        self.vault = self._foundation.vault
        self.seals = self._foundation.seals
        self.datastore = self._foundation.datastore
        self.accounts = Accounts(self.database, self.vault)
        # What entries of the settings say of CI jobs counts as if it stood under people.
        roles = settings.named_roles
        self.people = People(replace(settings.people, roles=roles), self.accounts)
        self.outside = Outside(settings, self.database)
        self.people.trust(self.outside.groups.members)
        self.live_secrets = LiveSecrets()
        self.templates = Templates(settings.templates, decrypt=self._decrypted)
        self.plans = Plans()
        loader = ContentLoader(settings, shipped=shipped_packs())
        self.content = Content(loader)
        self.rights = Rights(self.content, self.people, roles=roles, always=(ADMIN, settings.events.user))
        self.denials, self.audit = Denials(self.database), Audit(self.database, settings.audit)
        self._api_url = local_url(settings)
        self.preparation = Preparation(
            self.content,
            self.plans,
            self.templates,
            self.datastore,
            api_url=lambda: self._api_url,
            pack_folders=loader.places.bases,
            live_secrets=self.live_secrets,
            trace_environment=lambda execution: self.watching.environment(execution),  # noqa: PLW0108 - made later
            validates_output=settings.actions.validate_output_schema,
        )
        self.configs = PackConfigs(self.content, self.audit, folder=settings.path(settings.content.configs))
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
        self._workflow_files = WorkflowFiles()
        self.workflows = WorkflowRuns(
            self.database,
            self._executions,
            self.content,
            self.vault,
            self.datastore,
            templates=self.templates,
            hide=self.preparation.hide_of,
        )
        self._users = UserFile(self.folder / "users")
        self.access = Access(
            self.database,
            self.vault,
            self._users,
            execution=self._execution_or_none,
            sources=self.outside.stamps,
        )
        self.logins = Logins(
            self.access,
            self._users,
            self.outside,
            self.audit,
            longest_s=settings.auth.token_life_s,
            may_impersonate=self.rights.may_impersonate,
        )
        self._aliases = AliasExecutions(
            self.content,
            self._executions,
            self.plans,
            self.templates,
            self.datastore,
            rights=self.rights,
            web_url=settings.public_url,
        )
        self.alias_index = AliasIndex(self.content.current)
        self._indexed, self._indexed_actions = self.content.current.aliases, self.content.current.actions
        self.pipelines = Pipelines(
            self.database,
            self.vault,
            self.content,
            self._executions,
            self._aliases,
            index=lambda: self.alias_index,
        )
        self.runners = RunnerSet(settings, environment=environment)
        self._events = events = Events(
            EventParts(
                settings=settings,
                foundation=self._foundation,
                content=self.content,
                executions=self._executions,
                access=self.access,
                aliases=self._aliases,
                preparation=self.preparation,
                plans=self.plans,
                templates=self.templates,
                match=self.match,
                tell=self.tell,
                people=self.people,
                rights=self.rights,
                live_secrets=self.live_secrets,
            ),
            environment=environment,
        )
        self.stored, self.triggers, self.rules = events.stored, events.triggers, events.rules
        self.history, self.traces, self.explainer = events.history, events.traces, events.explainer
        self.alerts, self.webhooks, self.held = events.alerts, events.webhooks, events.held
        self.sensors, self.timers, self.schedules = events.sensors, events.timers, events.schedules
        self.inquiries, self.callbacks = events.inquiries, events.callbacks
        self._readers: list[JournalReader] = []
        self.retention = Retention(self.database, settings.retention, readers=lambda: list(self._readers))
        self.watching = self._watching()
        self._is_started = False
        self.admin_key: str | None = None
        """The key made at the first start, for this once."""

    # start and stop

    def start(self) -> None:
        """Open the database, load content, recover, run. Raises StoreFailure."""
        self._foundation.start()
        self.accounts.load()
        self.outside.groups.load()
        self.stored.load()
        self.content.merge = self.stored.merge
        self.content.attach(self._compile)
        self._settle_installs()
        self._workflow_files.look(self.content.reload())
        self.admin_key = self.access.first_key(self.folder)
        self._outputs = OutputLog(self.database)
        server = self._foundation.server_id()
        recovery = Recovery(
            self.database,
            self._executions,
            server=server,
            lease_s=self.settings.actions.lease_s,
            mark=self.folder / "journal.mark",
        )
        worker = Worker(
            self._executions,
            self._outputs,
            recovery,
            runner_for=self.runners.get,
            prepare=lambda claim: self.preparation.request(
                claim, executions=self._executions, access=self.access
            ),
            hide=self.preparation.hide,
            is_idempotent=self._is_idempotent,
            begins={**dict.fromkeys(WORKFLOWS, self.workflows.begin), INQUIRER: self.inquiries.begin},
            finish=self.workflows.finish,
        )
        self._dispatch = Dispatch(
            self.database,
            self._executions,
            self._starts,
            worker,
            recovery=recovery,
            server=server,
            workers=self.settings.actions.workers,
            limits=self.settings.actions.limits,
        )
        self.watching.start()
        self.runners.start()
        fires = self._events.internal
        self.subscribe(READER, fires.handle, kinds=KINDS, shares=True, wants=fires.wants)
        piped = self.pipelines
        self.subscribe(PIPELINES, piped.handle, kinds=(CHANGED,), shares=True, wants=piped.wants)
        self.workflows.start()
        self._dispatch.start()
        self._events.start()
        self.audit.start()
        self.retention.start()
        self._is_started = True

    def stop(self) -> None:
        """Local actions go on without us; the next start collects them."""
        if self._is_started:
            self._is_started = False
            self.retention.stop()
            self.audit.stop()
            self._events.stop()
            self._dispatch.stop(timeout_s=self.settings.server.shutdown_s)
            self.workflows.stop(timeout_s=self.settings.server.shutdown_s)
            for reader in self._readers:
                reader.stop()
            self._outputs.stop()
            self.runners.close()
            self.watching.stop()
            self.access.keys.write_uses()
        self._foundation.stop()

    def _watching(self) -> Watching:
        return Watching(
            Watched(
                settings=self.settings,
                folder=self.folder,
                database=self.database,
                readers=self._readers,
                content=self.content,
                chats=self.chats,
                sensors=self.sensors,
                tallies=self.webhooks.tallies,
                lives={
                    "dispatch": lambda: self._dispatch.is_alive,
                    "events": lambda: self.triggers.is_alive,
                    "timers": lambda: self.timers.is_alive,
                },
                is_started=lambda: self._is_started,
                busy=lambda: self._dispatch.busy,
                events_waiting=lambda: self.triggers.waiting,
                execution=self._executions.get,
                event=self.history.instance,
            )
        )

    @property
    def names(self) -> Names:
        """How people and channels are shown."""
        return self.chats.names

    @property
    def is_ready(self) -> bool:
        return self._is_started

    @property
    def running(self) -> int:
        """How many actions this server runs right now."""
        return self._dispatch.running if self._is_started else 0

    # content: see engine/content_calls.py

    def _compile(self, registry: Registry) -> None:
        self.rights.adopt(registry)
        self.audit.tell_rights(registry.rights)
        # Built aside, then swapped: nobody matches against half an index.
        if registry.aliases is not self._indexed or registry.actions is not self._indexed_actions:
            self.alias_index = AliasIndex(registry)
            self._indexed, self._indexed_actions = registry.aliases, registry.actions
        self._admission.adopt(PolicyTable(registry))
        if self._is_started:
            self._dispatch.look_again()
        self._events.adopt(registry)
        self.access.withdrawals.tell()

    # executions: see engine/execution_calls.py

    def _is_idempotent(self, action: str) -> bool:
        found = self.registry.actions.get(action)
        return found is not None and found.extensions.get("x-idempotent") is True

    def _execution_or_none(self, execution_id: str) -> Execution | None:
        try:
            return self._executions.get(execution_id)
        except NotFound:
            return None

    # aliases: see engine/alias_calls.py

    # events

    def emit(self, event: Event) -> Emitted:
        """Committed with all that follows from it. Raises NotFound, BadInput, Busy."""
        return self.triggers.emit(event)

    @property
    def stories(self) -> Stories:
        """What happened, from a chat message or event to the answer."""
        return Stories(self.database)

    # secrets

    def read_in_clear(self, key: DatastoreKey, *, execution_id: str | None) -> None:
        """Called before a secret value is handed out: hide it in our log, and in what the run says."""
        self.live_secrets.note([key.value])
        if execution_id is not None:
            self._executions.learn(execution_id, [key.value])
            self._dispatch.learn(execution_id, [key.value])

    def _decrypted(self, text: str) -> str:
        value = self.datastore.decrypt(text)
        self.live_secrets.note([value])
        return value

    # access

    def authenticate(
        self, *, api_key: str | None = None, token: str | None = None, address: str = ""
    ) -> Requester:
        """`address`: where the request comes from. Raises Unauthenticated."""
        try:
            requester = self.access.authenticate(api_key=api_key, token=token, address=address)
        except Unauthenticated as error:
            if api_key or token:
                via = TOKEN if token else API_KEY
                self.audit.refused(error.message, via=via, address=address)
            raise
        acting = requester.acting_user
        if acting and not self.rights.may_impersonate(acting, requester.user):
            raise Unauthenticated(f"Unauthorized - {acting} may not act for {requester.user} any more.")
        learn(user=requester.user, execution_id=requester.execution_id or "")
        return requester

"""From a claimed execution to what its runner needs: final parameters, configuration, environment."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.access import Access
from engine.content.registry import Content
from engine.errors import BadContent
from engine.executions import Executions
from engine.expressions.jinja import Templates
from engine.expressions.live_secrets import LiveSecrets
from engine.expressions.lookups import KeyValues
from engine.expressions.pack_config import effective_config, secret_config_values
from engine.expressions.params import Plans, TemplateScope
from engine.output_schemas import Outputs
from engine.records.execution import Execution
from engine.runners.base import RunRequest, RunResult
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.store.executions import Claim
from engine.store.sealed_parameters import Revealed

# Runners that hand the configuration to the action; others need it for masking only.
_GIVE_CONFIG = frozenset({"python-script"})


class Preparation:
    """`api_url()`: where actions reach the API, without a version, for example http://127.0.0.1:9101.

    `pack_folders`: the folders that hold packs, for actions that look for files of other packs.
    `trace_environment(execution)`: the variables that tell it of its trace.
    `validates_output`: a result that is not what the action's output schema says fails the action.
    """

    def __init__(
        self,
        content: Content,
        plans: Plans,
        templates: Templates,
        keys: KeyValues,
        *,
        api_url: Callable[[], str],
        pack_folders: Sequence[Path],
        live_secrets: LiveSecrets,
        trace_environment: Callable[[Execution], Mapping[str, str]],
        validates_output: bool,
    ) -> None:
        self._outputs = Outputs(validates=validates_output)
        self._trace_environment = trace_environment
        self._live_secrets = live_secrets
        self._content = content
        self._plans = plans
        self._templates = templates
        self._keys = keys
        self._api_url = api_url
        self._packs_paths = ":".join(map(str, pack_folders))

    def scope(self, action: ActionSpec, context: Mapping[str, Any]) -> TemplateScope:
        """What templates in this action's parameter defaults may see."""
        user = str(context.get("user") or "")

        used: list[str] = []

        def config() -> Mapping[str, Any]:
            config, secrets = self.config_and_secrets(self._content.current.pack(action.pack), user)
            used[:] = secrets
            return config

        return TemplateScope(
            templates=self._templates,
            keys=self._keys,
            user=user,
            action_context=context,
            config_context=config,
            config_secrets=lambda: used,
        )

    def config(self, pack: PackSpec, user: str) -> Mapping[str, Any]:
        """As `config_and_secrets`, without the secrets apart."""
        return self.config_and_secrets(pack, user)[0]

    def config_and_secrets(self, pack: PackSpec, user: str) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """The pack's configuration, rendered, secrets in clear; and what of it must not be seen.

        Raises BadContent when its file is wrong, and BadTemplate.
        """
        if pack.config_trouble:
            raise BadContent(
                f"The configuration of the pack {pack.ref} cannot be used: {pack.config_trouble}",
                hint="Correct it, then: stormcrow reload",
            )
        if not pack.config and not pack.config_schema:
            return {}, ()
        scope = TemplateScope(
            templates=self._templates, keys=self._keys, user=user, action_context={}, config_context={}
        )
        decrypted: list[str] = []
        config = effective_config(pack, scope=scope, decrypted=decrypted)
        return config, tuple(dict.fromkeys([*secret_config_values(pack, config), *decrypted]))

    def request(self, claim: Claim, *, executions: Executions, access: Access) -> RunRequest:
        """Raises NotFound when the action left the disk, BadTemplate, BadParameter."""
        execution = claim.execution
        action = self._content.current.action(execution.action)
        pack = self._content.current.pack(action.pack)
        plan = self._plans.get(action)
        stored = (
            executions.revealed(execution, claim.sealed)
            if claim.sealed is not None
            else Revealed(parameters=execution.parameters)
        )
        final = plan.final(stored.parameters, scope=self.scope(action, execution.context))
        config: Mapping[str, Any] = {}
        config_secrets: tuple[str, ...] = ()
        if not pack.config_trouble or execution.runner in _GIVE_CONFIG:
            config, config_secrets = self.config_and_secrets(pack, execution.user)
        token = access.run_token(execution.id, execution.attempt)
        secrets = (
            *access.run_tokens(execution.id, execution.attempt),
            *stored.secrets,
            *final.secrets,
            *config_secrets,
        )
        self._live_secrets.note(secrets)
        return RunRequest(
            execution_id=execution.id,
            attempt=execution.attempt,
            action=action,
            pack=pack,
            runner_parameters=final.runner,
            action_parameters=final.action,
            user=execution.user,
            environment=self._environment(
                execution_id=execution.id,
                pack=pack.ref,
                token=token,
                is_debug=bool(final.runner.get("debug")),
            )
            | dict(self._trace_environment(execution)),
            config=config,
            secrets=secrets,
        )

    def hide_of(self, ref: str, result: RunResult) -> RunResult:
        """As `hide`, for an action that may have left the disk meanwhile."""
        action = self._content.current.actions.get(ref)
        return result if action is None else self.hide(action, result)

    def hide(self, action: ActionSpec, result: RunResult) -> RunResult:
        """The result as the action's output schema has it: checked, if the settings say so, and without
        what is secret, wherever it stands."""
        return self._outputs.kept(action, result)

    def _environment(self, *, execution_id: str, pack: str, token: str, is_debug: bool) -> dict[str, str]:
        """The variables that StackStorm gives an action, and those of its clients."""
        base = self._api_url()
        return {
            "ST2_ACTION_PACK_NAME": pack,
            "ST2_ACTION_EXECUTION_ID": execution_id,
            "ST2_ACTION_API_URL": f"{base}/api/v1",
            "ST2_ACTION_AUTH_URL": f"{base}/auth/v1",
            "ST2_ACTION_AUTH_TOKEN": token,
            "ST2_ACTION_DEBUG": str(is_debug),
            **self.client_environment(token),
        }

    def client_environment(self, token: str) -> dict[str, str]:
        """What makes `st2client.Client()` just work in a process of ours."""
        base = self._api_url()
        return {
            "ST2_BASE_URL": base,
            "ST2_API_URL": f"{base}/api/v1",
            "ST2_AUTH_URL": f"{base}/auth/v1",
            "ST2_STREAM_URL": f"{base}/stream/v1",
            "ST2_AUTH_TOKEN": token,
            "ST2_PACKS_PATHS": self._packs_paths,
        }

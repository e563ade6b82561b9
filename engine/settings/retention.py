"""How long what has happened is kept."""

from dataclasses import dataclass

from engine.settings.key import key


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    """When what is over is removed, in whole days after its end; 0: never."""

    executions_days: int = key(
        0, "Executions that have ended, with their children, output and questions (action_executions_ttl)."
    )
    output_days: int = key(
        7, "What actions printed, of executions that have ended (action_executions_output_ttl)."
    )
    workflows_days: int = key(
        0,
        "What workflows remember of their steps, once they have ended: then they cannot be run again from a "
        "task (workflow_executions_ttl, task_executions_ttl).",
    )
    events_days: int = key(0, "Events, with what rules made of them (trigger_instances_ttl).")
    enforcements_days: int = key(0, "What rules made of events, the events kept (rule_enforcements_ttl).")
    journal_days: int = key(
        0, "Entries of the journal that all its readers are done with; event streams replay no further back."
    )
    audit_days: int = key(0, "Acts of the audit, whose chain stays verifiable.")
    messages_days: int = key(
        0,
        "What was said in chats and what we answered, 7 at least; threads go from their end, never what "
        "waits to be sent, or shows something that is not over.",
    )
    alerts_days: int = key(0, "Alerts that are resolved.")
    pipelines_days: int = key(0, "Pipelines of commands that have ended, with what they gave.")
    callbacks_days: int = key(
        0, "Callbacks that were delivered or given up; they go with their execution at the latest."
    )
    schedules_days: int = key(0, "Schedules that have ended, 7 at least; the newest stays.")

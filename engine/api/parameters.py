"""What each name in a query means, wherever it stands."""

from collections.abc import Mapping
from types import MappingProxyType

from engine.api.shape import Parameter

PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        # lists
        "limit": Parameter("integer", "How many at most; -1 for all."),
        "offset": Parameter("integer", "How many to leave out at the beginning; of output, how many bytes."),
        "sort": Parameter("array", "Attributes to sort by, with - before one for the other way round."),
        "sort_asc": Parameter("boolean", "The oldest first."),
        "sort_desc": Parameter("boolean", "The newest first."),
        "include_attributes": Parameter("array", "Only these attributes; dotted paths too."),
        "exclude_attributes": Parameter("array", "All but these attributes; dotted paths too."),
        "all": Parameter("boolean", "Also what is over."),
        # what content is found by
        "id": Parameter("array", "Ids."),
        "name": Parameter("string", "The name; of content several between commas."),
        "pack": Parameter("string", "The pack."),
        "ref": Parameter("string", "The reference: pack and name."),
        "resource_ref": Parameter("string", "The action that a policy is on."),
        "resource_type": Parameter("string", "What a policy type is for."),
        "policy_type": Parameter("string", "The type of a policy."),
        "action": Parameter("string", "The reference of an action."),
        "trigger": Parameter("string", "The reference of a trigger or of its type."),
        "enabled": Parameter("boolean", "What is switched on, or off."),
        "tags": Parameter("array", "Tags as NAME:VALUE, all of which it must have."),
        "kind": Parameter("string", "The kind of content; of acts, several between commas, and key.* too."),
        "filter": Parameter("string", "Of executions NAME:VALUE pairs; of help a regular expression."),
        "system": Parameter("boolean", "Roles that are always there, or the others."),
        "role": Parameter("string", "The name of a role."),
        "source": Parameter("string", "The file an assignment stands in."),
        "remote": Parameter("boolean", "Assignments through a group, or the others."),
        "timer_type": Parameter("string", "The type of a timer."),
        # executions
        "status": Parameter("string", "The status."),
        "parent": Parameter("string", "The execution that started it; null: those that nothing started."),
        "runner": Parameter("string", "The runner."),
        "user": Parameter("string", "The user."),
        "liveaction": Parameter("string", "StackStorm's second id of an execution."),
        "rule": Parameter("string", "The reference of a rule; of executions also its bare name."),
        "trigger_instance": Parameter("string", "The id of an event."),
        "trigger_type": Parameter("string", "The type of a trigger."),
        "timestamp": Parameter("string", "Requested between two moments: FROM..TO."),
        "timestamp_gt": Parameter("moment", "Later than this."),
        "timestamp_lt": Parameter("moment", "Earlier than this."),
        "type": Parameter("string", "The reference of a trigger type."),
        "types": Parameter("array", "Only the values of these."),
        "wait": Parameter("integer", "How many seconds to wait for the end."),
        "max_result_size": Parameter("integer", "A result of more bytes is left out."),
        "no_merge": Parameter("boolean", "Only the parameters given, not those of the first time."),
        "output_type": Parameter("string", "Which output.", ("all", "stdout", "stderr")),
        "follow": Parameter("boolean", "Go on until the end of the execution."),
        "download": Parameter("boolean", "As a file."),
        "compress": Parameter("boolean", "With gzip."),
        "pretty_format": Parameter("boolean", "With line breaks."),
        "depth": Parameter("integer", "How many generations; -1 for all."),
        "result_fmt": Parameter(
            "string", "Without effect: children are always sorted.", ("default", "sorted")
        ),
        # rules, events, traces
        "execution": Parameter("string", "The id of an execution."),
        "rule_ref": Parameter("string", "The reference of a rule."),
        "rule_id": Parameter("string", "The id of a rule."),
        "enforced_at_gt": Parameter("moment", "Enforced later than this."),
        "enforced_at_lt": Parameter("moment", "Enforced earlier than this."),
        "trace_tag": Parameter("string", "The tag of a trace."),
        # keys
        "prefix": Parameter("string", "What names begin with."),
        "scope": Parameter("string", "system, user or, in lists, all."),
        "decrypt": Parameter("boolean", "Show secrets; noted in the log."),
        # the stream
        "events": Parameter("array", "Names of events, as globs."),
        "action_refs": Parameter("array", "Only of executions of these actions."),
        "execution_ids": Parameter("array", "Only of these executions."),
        "end_event": Parameter("string", "The event that ends the stream."),
        "end_execution_id": Parameter("string", "The execution whose end ends the stream."),
        # ours
        "channel": Parameter("string", "A channel of a chat."),
        "state": Parameter("string", "The state."),
        "url": Parameter("string", "The URL of a webhook, without its beginning."),
        "seen": Parameter("string", "The status, or digest, that the caller has seen; with wait."),
        "what": Parameter("string", "An alias or an action."),
        "object": Parameter("string", "What an act was done to."),
        "trace": Parameter("string", "The id of a trace."),
        "request": Parameter("string", "The id of the request that an act was asked for with."),
        "head": Parameter("string", "An act that was noted, as HASH@NUMBER."),
        "since": Parameter("moment", "Not earlier than this."),
        "until": Parameter("moment", "Earlier than this."),
        "before": Parameter("moment", "Ended earlier than this."),
        "format": Parameter("string", "The format of the file.", ("jsonl", "csv")),
    }
)

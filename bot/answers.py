"""The answers of the built-in commands, and of commands that cannot be run."""

import re
from collections import defaultdict
from collections.abc import Sequence

from bot import formatting, inquiries, wording, workflows
from bot.chat import Button, Code, Fields, Link, LongText, Piece, Reply, Table, Text, Tone
from bot.identities import Identity
from bot.results import cut_pieces, pieces_of_result
from engine.aliases.help import HelpEntry
from engine.clock import utcnow
from engine.content.registry import Registry
from engine.errors import EngineError, NoMatch
from engine.records.execution import Execution, ExecutionFilter
from engine.service import Engine
from engine.specs.parameter import ParameterSpec
from engine.status import FAILURES, FINISHED, Status

# How many commands of a pack the overview names, and how many `help words` explains.
_OVERVIEW_PER_PACK = 8
_EXPLAINED = 5
_LISTED = 25
_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*(?:=.*?)?\}\}|\(\?P<(\w+)>", re.DOTALL)

OWN = (
    ("help [words]", "what can be said, or the commands with these words in detail"),
    ("status [id]", "what I am running for you, or one execution in detail"),
    ("output [id]", "everything an execution printed or answered"),
    ("logs [id] [lines]", "the same; with a number only the last lines"),
    ("cancel [id]", "stop an execution"),
    ("rerun [id] [with name=value]", "start an execution once more, with the same parameters or with others"),
    ("with name=value", "in the thread of an execution: start it once more with other parameters"),
    ("why [id]", "why it waits, or why it ended as it did, and what to do"),
    ("pause [id]", "let a workflow start nothing new; resume id lets it go on"),
    ("resume [id]", "let a paused workflow go on"),
    (
        "retry [id] [from task]",
        "let a failed workflow go on from the tasks at which it failed, or from others",
    ),
    ("inquiries [all]", "what waits for your answer, or for anybody's"),
    ("approve id [reason]", "say yes to a question"),
    ("breakglass id reason", "approve alone in an emergency, where the question allows it; all are told"),
    ("reject id [reason]", "say no to it"),
    ("answer id [values]", "answer it with values: name=value, JSON, or the one value it asks for"),
    ("defaults [name=value]", "what commands have here without naming it; with pairs: set it"),
    ("defaults clear [names]", "take it away again"),
    ("plan command", "what a command would do, where its action can say so"),
    ("yes [id]", "run what I offered to you here last, for example a command without its typing error"),
    ("link [code]", "in a direct message: make two accounts of yours one, by a code that I give"),
    ("unlink", "take that back for this account"),
    ("anyway rule event", "start what a budget or a freeze held back"),
    (
        "schedule when command",
        "say it later, or again and again: at 22:00, in 10 minutes, every weekday at 9",
    ),
    ("at time command", "say it once at a time: at 22:00 deploy api"),
    ("schedule list [all]", "what is scheduled, and when it runs next"),
    ("schedule verb number", "show, run (now), pause, resume or cancel one"),
)

_HELP = (Button(label="Help", command="help"),)


def refusal(error: EngineError) -> Reply:
    """A command that cannot be run: what is wrong, and what to do next."""
    lines: tuple[Piece, ...] = (Text(text=formatting.clean(error.message)),)
    if error.hint:
        lines = (*lines, Text(text=formatting.clean(error.hint)))
    return Reply(pieces=lines, tone=Tone.WARNING)


def no_match(text: str, error: NoMatch, *, prefix: str) -> Reply:
    """An unknown or ambiguous command, with the nearest ones."""
    words = text.split(maxsplit=1)[0][:40] if text.split() else ""
    usage = usage_of(words, prefix=prefix)
    if usage:
        # One of our own words, and not as it is said: what an alias has in common with it is no help.
        said = Text(text=formatting.clean(error.message))
        return Reply(pieces=(said, usage), tone=Tone.WARNING, buttons=_HELP)
    found = refusal(error)
    hint = Text(text=f"All commands: {prefix}help · about one: {prefix}help {formatting.clean(words)}")
    return Reply(pieces=(*found.pieces, hint), tone=Tone.WARNING, buttons=_HELP)


def usage_of(word: str, *, prefix: str) -> Fields | None:
    """How a built-in command is said; None: the word is none of ours."""
    own = tuple((prefix + said, about) for said, about in OWN if said.split()[0] == word.lower())
    return Fields(title="It is said like this", rows=own) if own else None


# help


def explain(engine: Engine, words: str, entries: Sequence[HelpEntry], *, prefix: str) -> Reply:
    """Without words an overview by pack; with words the commands that have them all.

    `entries`: those that the person may run here.
    """
    if not words.strip():
        return _overview(entries, prefix=prefix)
    wanted = words.lower().split()
    packs = [entry for entry in entries if [entry.pack] == wanted]
    found = packs or [
        entry
        for entry in entries
        if all(word in f"{entry.pack} {entry.display} {entry.description}".lower() for word in wanted)
    ]
    own = [row for row in OWN if row[0].split()[0] in wanted]
    if not found and not own:
        return Reply(
            pieces=(Text(text=f"No command has “{formatting.clean(words)}”. All of them: {prefix}help"),),
            tone=Tone.WARNING,
        )
    pieces: list[Piece] = []
    if own:
        pieces.append(Fields(rows=tuple((prefix + word, about) for word, about in own)))
    for entry in found[:_EXPLAINED]:
        pieces.extend(_explained(engine.registry, entry, prefix=prefix))
    rest = found[_EXPLAINED:]
    if rest:
        shown = rest[:_LISTED]
        pieces.append(Fields(rows=tuple((prefix + entry.display, entry.description) for entry in shown)))
    if len(rest) > _LISTED:
        pieces.append(Text(text=f"{len(rest) - _LISTED} more fit; add a word."))
    return Reply(title=f"help {formatting.clean(words)}", pieces=tuple(pieces))


def _overview(entries: Sequence[HelpEntry], *, prefix: str) -> Reply:
    by_pack: defaultdict[str, list[HelpEntry]] = defaultdict(list)
    for entry in entries:
        by_pack[entry.pack].append(entry)
    pieces: list[Piece] = [Fields(rows=tuple((prefix + word, about) for word, about in OWN))]
    for pack in sorted(by_pack):
        of_pack = by_pack[pack]
        rows = tuple((prefix + entry.display, entry.description) for entry in of_pack[:_OVERVIEW_PER_PACK])
        pieces.append(Fields(title=f"{pack} · {len(of_pack)}", rows=rows))
        if len(of_pack) > _OVERVIEW_PER_PACK:
            pieces.append(Text(text=f"{len(of_pack) - _OVERVIEW_PER_PACK} more: {prefix}help {pack}"))
    if not by_pack:
        pieces.append(Text(text="No pack offers a command yet: put alias files into aliases/ and reload."))
    return Reply(title="What you can say", pieces=tuple(pieces))


def _explained(registry: Registry, entry: HelpEntry, *, prefix: str) -> list[Piece]:
    alias = registry.aliases.get(entry.alias)
    pieces: list[Piece] = [Text(text=f"{prefix}{entry.display}\n{entry.description}".rstrip())]
    action = registry.actions.get(alias.action_ref) if alias else None
    if alias is None or action is None:
        return pieces
    used: list[str] = []
    for form in alias.formats:
        if form.display == entry.display:
            for representation in form.representations:
                used += [a or b for a, b in _PLACEHOLDER.findall(representation)]
    rows = tuple(
        (name, _about_parameter(action.parameters[name]))
        for name in dict.fromkeys(used)
        if name in action.parameters
    )
    if rows:
        pieces.append(Fields(rows=rows))
    return pieces


def _about_parameter(parameter: ParameterSpec) -> str:
    facts = [parameter.type or "any"]
    if parameter.required and not parameter.has_default:
        facts.append("required")
    choices = parameter.schema_.get("enum")
    if isinstance(choices, list):
        facts.append("one of " + ", ".join(str(choice) for choice in choices))
    if parameter.has_default and parameter.default is not None and not parameter.secret:
        facts.append(f"default {parameter.default}")
    return f"{parameter.description} ({', '.join(facts)})".lstrip()


# executions


def running(engine: Engine, identity: Identity, *, prefix: str) -> Reply:
    """What has not ended of what this person started, newest first."""
    found: list[Execution] = []
    for status in Status:
        if status not in FINISHED:
            wanted = ExecutionFilter(
                status=status, user=identity.user, parent_id="null", limit=_LISTED, with_result=False
            )
            found += engine.executions(wanted)[0]
    if not found:
        return Reply(pieces=(Text(text="Nothing of yours is running."),))
    found.sort(key=lambda execution: execution.requested_at, reverse=True)
    now = utcnow()
    rows = tuple(
        (
            formatting.short_id(execution.id),
            _status_word(engine, execution),
            execution.action,
            formatting.duration((now - execution.requested_at).total_seconds()),
        )
        for execution in found[:_LISTED]
    )
    pieces = (
        Table(columns=("id", "status", "action", "for"), rows=rows),
        Text(text=f"More about one: {prefix}status ID · stop one: {prefix}cancel ID"),
    )
    return Reply(title=f"{len(found)} running", pieces=pieces, tone=Tone.RUNNING)


def _status_word(engine: Engine, execution: Execution) -> str:
    place = engine.place_in_line(execution.id) if execution.status is Status.DELAYED else None
    if place is None:
        return execution.status.value
    return f"{execution.status.value}, {wording.ordinal(place.position)} of {place.waiting}"


def status(engine: Engine, execution_id: str, *, prefix: str) -> Reply:
    """One execution in detail."""
    execution = engine.execution(execution_id)
    word = formatting.short_id(execution.id)
    elapsed_s = execution.elapsed_s
    if elapsed_s is None:
        elapsed_s = (utcnow() - execution.requested_at).total_seconds()
    parameters = tuple(
        (name, formatting.clean(formatting.cut(str(value), 200).text))
        for name, value in sorted(execution.parameters.items())
    )
    steps = " → ".join(f"{word_.value} {moment:%H:%M:%S}" for moment, word_ in execution.log)
    facts = (
        ("action", execution.action),
        ("started by", " · ".join(filter(None, (execution.user, wording.schedule_text(execution))))),
        ("requested", f"{execution.requested_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("time", formatting.duration(elapsed_s)),
        ("steps", steps),
        *wording.policy_facts(engine, execution),
    )
    pieces: tuple[Piece, ...] = (Fields(rows=facts),)
    inquiry = inquiries.of(engine, execution)
    if inquiry is not None:
        pieces = (*pieces, *inquiries.details(inquiry, prefix=prefix))
    elif parameters:
        pieces = (*pieces, Fields(title="parameters", rows=parameters))
    buttons = [Button(label="Output", command=f"output {word}")]
    if execution.is_finished:
        buttons.append(Button(label="Run again", command=f"rerun {word}"))
    elif workflows.is_workflow(execution):
        buttons += workflows.buttons(execution, execution.status)
    elif inquiry is None:
        buttons.append(Button(label="Cancel", command=f"cancel {word}", style="danger"))
    if workflows.is_workflow(execution):
        pieces = (*pieces, workflows.tree(workflows.WorkflowTrees(engine).tasks(execution.id)))
    more = f"What it printed: {prefix}output {word}"
    if execution.status in FAILURES or not execution.is_finished:
        more += f" · why: {prefix}why {word}"
    return Reply(
        title=f"{execution.action} {word}",
        pieces=(*pieces, Text(text=more)),
        tone=wording.tone_of(execution.status),
        status=execution.status.value,
        execution_id=execution.id,
        buttons=tuple(buttons),
    )


def output(engine: Engine, execution_id: str, *, limit: int, lines: int = 0) -> Reply:
    """The rest of an answer that was cut; else all that was printed; else the result as it is.

    `lines`: only so many of the last ones; 0: all of them.
    """
    execution = engine.execution(execution_id)
    word = formatting.short_id(execution.id)
    if workflows.is_workflow(execution):
        return _tasks_and_output(engine, execution, word, limit=limit)
    whole = wording.full_text(engine, execution) if execution.is_finished else ""
    if len(whole) <= engine.settings.chat.answer_limit:
        printed = "".join(chunk.data for chunk in engine.output(execution.id))
        whole = printed if printed.strip() else whole
    if lines:
        whole = formatting.last_lines(whole, lines, width=limit)
    shown = formatting.cut(formatting.clean(whole), limit)
    url = f"{engine.settings.public_url}/chat#execution/{execution.id}"
    if not shown.text.strip():
        silent = "It printed nothing." if execution.is_finished else "It has printed nothing yet."
        return Reply(pieces=(Text(text=silent),), execution_id=execution.id, title=f"output {word}")
    body: Piece = Code(text=shown.text)
    if len(shown.text) > engine.settings.chat.answer_limit:
        body = LongText(name=f"{execution.action}-{word}.txt", text=shown.text)
    pieces: tuple[Piece, ...] = (body,)
    if shown.lines_left:
        pieces = (*pieces, Text(text=f"{shown.lines_left:,} more lines stand in the details: {url}"))
    links = (Link(label="details", url=url),)
    return Reply(title=f"output {word}", pieces=pieces, execution_id=execution.id, links=links)


def _tasks_and_output(engine: Engine, execution: Execution, word: str, *, limit: int) -> Reply:
    """A workflow prints nothing itself: each of its tasks, and what it gave."""
    given = pieces_of_result(execution.result) if execution.is_finished else ()
    pieces, lines_left = cut_pieces(given, limit)
    if lines_left:
        pieces = (*pieces, Text(text=f"{lines_left:,} more lines stand in the details."))
    tree = workflows.tree(workflows.WorkflowTrees(engine).tasks(execution.id))
    each = Text(text="What a task printed: output ID, with the id at its end.")
    links = (Link(label="details", url=f"{engine.settings.public_url}/chat#execution/{execution.id}"),)
    return Reply(title=f"output {word}", pieces=(*pieces, tree, each), execution_id=execution.id, links=links)


def steered(engine: Engine, verb: str, execution_id: str, identity: Identity) -> Reply:
    """`cancel`, `pause` or `resume`. The message of the execution itself says when it is so."""
    found = engine.execution(execution_id)
    if verb == "cancel":
        execution = engine.cancel(found.id, user=identity.user)
        said = "cancelled" if execution.status is Status.CANCELED else "is being cancelled"
    elif verb == "pause":
        execution = engine.pause(found.id, user=identity.user)
        said = "pauses: what runs goes on to its end, nothing new starts"
    else:
        execution = engine.resume(found.id, user=identity.user)
        said = "goes on"
    word = formatting.short_id(execution.id)
    tone = Tone.NEUTRAL if verb == "resume" else Tone.WARNING
    return Reply(pieces=(Text(text=f"{execution.action} {word} {said}."),), tone=tone)

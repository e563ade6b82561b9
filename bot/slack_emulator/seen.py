"""What a person sees of messages and views: values that do not change when the world does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.slack_emulator.markup import reached
from bot.slack_emulator.world import Json, Message, User, View

_LABELLED = ("button", "static_select", "multi_static_select", "overflow", "external_select")


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Something to press, choose or fill in."""

    type: str
    """Slack's word, for example button or static_select."""
    action_id: str
    block_id: str
    label: str = ""
    value: str = ""
    style: str = ""
    url: str = ""
    hint: str = ""
    placeholder: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """What may be chosen: label and value."""
    is_required: bool = False
    confirm: str = ""
    """The question that is asked before it takes effect."""
    shape: Mapping[str, Any] = field(default_factory=dict)
    """The element as the app gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A message."""

    ts: str
    channel: str
    user: str
    text: str
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    thread_ts: str = ""
    subtype: str = ""
    bot_id: str = ""
    username: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    reactions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    """What it showed before each edit, the oldest first."""
    only_for: str = ""
    is_broadcast: bool = False
    controls: tuple[Control, ...] = ()
    mentions: tuple[str, ...] = ()
    """Whom it notifies, as Slack writes it: @U1, !channel, !subteam^S1; after `link_names` also names."""
    links: tuple[str, ...] = ()
    plain: str = ""
    """All that is to be read in it, as lines."""

    @property
    def buttons(self) -> tuple[Control, ...]:
        return tuple(each for each in self.controls if each.type == "button")

    @property
    def is_edited(self) -> bool:
        return bool(self.earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenView:
    """A modal, or an App Home."""

    id: str
    user: str
    type: str
    title: str
    callback_id: str
    private_metadata: str
    submit: str
    """The label of the button that sends it; empty: there is none."""
    blocks: tuple[Json, ...]
    controls: tuple[Control, ...]
    errors: Mapping[str, str]
    """What was wrong with the last submission: block_id -> sentence."""
    plain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    id: str
    name: str
    team: str
    """The name of the workspace."""
    standing: str
    """What they are for the first workspace: member, admin, guest, stranger, bot, deactivated."""


def standing(user: User, home: str) -> str:
    if user.is_deleted:
        return "deactivated"
    if user.bot_id:
        return "bot"
    if user.team != home:
        return "stranger"
    if user.is_restricted or user.is_ultra_restricted:
        return "guest"
    return "admin" if user.is_admin else "member"


def seen(message: Message) -> Seen:
    calls = reached(message)
    return Seen(
        ts=message.ts,
        channel=message.channel,
        user=message.user,
        text=message.text,
        blocks=tuple(message.blocks),
        attachments=tuple(message.attachments),
        thread_ts=message.thread_ts,
        subtype=message.subtype,
        bot_id=message.bot_id,
        username=message.username,
        metadata=dict(message.metadata),
        files=tuple(message.files),
        reactions={name: tuple(users) for name, users in message.reactions.items()},
        earlier=tuple(_plain(text, blocks, []) for text, blocks in message.earlier),
        only_for=message.only_for,
        is_broadcast=message.is_broadcast,
        controls=controls(message.blocks) + _of_attachments(message),
        mentions=(
            *(f"@{each}" for each in calls.users),
            *(f"!subteam^{each}" for each in calls.groups),
            *(f"!{each}" for each in calls.broadcasts),
            *calls.names,
        ),
        links=calls.links,
        plain=_plain(message.text, message.blocks, message.attachments),
    )


def seen_view(view: View) -> SeenView:
    body = view.body
    blocks = body.get("blocks") or []
    return SeenView(
        id=view.id,
        user=view.user,
        type=body["type"],
        title=_text(body.get("title")),
        callback_id=body.get("callback_id", ""),
        private_metadata=body.get("private_metadata", ""),
        submit=_text(body.get("submit")),
        blocks=tuple(blocks),
        controls=controls(blocks),
        errors=dict(view.errors),
        plain="\n".join(lines(blocks)),
    )


def _of_attachments(message: Message) -> tuple[Control, ...]:
    found: tuple[Control, ...] = ()
    for attachment in message.attachments:
        found += controls(attachment.get("blocks") or [])
    return found


def controls(blocks: list[Json]) -> tuple[Control, ...]:
    return tuple(
        _control(block, element)
        for block in blocks
        for element in elements_of(block)
        if "action_id" in element or element.get("type") in _LABELLED
    )


def elements_of(block: Json) -> Iterator[Json]:
    """Everything in a block that can be pressed, chosen or filled in."""
    for name in ("accessory", "element"):
        if isinstance(block.get(name), dict):
            yield block[name]
    if block.get("type") in ("actions", "context_actions", "card"):
        yield from block.get("elements") or block.get("actions") or ()


def _control(block: Json, element: Json) -> Control:
    groups = element.get("option_groups") or [{"options": element.get("options") or []}]
    options = [option for group in groups for option in group["options"]]
    confirm = element.get("confirm") or {}
    return Control(
        type=element["type"],
        action_id=element.get("action_id", ""),
        block_id=block.get("block_id", ""),
        label=_text(block.get("label")) or _text(element.get("text")),
        value=element.get("value") or "",
        style=element.get("style", ""),
        url=element.get("url", ""),
        hint=_text(block.get("hint")),
        placeholder=_text(element.get("placeholder")),
        options=tuple((_text(option["text"]), option.get("value", "")) for option in options),
        is_required=block.get("type") == "input" and not block.get("optional"),
        confirm=" ".join(filter(None, (_text(confirm.get("title")), _text(confirm.get("text"))))),
        shape=element,
    )


def _text(shape: Any) -> str:
    if isinstance(shape, dict):
        return str(shape.get("text") or "")
    return str(shape or "")


def _plain(text: str, blocks: list[Json], attachments: list[Json]) -> str:
    found = list(lines(blocks)) if blocks else [text] if text else []
    for attachment in attachments:
        found += [str(attachment[name]) for name in ("pretext", "title", "text") if attachment.get(name)]
        for entry in attachment.get("fields") or ():
            found.append(f"{entry.get('title', '')}: {entry.get('value', '')}")
        found += lines(attachment.get("blocks") or [])
    return "\n".join(found)


def lines(blocks: list[Json]) -> Iterator[str]:
    """The words of blocks, one line for each part."""
    for block in blocks:
        match block.get("type"):
            case "divider":
                yield "---"
            case "section" | "header" | "markdown":
                yield from filter(None, (_text(block.get("text")),))
                yield from (_text(each) for each in block.get("fields") or ())
            case "context":
                yield "  ".join(_text(each) or str(each.get("alt_text", "")) for each in block["elements"])
            case "input":
                yield _text(block.get("label"))
            case "rich_text":
                yield rich(block)
            case "table":
                yield from (" | ".join(rich(cell) for cell in row) for row in block["rows"])
            case "plan":
                yield _text(block.get("title"))
                yield from lines(block.get("tasks") or [])
            case "task_card":
                yield _task(block)
            case _:
                yield from _other(block)


def _task(block: Json) -> str:
    parts = [f"[{block.get('status', 'pending')}]", _text(block.get("title"))]
    parts += [rich(block[name]) for name in ("details", "output") if isinstance(block.get(name), dict)]
    return " ".join(filter(None, parts))


def _other(block: Json) -> Iterator[str]:
    """Alerts, cards, images and what is still to come: every text in it."""
    for name in ("title", "subtitle", "text", "body", "alt_text"):
        if _text(block.get(name)):
            yield _text(block[name])


def rich(node: Json) -> str:
    """The words of rich text, and of the cells of a table."""
    if "elements" in node:
        joint = "\n" if node.get("type") in ("rich_text", "rich_text_list") else ""
        return joint.join(rich(each) for each in node["elements"])
    match node.get("type"):
        case "user":
            return f"<@{node['user_id']}>"
        case "usergroup":
            return f"<!subteam^{node['usergroup_id']}>"
        case "broadcast":
            return f"<!{node['range']}>"
        case "channel":
            return f"<#{node['channel_id']}>"
        case "link":
            return str(node.get("text") or node.get("url"))
        case "emoji":
            return f":{node.get('name')}:"
        case _:
            return str(node.get("text", ""))

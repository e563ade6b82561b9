"""What people do beside writing: presses, forms, commands, shortcuts, menus; and what the answers do."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.slack_emulator import inputs, modals, posting, wire
from bot.slack_emulator.blocks import check_view
from bot.slack_emulator.deliveries import Delivery
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.seen import elements_of
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import Channel, Json, Message, User, View


class Interactions:
    """Only in the emulator's loop. Each method gives the delivery that it began."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    # pressing and choosing

    def press_in_message(
        self, user: User, message: Message, action: str, value: Any, *, given: inputs.Given
    ) -> Delivery:
        """Raises LookupError: nothing in the message is called so."""
        channel = self._world.channels[message.channel]
        blocks = [*message.blocks]
        for attachment in message.attachments:
            blocks += attachment.get("blocks") or []
        block, element = find(blocks, action)
        team = self._team_for(channel, user)
        container: Json = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": channel.id,
            "is_ephemeral": bool(message.only_for),
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload: Json = {
            "type": "block_actions",
            "user": self._user(user),
            "container": container,
            "trigger_id": self._site.new_trigger(team, user.id),
            "channel": {"id": channel.id, "name": channel_word(channel)},
            "state": {"values": inputs.state(blocks, given, is_sent=False)},
            "response_url": self._site.new_hook(team, channel.id, user.id, message.ts),
            "actions": [self._action(block, element, value)],
        }
        if not message.only_for:
            payload["message"] = wire.message(self._world, message, in_thread=True)
        return self._send(payload, team)

    def press_in_view(
        self, user: User, view: View, action: str, value: Any, *, given: inputs.Given
    ) -> Delivery:
        blocks = view.body.get("blocks") or []
        block, element = find(blocks, action)
        state = inputs.state(blocks, given, is_sent=False)
        payload: Json = {
            "type": "block_actions",
            "user": self._user(user),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": self._site.new_trigger(view.team, user.id, view.id),
            "view": wire.view(self._world, view, state=state),
            "actions": [self._action(block, element, value)],
        }
        return self._send(payload, view.team)

    def _action(self, block: Json, element: Json, value: Any) -> Json:
        action: Json = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "type": element["type"],
            "action_ts": self._world.new_ts(),
        }
        if element["type"] in ("button", "workflow_button"):
            action["text"] = element.get("text")
            action |= {name: element[name] for name in ("value", "style") if name in element}
        elif value is not None:
            action |= inputs.filled(element, value)
        else:
            action |= inputs.initial(element)
        return action

    # modals

    def submit(self, user: User, view: View, given: inputs.Given) -> Delivery:
        """Raises NotSent where Slack's client refuses; KeyError for a field that is not there."""
        payload: Json = {
            "type": "view_submission",
            "user": self._user(user),
            "trigger_id": self._site.new_trigger(view.team, user.id, view.id),
            "view": wire.view(self._world, view, state=inputs.state(view.body.get("blocks") or [], given)),
            "response_urls": [],
        }
        return self._send(
            payload, view.team, accepts_answer=True, then=lambda told: self._submitted(view, told)
        )

    def _submitted(self, view: View, told: Delivery) -> None:
        """What the app's answer does to the view."""
        view.errors = {}
        if told.acked_after_s is None:
            view.errors = {"": "We had some trouble connecting. Try again?"}
            return
        answer = told.answer if isinstance(told.answer, Mapping) else {}
        try:
            self._respond(view, answer)
        except SlackError as error:
            view.errors = {
                "": f"We had some trouble connecting. Try again? ({', '.join(error.messages) or error.code})"
            }

    def _respond(self, view: View, answer: Mapping[str, Any]) -> None:
        match answer.get("response_action"):
            case "errors":
                known = set(inputs.names(view.body.get("blocks") or []))
                errors = dict(answer.get("errors") or {})
                if not errors or not set(errors) <= known:
                    raise SlackError(
                        "invalid_arguments", messages=("errors name no input block of the view",)
                    )
                view.errors = {str(block): str(words) for block, words in errors.items()}
            case "update":
                check_view(answer.get("view") or {}, kind="modal")
                modals.update_view(self._site, view, dict(answer["view"]))
            case "push":
                check_view(answer.get("view") or {}, kind="modal")
                modals.push_view(self._site, view, dict(answer["view"]))
            case "clear":
                modals.close_all(self._world, view)
            case None:
                view.is_open = False
            case other:
                raise SlackError("invalid_arguments", messages=(f"no response_action is called {other}",))

    def close(self, user: User, view: View, *, is_cleared: bool = False) -> Delivery | None:
        """The X of a view (`is_cleared`: of the whole stack); the app hears of it where it asked to."""
        view.is_open = False
        if is_cleared or view.body.get("clear_on_close"):
            is_cleared = True
            modals.close_all(self._world, view)
        self._world.touch()
        if not view.body.get("notify_on_close"):
            return None
        payload: Json = {
            "type": "view_closed",
            "user": self._user(user),
            "view": wire.view(self._world, view),
            "is_cleared": is_cleared,
        }
        return self._send(payload, view.team)

    # commands, shortcuts, menus, the Home tab

    def command(self, user: User, channel: Channel, command: str, text: str) -> Delivery:
        team = self._team_for(channel, user)
        payload: Json = {
            "token": self._world.verification_token,
            "team_id": team,
            "team_domain": self._world.teams[team].domain,
            "channel_id": channel.id,
            "channel_name": channel_word(channel),
            "user_id": user.id,
            "user_name": user.name,
            "command": command,
            "text": text,
            "api_app_id": self._world.teams[team].app,
            "is_enterprise_install": "false",
            "response_url": self._site.new_hook(team, channel.id, user.id),
            "trigger_id": self._site.new_trigger(team, user.id),
        }
        return self._site.deliveries.send(
            "slash_commands",
            payload,
            accepts_answer=True,
            then=lambda told: self._answered_command(user, channel, command, told),
        )

    def _answered_command(self, user: User, channel: Channel, command: str, told: Delivery) -> None:
        if told.acked_after_s is None:
            self._failed_command(user, channel, command, "operation_timeout")
            return
        answer = {"text": told.answer} if isinstance(told.answer, str) else told.answer
        if isinstance(answer, Mapping) and (answer.get("text") or answer.get("blocks")):
            try:
                posting.respond(self._site, channel, user.id, dict(answer))
            except SlackError:
                self._failed_command(user, channel, command, "invalid_command_response")

    def _failed_command(self, user: User, channel: Channel, command: str, error: str) -> None:
        text = f"{command} failed with the error \u201c{error}\u201d"
        message = Message(
            ts=self._world.new_ts(), channel=channel.id, user="USLACKBOT", text=text, only_for=user.id
        )
        posting.whisper(self._site, message)

    def shortcut(self, user: User, callback_id: str) -> Delivery:
        team = self._team_for(None, user)
        payload: Json = {
            "type": "shortcut",
            "action_ts": self._world.new_ts(),
            "user": self._user(user),
            "callback_id": callback_id,
            "trigger_id": self._site.new_trigger(team, user.id),
        }
        return self._send(payload, team)

    def message_shortcut(self, user: User, channel: Channel, message: Message, callback_id: str) -> Delivery:
        team = self._team_for(channel, user)
        payload: Json = {
            "type": "message_action",
            "action_ts": self._world.new_ts(),
            "user": self._user(user),
            "channel": {"id": channel.id, "name": channel_word(channel)},
            "callback_id": callback_id,
            "trigger_id": self._site.new_trigger(team, user.id),
            "response_url": self._site.new_hook(team, channel.id, user.id, message.ts),
            "message_ts": message.ts,
            "message": wire.message(self._world, message, in_thread=True),
        }
        return self._send(payload, team)

    def suggest(self, user: User, where: Message | View, action: str, typed: str) -> Delivery:
        """What an external menu offers for these letters; the answer holds the options."""
        payload: Json = {"type": "block_suggestion", "user": self._user(user), "value": typed}
        if isinstance(where, View):
            block, element = find(where.body.get("blocks") or [], action)
            team = where.team
            payload["container"] = {"type": "view", "view_id": where.id}
            payload["view"] = wire.view(self._world, where)
        else:
            block, element = find(where.blocks, action)
            channel = self._world.channels[where.channel]
            team = self._team_for(channel, user)
            payload["container"] = {
                "type": "message",
                "message_ts": where.ts,
                "channel_id": channel.id,
                "is_ephemeral": bool(where.only_for),
            }
            payload["channel"] = {"id": channel.id, "name": channel_word(channel)}
            if not where.only_for:
                payload["message"] = wire.message(self._world, where)
        payload |= {"action_id": element["action_id"], "block_id": block["block_id"]}
        return self._send(payload, team, accepts_answer=True)

    def open_home(self, user: User) -> Delivery:
        team = self._team_for(None, user)
        event: Json = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": self._world.direct(team, [user.id, self._world.bot_of(team).id]).id,
            "tab": "home",
            "event_ts": self._world.new_ts(),
        }
        home = self._world.homes.get((team, user.id))
        if home is not None:
            event["view"] = wire.view(self._world, home)
        return self._site.emit(team, event)

    # what all of them carry

    def _team_for(self, channel: Channel | None, user: User) -> str:
        """The workspace whose app is addressed: the person's own, or that of the channel."""
        team = self._site.hearing_team(channel) if channel is not None else ""
        for wanted in (team, user.team, channel.team if channel is not None else ""):
            if wanted and wanted in self._world.teams and self._world.teams[wanted].bot_user:
                return wanted
        raise LookupError(f"the app is in no workspace of {user.name}")

    def _user(self, user: User) -> Json:
        return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team}

    def _send(
        self,
        payload: Json,
        team: str,
        *,
        accepts_answer: bool = False,
        then: Callable[[Delivery], None] | None = None,
    ) -> Delivery:
        payload = self._site.interact(payload, team=team)
        return self._site.deliveries.send("interactive", payload, accepts_answer=accepts_answer, then=then)


def find(blocks: list[Json], action: str) -> tuple[Json, Json]:
    """The element with this action_id, value or label, with its block."""
    known = [(block, element) for block in blocks for element in elements_of(block) if "action_id" in element]
    for name in ("action_id", "value", "text"):
        for block, element in known:
            held = element.get(name)
            if action == (held.get("text") if isinstance(held, dict) else held):
                return block, element
    offered = ", ".join(str(element["action_id"]) for _block, element in known)
    raise LookupError(f"nothing to press is called {action!r}; there are: {offered or 'none'}")


def channel_word(channel: Channel) -> str:
    """The name of a channel in payloads: a private one has none of its own."""
    return {"im": "directmessage", "group": "privategroup", "mpim": "privategroup"}.get(
        channel.kind, channel.name
    )

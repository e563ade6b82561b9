"""Our own Slack as the stage of a transcript: a workspace with everybody who is named in it."""

import json
from collections.abc import Mapping, Sequence

from bot.adapters.slack import actions, views
from bot.sim.chats import CannotBe, Heard, Spot
from bot.sim.transcript import Transcript, channels_in, people_in, standings_in
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.inputs import NotSent
from bot.slack_emulator.seen import Seen, SeenView
from bot.slack_emulator.switches import Timing

_BOT = "@stormcrow"
_DETAILS = "Details"
_DECISION, _REASON = "Your decision", "Reason"
_MODAL_S = 60.0
# Slack tries again after minutes; nobody wants to wait for that while a server starts.
_RETRIES_S = (0.5,) * 240
_GUEST, _STRANGER, _ROBOT = "guest", "stranger", "bot"


class SlackChat:
    """`start` it before the server, which is told where it is by `settings`."""

    name = "slack"

    def __init__(self, transcript: Transcript, channels: Sequence[str]) -> None:
        """`channels`: those that are there besides the ones in the transcript."""
        self._transcript = transcript
        self._names = sorted({*channels_in(transcript), *channels})
        self._slack = Emulator(timing=Timing(retries_s=_RETRIES_S, trigger_s=60.0))
        self._ids: dict[str, str] = {}
        self._channels: dict[str, str] = {}
        self._standings = standings_in(transcript)
        self._told: list[Heard] = []
        self._opened: set[tuple[str, str]] = set()

    def start(self) -> None:
        slack = self._slack
        slack.start()
        elsewhere = slack.add_team("Elsewhere", with_app=False) if self._is_shared else ""
        for who in people_in(self._transcript):
            standing = self._standings.get(who, "")
            self._ids[who] = slack.add_user(
                who,
                team=elsewhere if standing == _STRANGER else "",
                is_guest=standing == _GUEST,
                is_bot=standing == _ROBOT,
            )
        for channel in self._names:
            plain = channel.removeprefix("#")
            members = [one for who, one in self._ids.items()]
            shared = [elsewhere] if elsewhere else []
            self._channels[slack.add_channel(plain, members=members, shared_with=shared)] = f"#{plain}"

    @property
    def _is_shared(self) -> bool:
        return _STRANGER in self._standings.values()

    def close(self) -> None:
        self._slack.stop()

    def settings(self, linked: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """STORMCROW_ variables, without that word. `linked`: the accounts that the site itself links."""
        full = {who: one for who, one in self._ids.items() if who not in self._standings}
        accounts = {
            who: [*linked.get(who, ()), f"slack.{self._slack.team}.{one}"] for who, one in full.items()
        }
        return {
            "CHAT__WEB": "false",
            "SLACK__MODE": "socket",
            "SLACK__BOT_TOKEN": self._slack.bot_token,
            "SLACK__APP_TOKEN": self._slack.app_token,
            "SLACK__BASE_URL": self._slack.url,
            "PEOPLE__LINKED": json.dumps({**linked, **accounts}),
        }

    # what people do

    def join(self, who: str, standing: str = "") -> None:
        """Everybody is there from the beginning."""

    def say(self, who: str, words: str, spot: Spot) -> None:
        channel = spot.channel.removeprefix("#") if spot.channel else _BOT
        try:
            self._slack.say(who, channel, words, thread=spot.thread.rpartition("/")[2])
        except LookupError as error:
            raise CannotBe(f"{who} cannot say that: {error.args[0]}.") from error

    def press(self, who: str, heard: Heard, label: str, words: str) -> None:
        message = self._seen(heard)
        try:
            # A reason is given where the details are.
            self._slack.click(who, message, _DETAILS if words else label)
        except LookupError as error:
            raise CannotBe(f"{who} cannot press that: {error.args[0]}.") from error
        if not words:
            return
        try:
            forms = self._slack.wait_for(lambda: self._forms(who), timeout_s=_MODAL_S)
        except AssertionError as error:
            raise CannotBe(f"{who} gets no form in which a reason could be given.") from error
        self._submit(who, forms[-1], {_DECISION: label, _REASON: words})

    def fill(self, who: str, values: Mapping[str, str]) -> bool:
        forms = self._forms(who)
        if forms:
            view = forms[-1]
            fields = {one.block_id for one in view.controls}
            named = {name: views.block_id(name) for name in values}
            self._submit(
                who,
                view,
                {named[name] if named[name] in fields else name: value for name, value in values.items()},
            )
            return True
        self._open_form(who)
        return False

    def _open_form(self, who: str) -> None:
        """Press what opens a form, at the newest message that has such a button; once."""
        for message in reversed(self._all()):
            for button in message.buttons:
                press = actions.read({"action_id": button.action_id, "value": button.value})
                if isinstance(press, actions.PromptPress) and not press.value:
                    if (who, message.ts) not in self._opened:
                        self._opened.add((who, message.ts))
                        self._slack.click(who, message, button.action_id)
                    return

    def _forms(self, who: str) -> list[SeenView]:
        return [one for one in self._slack.views(who) if one.submit]

    def _submit(self, who: str, view: SeenView, values: Mapping[str, str]) -> None:
        try:
            self._slack.submit(who, view, values)
        except KeyError as error:
            raise CannotBe(f"The form is otherwise: {error.args[0]}") from error
        except NotSent as error:
            self._tell(who, "\n".join(error.problems.values()))
            return
        left = [one for one in self._slack.views(who) if one.id == view.id]
        self._tell(who, "\n".join(problem for one in left for problem in one.errors.values()))

    def _tell(self, who: str, text: str) -> None:
        if text:
            self._told.append(Heard(id=f"told-{len(self._told)}", text=text, only_for=who))

    # what the bot says

    def heard(self) -> Sequence[Heard]:
        return [*map(self._as_heard, self._all()), *self._told]

    def _all(self) -> list[Seen]:
        found = [one for channel in self._channels.values() for one in self._slack.messages(channel)]
        for who in self._ids:
            if self._standings.get(who) != _STRANGER:
                found += self._slack.direct_messages(who)
            found += self._slack.ephemerals(who)
        ours = [one for one in found if one.user == self._slack.bot_user]
        return sorted(ours, key=lambda one: float(one.ts))

    def _seen(self, heard: Heard) -> Seen:
        return next(one for one in self._all() if _id(one) == heard.id)

    def _as_heard(self, one: Seen) -> Heard:
        labels = tuple(button.label for button in one.buttons)
        shown = " ".join(f"[{label}]" for label in labels)
        return Heard(
            id=_id(one),
            text=f"{one.plain}\n{shown}".strip(),
            channel=self._channels.get(one.channel, ""),
            thread=f"{one.channel}/{one.thread_ts}" if one.thread_ts else "",
            only_for=self._person(one),
            buttons=labels,
        )

    def _person(self, one: Seen) -> str:
        if one.only_for:
            return next(who for who, user in self._ids.items() if user == one.only_for)
        if one.channel in self._channels:
            return ""
        direct = (who for who in self._ids if self._is_with(who, one))
        return next(direct, "")

    def _is_with(self, who: str, one: Seen) -> bool:
        return self._standings.get(who) != _STRANGER and any(
            each.ts == one.ts for each in self._slack.direct_messages(who)
        )


def _id(one: Seen) -> str:
    return f"{one.channel}/{one.ts}"

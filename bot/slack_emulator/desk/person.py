"""One person at a terminal: the lines they type, and what each of them does in this Slack."""

from collections.abc import Callable

from bot.slack_emulator.desk.drawing import Drawing, Target
from bot.slack_emulator.desk.forms import Form, Instead
from bot.slack_emulator.emulator import Emulator
from bot.slack_emulator.inputs import NotSent
from bot.slack_emulator.seen import Seen, SeenView

HELP = """\
what you type        is said in the channel, or in the thread that you are in; @stormcrow calls the bot
/crow deploy api     a slash command
:3                   press what has the number 3; :3 staging chooses in a menu
:in ops              go to a channel; :in @stormcrow is the direct message with the bot
:thread              answer in the thread of the last message of the channel; :thread off leaves it
:as ben              be somebody else; :who says who there is
:invite stormcrow    bring the bot, or somebody else, into the channel
:home                look at the Home tab of the app
:form                fill in the form that is open; :close closes it
:react eyes          put an emoji under the last message
:edit new words      change your last message
:file F0...          show an uploaded file
:shortcut NAME       a shortcut of the app; :on NAME one for the last message
:trouble reset       reset, close or refresh the sockets, 500, 429 or lost (what is posted, without an answer)
:show                the last messages again
:quit                end this Slack
"""


class Person:
    """`line` is called with each line; it says what is to be said by `say`, and asks by `ask`."""

    def __init__(self, slack: Emulator, drawing: Drawing, *, user: str, channel: str) -> None:
        self._slack = slack
        self._drawing = drawing
        self.user = user
        self.channel = channel
        self.thread = ""
        self.form_wait_s = 1.5
        """How long the app may take to open a form, so that it is filled in at once."""
        self.home_shown = ""
        """What the Home tab showed last; empty: they do not look at it."""
        self.say: Callable[[str], None] = print
        self.ask: Callable[[str], str] = input
        self._commands: dict[str, Callable[[str], None]] = {
            "help": lambda _rest: self.say(HELP),
            "in": self._go,
            "as": self._become,
            "who": lambda _rest: self._who(),
            "invite": lambda name: self._slack.join(name.removeprefix("@") or "stormcrow", self.channel),
            "thread": self._enter_thread,
            "home": lambda _rest: self._home(),
            "form": lambda _rest: self._fill(),
            "close": lambda _rest: self._close(),
            "react": lambda name: self._slack.react(self.user, self._last(), name or "eyes"),
            "edit": self._edit,
            "file": self._file,
            "shortcut": lambda name: self._then_form(lambda: self._slack.shortcut(self.user, name)),
            "on": lambda name: self._then_form(
                lambda: self._slack.message_shortcut(self.user, self._last(), name)
            ),
            "trouble": self._trouble,
            "show": lambda _rest: self.show(),
        }

    @property
    def prompt(self) -> str:
        thread = " thread" if self.thread else ""
        return f"{self.user} {self.place}{thread}> "

    @property
    def place(self) -> str:
        return self.channel if self.channel.startswith("@") else f"#{self.channel}"

    def line(self, typed: str) -> bool:
        """False: they want to leave."""
        text = typed.strip()
        if text in (":quit", ":q"):
            return False
        if text and not text.startswith(":") and not self._slack.is_app_there:
            self.say("! No app is connected yet: start Stormcrow, and say it again.")
        try:
            self._do(text)
        except (LookupError, NotSent) as error:
            self.say(f"! {error.args[0] if error.args else error}")
        except Instead as other:
            return self.line(other.line)
        except (EOFError, KeyboardInterrupt):
            self.say("Nothing was sent.")
        return True

    def _do(self, text: str) -> None:
        if not text:
            return
        if text.startswith("/"):
            self._then_form(lambda: self._slack.command(self.user, self.channel, text))
        elif text.startswith(":"):
            word, _, rest = text[1:].partition(" ")
            if word.isdigit():
                self._press(int(word), rest.strip())
            elif word in self._commands:
                self._commands[word](rest.strip())
            else:
                self.say(f"! :{word} is no command; :help says what there is")
        else:
            said = self._slack.say(self.user, self.channel, text, thread=self.thread)
            if any(each.removeprefix("@") in self._absent_bots() for each in said.mentions):
                self.say("! It is not in this channel, and hears nothing: :invite stormcrow")

    def _absent_bots(self) -> list[str]:
        bots = [each.id for each in self._slack.people() if each.standing == "bot"]
        return [each for each in bots if each not in self._slack.members(self.channel, user=self.user)]

    # where they are

    def _go(self, name: str) -> None:
        channel = name.removeprefix("#")
        if not channel.startswith("@") and not any(
            self._drawing.names.get(each) == f"#{channel}" for each in self._slack.places(self.user)
        ):
            raise LookupError(f"{self.user} is in no channel {channel!r}")
        self.channel, self.thread, self.home_shown = channel, "", ""
        self.show()

    def _become(self, name: str) -> None:
        wanted = name.removeprefix("@")
        if wanted not in [each.name for each in self._slack.people() if each.standing != "bot"]:
            raise LookupError(f"nobody is called {wanted!r}; :who says who there is")
        self.user, self.thread, self.home_shown = wanted, "", ""
        self.say(f"You are {wanted} now.")

    def _who(self) -> None:
        for each in self._slack.people():
            self.say(f"  {each.name:12} {each.standing:12} {each.team}")

    def _enter_thread(self, word: str) -> None:
        if word == "off":
            self.thread = ""
            return
        last = self._last()
        self.thread = last.thread_ts or last.ts
        for each in self._slack.thread(self.thread, last.channel):
            self._show_message(each)

    def _messages(self) -> list[Seen]:
        return self._slack.messages(self.channel, user=self.user)

    def _last(self) -> Seen:
        messages = self._messages()
        if not messages:
            raise LookupError("there is no message yet")
        return messages[-1]

    def show(self) -> None:
        """The last messages of the channel."""
        for each in self._messages()[-10:]:
            self._show_message(each)

    def _show_message(self, message: Seen) -> None:
        self.say("\n".join(self._drawing.message(message)))

    # pressing and filling in

    def _press(self, number: int, value: str) -> None:
        target = self._drawing.numbers.target(number)
        if target is None:
            raise LookupError(f"nothing has the number {number}")
        if target.control.url:
            self.say(f"It leads to {target.control.url}")
        if target.control.confirm and not self._is_sure(target.control.confirm):
            return
        chosen = value or self._choice(target)
        self._then_form(
            lambda: self._slack.click(self.user, target.where, target.control.action_id, chosen or None)
        )

    def _is_sure(self, question: str) -> bool:
        return self.ask(f"{self._drawing.words(question)} (yes/no) ").strip().lower() in ("y", "yes")

    def _choice(self, target: Target) -> str:
        """What is chosen in a menu; empty for a button."""
        if target.control.type in ("button", "workflow_button"):
            return ""
        offered = list(target.control.options)
        if "external" in target.control.type:
            letters = self.ask("search for: ")
            offered = self._slack.options(self.user, target.where, target.control.action_id, letters)
        for number, (label, _value) in enumerate(offered, start=1):
            self.say(f"  {number}) {self._drawing.words(label)}")
        typed = self.ask("which: ").strip()
        if typed.isdigit() and 1 <= int(typed) <= len(offered):
            return offered[int(typed) - 1][1]
        return typed

    def _then_form(self, act: Callable[[], object]) -> None:
        """Do something that may open a form, and fill that in."""
        before = {(view.id, view.plain) for view in self._slack.views(self.user)}

        def new() -> bool:
            return any((view.id, view.plain) not in before for view in self._slack.views(self.user))

        act()
        try:
            self._slack.wait_for(new, timeout_s=self.form_wait_s)
        except AssertionError:
            return
        self._fill()

    def _fill(self) -> None:
        views = self._slack.views(self.user)
        if not views:
            raise LookupError("no form is open")
        view = views[-1]
        self.say("\n".join(self._drawing.view(view)))
        if not view.submit:
            self.say(":close closes it, a number presses a button.")
            return
        form = Form(view, ask=self.ask, say=self.say, suggest=lambda *asked: self._suggest(view, *asked))
        form.fill()
        while not self._send(form, view):
            pass

    def _suggest(self, view: SeenView, action: str, letters: str) -> list[tuple[str, str]]:
        return self._slack.options(self.user, view, action, letters)

    def _send(self, form: Form, view: SeenView) -> bool:
        """False: something was wrong, and was asked for again."""
        answer = self.ask(f"{view.submit}? (Enter; no) ").strip().lower()
        if answer.startswith(":"):
            raise Instead(answer)
        if answer in ("n", "no"):
            self.say("It stays open: :form fills it in again, :close closes it.")
            return True
        try:
            self._slack.submit(self.user, view, form.values)
        except NotSent as problem:
            form.fill(problem.problems)
            return False
        errors = next((each.errors for each in self._slack.views(self.user) if each.id == view.id), {})
        if not errors:
            self._next_form(view)
            return True
        if "" in errors:
            self.say(f"! {errors['']}")
            return True
        form.fill(errors)
        return False

    def _next_form(self, sent: SeenView) -> None:
        """The app may have put another form in its place, or on top of it."""
        views = self._slack.views(self.user)
        if views and (views[-1].id, views[-1].plain) != (sent.id, sent.plain):
            self._fill()

    def _close(self) -> None:
        views = self._slack.views(self.user)
        if not views:
            raise LookupError("no form is open")
        self._slack.close(self.user, views[-1])

    # the rest

    def _home(self) -> None:
        self._slack.open_home(self.user)
        home = self._published_home()
        if home is None:
            self.say("The app has published no Home tab for you.")
            return
        self.show_home(home)

    def show_home(self, home: SeenView) -> None:
        self.home_shown = home.plain
        self.say("\n".join(self._drawing.view(home)))

    def _published_home(self) -> SeenView | None:
        try:
            return self._slack.wait_for(lambda: self._slack.home(self.user), timeout_s=2 * self.form_wait_s)
        except AssertionError:
            return None

    def _edit(self, text: str) -> None:
        mine = [each for each in self._messages() if self._drawing.names.get(each.user) == f"@{self.user}"]
        if not mine:
            raise LookupError("you have said nothing here")
        self._slack.edit(mine[-1], text)

    def _file(self, file_id: str) -> None:
        name, content = self._slack.file(file_id)
        self.say(f"{name}:\n{self._drawing.words(content.decode(errors='replace'))}")

    def _trouble(self, word: str) -> None:
        trouble = self._slack.trouble
        known: dict[str, Callable[[], object]] = {
            "reset": trouble.reset_sockets,
            "close": trouble.close_sockets,
            "refresh": trouble.refresh_sockets,
            "500": lambda: trouble.answer_status("chat.postMessage", 500),
            "429": lambda: trouble.limit_rate("chat.postMessage", retry_after_s=3),
            "lost": lambda: trouble.reset_answer("chat.postMessage"),
        }
        if word not in known:
            raise LookupError(f"no trouble is called {word!r}; there are: {', '.join(known)}")
        known[word]()
        self.say("So be it.")

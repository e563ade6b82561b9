"""Where a command is a pipeline: `hosts in prod | grep web | restart`.

A pipe is a | that stands alone, between white space, outside of quotes, behind a command. It belongs to
the text of a command where the format has a | of its own, where the alias says `x-pipe: false`, and where
the text is the command line of a shell (the parameter `cmd` of a runner).
"""

import re
from collections.abc import Iterator

from engine.aliases.match import AliasMatch
from engine.specs.action import ActionSpec
from engine.specs.runner_type import RUNNER_TYPES

MOST_STAGES = 10
KEY = "x-pipe"
_QUOTED = re.compile(r"""(?<![^\s=(\[{,:])("[^"]*"|'[^']*')(?![^\s)\]},:])""")
_PIPE = re.compile(r"(?<=\s)\|(?=\s)")


def split(text: str) -> tuple[str, ...]:
    """The parts between the pipes, without white space around them; one: there is no pipe."""
    cuts = list(_cuts(text))
    starts = [0, *(cut + 1 for cut in cuts)]
    ends = [*cuts, len(text)]
    return tuple(text[start:end].strip() for start, end in zip(starts, ends, strict=True))


def _cuts(text: str) -> Iterator[int]:
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    place = 0
    for match in _PIPE.finditer(text):
        while place < len(quoted) and quoted[place][1] <= match.start():
            place += 1
        if place == len(quoted) or match.start() < quoted[place][0]:
            yield match.start()


def is_own_text(match: AliasMatch, action: ActionSpec | None) -> bool:
    """Whether the | in the text belongs to what this alias takes."""
    if "|" in match.representation or match.alias.extensions.get(KEY) is False:
        return True
    runner = RUNNER_TYPES.get(action.runner_type) if action is not None else None
    takes_shell = runner is not None and "cmd" in runner.parameters
    return takes_shell and any(_PIPE.search(given.get("cmd") or "") for given in match.parameters)

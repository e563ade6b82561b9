"""What the exit codes mean, and the one exception that carries them out."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Code(IntEnum):
    OK = 0
    FAILED = 1
    """The action failed, or a check found something."""
    WRONG = 2
    """Wrong use, wrong settings, or a request that the server refused as wrong. Of commands that run
    something and wait for it: also what has the codes 8 and 9 elsewhere."""
    ACTION_TIMEOUT = 3
    """The action ran into its own time limit."""
    STOPPED = 4
    """The action was canceled, or abandoned after a crash."""
    REJECTED = 5
    """Somebody who was asked to approve said no, or nobody answered in time and that is a no."""
    STILL_WAITING = 6
    """`--timeout` passed, or an interrupt came; the action goes on."""
    NEEDS_APPROVAL = 7
    """People must approve it, and nobody wanted to wait for that; the question stands."""
    NO_SERVER = 8
    """No server answers, it does not accept the key, or it is in trouble itself."""
    NOT_FOUND = 9
    INTERRUPTED = 130


# The exit code for each status that an execution can end in.
CODE_OF: Mapping[str, Code] = MappingProxyType(
    {
        "succeeded": Code.OK,
        "failed": Code.FAILED,
        "timeout": Code.ACTION_TIMEOUT,
        "canceled": Code.STOPPED,
        "abandoned": Code.STOPPED,
    }
)


class CommandError(Exception):
    """Ends the command with a message, a hint and an exit code."""

    def __init__(self, code: Code, message: str, *, hint: str = "", status: int = 0) -> None:
        """`status`: the server's HTTP status, where it answered with one."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status

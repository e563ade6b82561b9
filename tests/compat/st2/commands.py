"""Runs commands of st2client in one process: it takes a second to start, and there are many commands.

Executed by the interpreter of the environment that has st2client. One JSON object per line on
standard input: the words of a command, and variables for it. One per line on standard output: what it
printed, and its exit code.
"""

import contextlib
import io
import json
import os
import sys
import traceback

from st2client.shell import Shell


def run(words: list[str], variables: dict[str, str]) -> dict[str, object]:
    os.environ.update(variables)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = Shell().run(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except Exception:  # noqa: BLE001 - a crash of the client is what we look for
            traceback.print_exc()
            code = 255
    for name in variables:
        del os.environ[name]
    return {"code": code or 0, "out": out.getvalue(), "err": err.getvalue()}


answers = sys.stdout
for line in sys.stdin:
    print(json.dumps(run(**json.loads(line))), file=answers, flush=True)

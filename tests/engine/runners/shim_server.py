"""A stand-in for the server: starts commands under a shim, says so, and waits to be killed.

python -m tests.engine.runners.shim_server FOLDER  < one "EXECUTION_ID COMMAND" a line
"""

import dataclasses
import sys
import threading
from pathlib import Path

from engine.runners.base import RunControl
from tests.engine.runners.local_world import World


def main() -> None:
    world = World(Path(sys.argv[1]))
    world.shims.prepare()
    threads = []
    for line in sys.stdin:
        execution_id, command = line.rstrip("\n").split(" ", 1)
        request = dataclasses.replace(world.command(command), execution_id=execution_id)
        threads.append(threading.Thread(target=world.local.run, args=(request, RunControl()), daemon=True))
        threads[-1].start()
    print("begun", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()

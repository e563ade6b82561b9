"""Runs one Python action in this process: finds its class, makes it, calls run(), writes the result.

In a process forked from a warm interpreter `run` is called; started cold, this file is the
program. The payload (JSON on a descriptor): file, pack, user, parameters, config, log_level,
env, cwd, first and last (folders before and after the interpreter's own in the import path).
"""

import atexit
import importlib.machinery
import importlib.util
import inspect
import io
import json
import os
import sys
import threading
import time
import traceback

_RUNTIME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    sys.path.append(_RUNTIME)

from _stormcrow import result_json  # noqa: E402  (-I leaves our own folder out of the path)

PR_SET_CHILD_SUBREAPER = 36
# The cache of a source file knows its time to the second only.
RECENT_S = 2.0
# What StackStorm's wrapper exits with when run() returned a status that is none.
INVALID_STATUS = 220


def set_paths(first, last):
    """Folders before and after the interpreter's own; the pack runtime comes last of all."""
    own = [folder for folder in sys.path if folder != _RUNTIME]
    sys.path[:] = [*first, *own, *last, _RUNTIME]


def run(payload_fd, result_fd, say_exit=None):
    """Never returns: the process ends with the action's exit code.

    `say_exit` is given the code when nothing is left to do but to end.
    """
    code = 1
    try:
        with open(payload_fd, "rb") as file:
            payload = json.loads(file.read())
        _surroundings(payload)
        code = _perform(payload, result_fd)
    except SystemExit as stop:
        code = _exit_code(stop)
    except BaseException:
        traceback.print_exc()
    if code != 0:
        # Open only where no result was written, which closes it.
        os.closerange(result_fd, result_fd + 1)
    _leave(code, say_exit)


def subreaper():
    """A call that makes this process the parent of its orphans, so that a cancel finds them all."""
    try:
        import ctypes

        call = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda: None
    return lambda: call(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class _EntryLoader(importlib.machinery.SourceFileLoader):
    """Caches no file that has just been written: the next change might come in the same second."""

    def set_data(self, path, data, *, _mode=0o666):
        if time.time() - os.stat(self.path).st_mtime > RECENT_S:
            super().set_data(path, data, _mode=_mode)


def rehearse():
    """Go through a run without effects: after a fork the first touch of each page is slow."""
    path = list(sys.path)
    found = _load(os.path.join(_RUNTIME, "_stormcrow", "rehearsal.py"))
    payload = {"pack": "rehearsal", "config": {}, "user": ""}
    result_json.encode(_make(payload, found).run(**json.loads('{"text": "", "number": 1}')))
    io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    sys.path[:] = path


def _surroundings(payload):
    zone = os.environ.get("TZ")
    os.environ.clear()
    os.environ.update(payload["env"])
    if os.environ.get("TZ") != zone:
        time.tzset()
    os.chdir(payload["cwd"] or "/")
    sys.argv[:] = [payload["file"]]
    for number, name in ((1, "stdout"), (2, "stderr")):
        # Unbuffered, as `python -u`: what was printed is not lost with a KILL.
        stream = io.TextIOWrapper(
            os.fdopen(number, "wb", buffering=0, closefd=False),
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        setattr(sys, name, stream)
        setattr(sys, "__%s__" % name, stream)
    if "numpy.random" in sys.modules:
        # Every fork would continue the same random numbers; Python's own are seeded anew.
        sys.modules["numpy.random"].seed()


def _perform(payload, result_fd):
    from st2common.runners import utils

    utils.LOG_LEVEL = payload["log_level"]
    action = _make(payload, _load(payload["file"]))
    output = action.run(**payload["parameters"])
    status, result = output if isinstance(output, tuple) and len(output) == 2 else (None, output)
    if status is not None and not isinstance(status, bool):
        sys.stderr.write("run() returned the status %r; it must be True, False or None.\n" % (status,))
        return INVALID_STATUS
    try:
        text = result_json.encode(result)
    except result_json.NotSerialisable:
        text = result_json.encode(str(result).encode("utf-8", "backslashreplace").decode())
    with open(result_fd, "wb") as file:
        file.write(b'{"status":%s,"result":%s}' % (json.dumps(status).encode(), text.encode()))
    return 0


def _load(path):
    """The action's class: defined in the file, with a run() of its own; the first by name.

    The class need not come from Action. The module is not put into sys.modules, and its folder
    is the last one in the import path.
    """
    folder, name = os.path.split(path)
    if folder not in sys.path:
        sys.path.append(folder)
    name = os.path.splitext(name)[0]
    spec = importlib.util.spec_from_file_location(name, path, loader=_EntryLoader(name, path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for _, found in inspect.getmembers(module, inspect.isclass):
        method = getattr(found, "run", None)
        is_concrete = callable(method) and not getattr(method, "__isabstractmethod__", False)
        if found.__module__ == name and is_concrete:
            return found
    raise ImportError("%s defines no class with a run() method." % path)


def _make(payload, action_class):
    from st2common.util.config_loader import PackConfigDict

    from _stormcrow.action_service import ActionService

    config = PackConfigDict(payload["pack"], payload["config"])
    service = ActionService(payload["pack"], action_class.__name__, payload["user"])
    try:
        return action_class(config=config, action_service=service)
    except TypeError as error:
        if "unexpected keyword argument 'action_service'" not in str(error):
            raise
    action = action_class(config=config)
    action.action_service = service
    return action


def _exit_code(stop):
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    sys.stderr.write("%s\n" % (stop.code,))
    return 1


def _leave(code, say_exit):
    """End as an interpreter does: wait for threads, run what atexit holds, flush."""
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    if say_exit is not None:
        # Nobody is to wait for the end of what we write.
        os.close(1)
        os.close(2)
        say_exit(code)
    os._exit(code)


def main():
    os.set_inheritable(4, False)
    subreaper()()
    with open(os.dup(3), "rb") as file:
        payload = json.loads(file.read())
    os.lseek(3, 0, os.SEEK_SET)
    set_paths(payload["first"], payload["last"])
    run(3, 4)


if __name__ == "__main__":
    main()

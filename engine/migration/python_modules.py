"""Which modules the Python code of packs can import: ours in StackStorm's names, Python's, packages."""

import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from engine.migration.python_source import read_source
from engine.runners.pack_imports import local_files

RUNTIME = Path(__file__).resolve().parent.parent / "pack_runtime"
"""What stands on the import path of every pack's process."""
ST2 = frozenset(
    {
        *("st2common", "st2reactor", "st2actions", "st2api", "st2auth", "st2stream", "st2exporter"),
        *("st2tests", "st2debug", "python_runner", "local_runner"),
    }
)
PYTHON_2 = frozenset(
    {
        *("httplib", "urllib2", "urlparse", "ConfigParser", "StringIO", "cStringIO", "cPickle", "Queue"),
        *("commands", "__builtin__", "HTMLParser", "cookielib", "Tkinter", "thread", "xmlrpclib"),
        *("SocketServer", "BaseHTTPServer", "SimpleHTTPServer", "exceptions", "sets", "md5", "sha"),
    }
)
# Distributions that the base set brings along.
_BROUGHT_ALONG = frozenset(
    {
        *("six", "requests", "urllib3", "yaml", "dateutil", "jinja2", "eventlet", "st2client"),
        *("certifi", "idna", "chardet", "charset_normalizer", "markupsafe", "greenlet", "dns", "pytz"),
        *("jsonpath_rw", "jsonschema", "orjson", "prettytable", "prompt_toolkit", "argcomplete", "pygments"),
        *("cryptography", "cffi", "sseclient", "editor", "socks", "setuptools", "pkg_resources", "pip"),
    }
)
# Module -> what its distribution is called, where no word of the one is in the other.
_CALLED: Mapping[str, str] = MappingProxyType(
    {
        "yaml": "yaml",
        "bs4": "beautifulsoup",
        "Crypto": "crypto",
        "MySQLdb": "mysql",
        "git": "gitpython",
        "dns": "dnspython",
        "OpenSSL": "openssl",
        "googleapiclient": "google-api",
        "apiclient": "google-api",
        "pyVmomi": "vmomi",
        "pyVim": "vmomi",
        "vmware": "vcloud",
        "dateutil": "dateutil",
        "zmq": "zmq",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "attr": "attrs",
        "nacl": "pynacl",
        "slack": "slack",
        "oauth2client": "oauth",
        "botocore": "boto",
        "s3transfer": "boto",
        "lxml": "lxml",
        "pexpect": "pexpect",
    }
)


def is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def is_brought_along(module: str, base: Iterable[str]) -> bool:
    """Whether every environment of a pack has it: `base` is the setting python.base."""
    top = module.partition(".")[0]
    return top in _BROUGHT_ALONG or any(_fits(top, name) for name in base)


def is_required(module: str, requirements: Iterable[str]) -> bool:
    """Whether a line of requirements.txt seems to bring it; names of the two need not be the same."""
    return any(_fits(module.partition(".")[0], line) for line in requirements)


def _fits(module: str, requirement: str) -> bool:
    wanted = _plain(_CALLED.get(module, module))
    given = _plain(re.split(r"[\[<>=!~;@# ]", requirement.strip(), maxsplit=1)[0].rpartition("/")[2])
    return bool(given) and (wanted in given or given.removeprefix("python").removesuffix("python") in wanted)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("py").removeprefix("thon-"))


@cache
def our_module(module: str) -> frozenset[str] | None:
    """What a module of the pack runtime defines, submodules included; None: there is no such module."""
    parts = module.split(".")
    path = RUNTIME.joinpath(*parts)
    file = path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
    if not file.is_file():
        return None
    inner = {one.stem for one in path.iterdir()} if path.is_dir() else set()
    return read_source(file).names | frozenset(inner)


@cache
def service_words(service: str) -> frozenset[str]:
    """Methods and attributes of `sensor_service`, `action_service` or `datastore_service`."""
    import ast  # noqa: PLC0415 - one place, asked once

    files = ("action_service.py", "sensor_service.py")
    wanted = {
        "sensor_service": {"SensorService"},
        "action_service": {"ActionService", "DatastoreService"},
        "datastore_service": {"DatastoreService", "SensorDatastore"},
    }[service]
    found: set[str] = set()
    for name in files:
        tree = ast.parse((RUNTIME / "_stormcrow" / name).read_bytes())
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name in wanted:
                for inner in ast.walk(node):
                    if isinstance(inner, ast.FunctionDef):
                        found.add(inner.name)
                    elif isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                        found.add(inner.attr)
    return frozenset(found)


def pack_files(module: str, folders: Iterable[Path]) -> list[Path]:
    """The pack's own files behind a name; empty when it is not the pack's."""
    return local_files(module, list(folders))

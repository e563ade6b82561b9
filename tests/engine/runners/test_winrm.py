"""PowerShell texts, and the winrm runners against a small WinRM server on loopback."""

import base64
import importlib.util
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.errors import RunnerFailure
from engine.runners import powershell
from engine.runners.base import RunControl, RunRequest, RunResult
from engine.runners.winrm import WinRmRunner
from engine.settings import Settings
from engine.specs.action import ActionSpec
from engine.specs.pack import PackSpec
from engine.specs.parameter import ParameterSpec
from engine.status import Status

needs_pywinrm = pytest.mark.skipif(
    importlib.util.find_spec("winrm") is None, reason="pywinrm is not installed"
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "$null"),
        (True, "$true"),
        (False, "$false"),
        (7, "7"),
        (1.5, "1.5"),
        ("plain", '"plain"'),
        ("", '""'),
        ('a "b" $c `d', '"a `"b`" `$c ``d"'),
        ("one\ntwo\tthree\r", '"one`ntwo`tthree`r"'),
        ("\u201d; whoami; \u201c", '"`\u201d; whoami; `\u201c"'),
        (["a", 1, False], '@("a", 1, $false)'),
        ([], "@()"),
        ({"k": ["v", None]}, '@{"k" = @("v", $null)}'),
        ({}, "@{}"),
    ],
)
def test_a_value_is_written_as_powershell(value: Any, text: str) -> None:
    assert powershell.literal(value) == text


def action(runner: str, folder: Path = Path(), **positions: int | None) -> ActionSpec:
    return ActionSpec(
        pack="win",
        name="act",
        runner_type=runner,
        entry_point="run.ps1",
        pack_folder=folder,
        parameters={
            name: ParameterSpec.of(name, {"type": "string", "position": position})
            for name, position in positions.items()
        },
    )


def test_positional_arguments_come_first_and_in_order() -> None:
    spec = action("winrm-ps-script", second=1, first=0, named=None)
    words = powershell.arguments(spec, {"named": "n", "second": None, "first": "f"}, "-")
    assert words == '"f" $null -named "n"'


def test_named_arguments_leave_out_what_is_empty_and_bind_booleans() -> None:
    spec = action("winrm-ps-script", a=None, b=None, c=None, d=None)
    assert powershell.arguments(spec, {"a": None, "b": "", "c": True, "d": 0}, "-") == "-c:$true -d 0"


def test_a_name_that_is_no_parameter_is_refused() -> None:
    with pytest.raises(RunnerFailure, match="PowerShell parameter"):
        powershell.arguments(action("winrm-ps-script"), {"a; whoami": "x"}, "-")


def test_an_upload_gives_back_the_text_in_lines_that_cmd_takes() -> None:
    text = "Write-Output 'ä'\n" * 900
    data = b""
    for line in powershell.upload_lines(text, "a.ps1"):
        assert len(line) < 8191
        data += base64.b64decode(re.findall(r"FromBase64String\('(.*?)'\)", decoded(line))[0])
    assert data.decode("utf-8-sig") == text


def test_the_xml_of_the_error_stream_becomes_text() -> None:
    xml = '#< CLIXML\r\n<Objs><S S="Error">a &lt; b_x000D__x000A_</S><S S="Error">end</S></Objs>'
    assert powershell.readable_errors(xml) == "a < b\nend"


def decoded(line: str) -> str:
    return base64.b64decode(line.rsplit(" ", 1)[1]).decode("utf-16-le")


class _Windows(BaseHTTPRequestHandler):
    """Speaks as much of WS-Management as a shell needs; commands are recorded, some have an effect."""

    commands: list[str]
    requests: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append(body)  # type: ignore[attr-defined]  # a list put there by the fixture
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(b"admin:right").decode():
            self._answer(401, "")
            return
        verb = re.findall(r"<a:Action[^>]*>[^<]*/(\w+)</a:Action>", body)[0]
        self._answer(*getattr(self, f"_{verb.lower()}")(body))

    def _create(self, body: str) -> tuple[int, str]:
        return 200, '<r xmlns:w="w"><w:Selector Name="ShellId">SHELL-1</w:Selector></r>'

    def _command(self, body: str) -> tuple[int, str]:
        line = re.findall(r"<rsp:Command>(.*?)</rsp:Command>", body, re.DOTALL)[0]
        self.server.lines.append(line)  # type: ignore[attr-defined]  # as above
        return 200, f"<r><CommandId>{len(self.server.lines) - 1}</CommandId></r>"  # type: ignore[attr-defined]

    def _receive(self, body: str) -> tuple[int, str]:
        number = int(re.findall(r'CommandId="(\d+)"', body)[0])
        line = self.server.lines[number]  # type: ignore[attr-defined]  # as above
        text = decoded(line) if "-EncodedCommand" in line else line
        if "sleep" in text:
            time.sleep(0.2)
            return 500, _OPERATION_TIMEOUT
        code = 3 if "fail" in text else 0
        out = base64.b64encode(f"ran {text[:2000]}\n".encode()).decode()
        return 200, (
            f'<r><Stream Name="stdout">{out}</Stream><Stream Name="stderr"></Stream>'
            f'<CommandState State="x/CommandState/Done"><ExitCode>{code}</ExitCode></CommandState></r>'
        )

    def _signal(self, body: str) -> tuple[int, str]:
        return 200, f"<r><RelatesTo>uuid:{_message_id(body)}</RelatesTo></r>"

    def _delete(self, body: str) -> tuple[int, str]:
        return 200, f"<r><RelatesTo>uuid:{_message_id(body)}</RelatesTo></r>"

    def _answer(self, code: int, xml: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/soap+xml;charset=UTF-8")
        self.send_header("Content-Length", str(len(xml.encode())))
        self.end_headers()
        self.wfile.write(xml.encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _message_id(body: str) -> str:
    return re.findall(r"MessageID[^>]*>uuid:([^<]+)<", body)[0]


_OPERATION_TIMEOUT = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Detail>'
    '<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="2150858793"/>'
    "</s:Detail></s:Fault></s:Body></s:Envelope>"
)


@pytest.fixture
def windows() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Windows)
    server.seen = []  # type: ignore[attr-defined]  # what came, for the tests to look at
    server.lines = []  # type: ignore[attr-defined]  # the command lines in it
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def run(
    server: ThreadingHTTPServer,
    runner: str,
    *,
    control: RunControl | None = None,
    folder: Path = Path(),
    parameters: dict[str, Any] | None = None,
    **given: Any,
) -> RunResult:
    request = RunRequest(
        execution_id="5f00000000000000000000bb",
        action=action(runner, folder, word=None),
        pack=PackSpec(ref="win", name="win"),
        runner_parameters={
            "host": "127.0.0.1",
            "port": server.server_port,
            "scheme": "http",
            "transport": "basic",
            "username": "admin",
            "password": "right",
            **given,
        },
        action_parameters=parameters or {},
    )
    return WinRmRunner(Settings()).run(request, control or RunControl())


@needs_pywinrm
def test_a_command_answers_with_its_output(windows: ThreadingHTTPServer) -> None:
    result = run(windows, "winrm-cmd", cmd="dir", env={"A": "b"}, cwd="C:\\")
    assert result.status is Status.SUCCEEDED
    assert result.result == {
        "stdout": "ran dir",
        "stderr": "",
        "return_code": 0,
        "succeeded": True,
        "failed": False,
    }
    opened = windows.seen[0]  # type: ignore[attr-defined]  # set by the fixture
    assert "<rsp:WorkingDirectory>C:\\</rsp:WorkingDirectory>" in opened
    assert '<rsp:Variable Name="A">b</rsp:Variable>' in opened


@needs_pywinrm
def test_an_exit_code_makes_it_fail(windows: ThreadingHTTPServer) -> None:
    result = run(windows, "winrm-cmd", cmd="fail")
    assert (result.status, result.result["return_code"]) == (Status.FAILED, 3)


@needs_pywinrm
def test_powershell_is_sent_encoded(windows: ThreadingHTTPServer) -> None:
    assert run(windows, "winrm-ps-cmd", cmd="Get-Date").result["stdout"] == "ran Get-Date"


@needs_pywinrm
def test_a_script_gets_its_arguments(windows: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "run.ps1").write_text("param($word)")
    result = run(windows, "winrm-ps-script", folder=tmp_path, parameters={"word": "x y"})
    assert result.result["stdout"] == 'ran & {param($word)\n} -word "x y"'


@needs_pywinrm
def test_a_long_script_is_uploaded_run_and_removed(windows: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "run.ps1").write_text("# filler\n" * 1000)
    result = run(windows, "winrm-ps-script", folder=tmp_path, parameters={"word": "w"})
    texts = [decoded(line) for line in windows.lines]  # type: ignore[attr-defined]  # as above
    assert "Create" in texts[0]
    assert texts[-2].endswith('-word "w"')
    assert texts[-1].startswith("Remove-Item")
    assert "ReadAllText" in result.result["stdout"]


@needs_pywinrm
def test_a_timeout_stops_the_command_and_gives_minus_one(windows: ThreadingHTTPServer) -> None:
    begin_s = time.monotonic()
    result = run(windows, "winrm-cmd", cmd="sleep", timeout=1)
    assert (result.status, result.result["return_code"]) == (Status.TIMEOUT, -1)
    assert time.monotonic() - begin_s < 20
    assert any("signal/terminate" in body for body in windows.seen)  # type: ignore[attr-defined]  # as above


@needs_pywinrm
def test_a_cancel_stops_the_command(windows: ThreadingHTTPServer) -> None:
    control = RunControl()
    threading.Timer(0.4, control.cancel).start()
    assert run(windows, "winrm-cmd", cmd="sleep", control=control).status is Status.CANCELED


@needs_pywinrm
def test_a_refused_login_is_a_failure_with_a_hint(windows: ThreadingHTTPServer) -> None:
    with pytest.raises(RunnerFailure, match="WinRM on 127"):
        run(windows, "winrm-cmd", cmd="dir", password="wrong")


def test_without_pywinrm_the_error_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['winrm'] = None; sys.modules['winrm.exceptions'] = None\n"
        "from engine.runners.winrm import _library\n"
        "from engine.errors import RunnerFailure\n"
        "try: _library('winrm.exceptions')\n"
        "except RunnerFailure as error: print(error.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "Run: pip install 'stormcrow[winrm]'"

"""Alias matching: a hit and a miss among 1,000 formats, reading them, and 40,000 hostile characters."""

import statistics
import time
from collections.abc import Callable

from benchmarks.serving import report
from engine.aliases.grammar import CompiledFormat, compile_format
from engine.aliases.index import AliasIndex
from engine.content.registry import Registry
from engine.errors import NoMatch
from engine.specs.action import ActionSpec
from engine.specs.alias import AliasFormat, AliasSpec
from engine.specs.parameter import ParameterSpec

_FORMATS = 1_000
_HOSTILE = 40_000
_SHAPES = (
    "deploy {n} {{{{app}}}} to {{{{env}}}}",
    "(show|sh) {n} status on {{{{host}}}}",
    "list {n} {{{{limit=10}}}} entries",
    "{n} restart {{{{service}}}} {{{{host=localhost}}}}",
)
_HOSTILE_TEXTS = (
    ("run {{cmd}}", "run" + " " * _HOSTILE + "x"),
    ("go {{a}}", "go y " + 'a="b" ' * (_HOSTILE // 6) + "!"),
    ("go {{a}}", "go y " + "= " * (_HOSTILE // 2)),
    ("{{a}} to {{b}} to {{c}} to {{d}}!", " to" * (_HOSTILE // 3)),
    ("(a+)+$", "a" * _HOSTILE + "!"),
    ("d {{a=1}} {{b=2}} {{c=3}}", "d " + "\" ' { " * (_HOSTILE // 6)),
)


def thousand_formats() -> Registry:
    """1,000 aliases of one format each, on one action that knows their parameters."""
    names = ("app", "env", "host", "limit", "service", "note")
    action = ActionSpec(
        pack="bench",
        name="work",
        runner_type="noop",
        parameters={name: ParameterSpec.of(name, {"type": "string"}) for name in names},
    )
    aliases = {}
    for number in range(_FORMATS):
        text = _SHAPES[number % len(_SHAPES)].format(n=f"item{number}")
        alias = AliasSpec(
            pack="bench",
            name=f"alias{number}",
            action_ref=action.ref,
            formats=(AliasFormat(display=text, representations=(text,)),),
        )
        aliases[alias.ref] = alias
    return Registry(actions={action.ref: action}, aliases=aliases)


def seconds_each(work: Callable[[], object], *, times: int, rounds: int = 9) -> float:
    """The median over the rounds of the mean time of one call."""
    means = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(times):
            work()
        means.append((time.perf_counter() - begin) / times)
    return statistics.median(means)


def main() -> None:
    registry = thousand_formats()
    begin = time.perf_counter()
    index = AliasIndex(registry)
    report("alias: read 1,000 formats", (time.perf_counter() - begin) * 1e3, "ms", "")

    def hit(text: str) -> Callable[[], object]:
        return lambda: index.match(text)

    def miss() -> None:
        try:
            index.match("depoy item400 web to production")
        except NoMatch:
            return
        raise AssertionError("the text must not fit")

    def hint() -> None:
        index.hint("depoy item400 web to production")

    report("alias: hit", seconds_each(hit("deploy item400 web to production"), times=500) * 1e6, "us", "< 20")
    report(
        "alias: hit with a pair",
        seconds_each(hit("deploy item400 web to production note=x"), times=500) * 1e6,
        "us",
        "",
    )
    report("alias: miss", seconds_each(miss, times=500) * 1e6, "us", "< 10")
    report("alias: the hint of a miss", seconds_each(hint, times=2) * 1e3, "ms", "")
    worst = 0.0
    for source, text in _HOSTILE_TEXTS:
        compiled = compile_format(source)

        def attempt(text: str = text, compiled: CompiledFormat = compiled) -> None:
            try:
                compiled.extract(text)
            except NoMatch:
                return

        attempt()
        worst = max(worst, seconds_each(attempt, times=1))
    report("alias: 40,000 hostile characters, the worst of six", worst * 1e3, "ms", "< 10")


if __name__ == "__main__":
    main()

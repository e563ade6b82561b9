"""How shapes of Block Kit are checked: small rules that say what is wrong, in Slack's own words."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Found = list[str]
"""What is wrong so far: sentences, each with a JSON pointer at its end."""
Rule = Callable[[Found, Any, str], None]
"""Adds to what was found; its arguments: the value, and the pointer to it."""

_URL = re.compile(r"https?://[^\s]+")


def say(found: Found, words: str, at: str) -> None:
    found.append(f"{words} [json-pointer:{at}]")


def string(*, most: int = 100_000, least: int = 1) -> Rule:
    def check(found: Found, value: Any, at: str) -> None:
        if not isinstance(value, str):
            say(found, "must provide a string", at)
        elif len(value) < least:
            say(found, f"must be more than {least - 1} characters", at)
        elif len(value) > most:
            say(found, f"must be less than {most + 1} characters", at)

    return check


def url(*, most: int = 3000) -> Rule:
    within = string(most=most)

    def check(found: Found, value: Any, at: str) -> None:
        within(found, value, at)
        if isinstance(value, str) and not _URL.fullmatch(value):
            say(found, "must be a valid URL", at)

    return check


def one_of(*words: str) -> Rule:
    def check(found: Found, value: Any, at: str) -> None:
        if value not in words:
            say(found, f"must be one of: {', '.join(words)}", at)

    return check


def boolean(found: Found, value: Any, at: str) -> None:
    if not isinstance(value, bool):
        say(found, "must be a valid boolean", at)


def number(found: Found, value: Any, at: str) -> None:
    try:
        float(value)
    except (TypeError, ValueError):
        say(found, "must be a number", at)


def anything(found: Found, value: Any, at: str) -> None:
    """What Slack leaves to its clients."""


def several(rule: Rule, *, most: int, least: int = 1) -> Rule:
    """A list of things of one kind."""

    def check(found: Found, value: Any, at: str) -> None:
        if not isinstance(value, list):
            say(found, "must provide an array", at)
            return
        if len(value) < least:
            say(found, f"no fewer than {least} items allowed", at)
        if len(value) > most:
            say(found, f"no more than {most} items allowed", at)
        for index, each in enumerate(value[:most]):
            rule(found, each, f"{at}/{index}")

    return check


def shape(*, needs: Mapping[str, Rule], may: Mapping[str, Rule] | None = None) -> Rule:
    """An object with these fields and no others; `type` stands in every one of them."""
    known = {"type": anything, **needs, **(may or {})}

    def check(found: Found, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            say(found, "must provide an object", at)
            return
        for name in needs:
            if value.get(name) is None:
                say(found, f"missing required field: {name}", at)
        for name, held in value.items():
            if name not in known:
                say(found, f"invalid additional property: {name}", at)
            elif held is not None:
                known[name](found, held, f"{at}/{name}")

    return check


def by_type(kinds: Mapping[str, Rule], *, outer: bool = False) -> Rule:
    """An object whose `type` says which of these rules it follows.

    Where several types fit, Slack adds that none of them did, unless the list is the `outer` one.
    """

    def check(found: Found, value: Any, at: str) -> None:
        if not isinstance(value, dict):
            say(found, "must provide an object", at)
            return
        kind = value.get("type")
        if kind is None:
            say(found, "missing required field: type", at)
            return
        rule = kinds.get(str(kind))
        if rule is None:
            say(found, f"unsupported type: {kind}", f"{at}/type")
            return
        inner: Found = []
        rule(inner, value, at)
        if inner and not outer and len(kinds) > 1:
            say(found, "failed to match all allowed schemas", at)
        found += inner

    return check


def both(*rules: Rule) -> Rule:
    def check(found: Found, value: Any, at: str) -> None:
        for rule in rules:
            rule(found, value, at)

    return check


def any_of(*names: str) -> Rule:
    """One of these fields must be there."""

    def check(found: Found, value: Any, at: str) -> None:
        if isinstance(value, dict) and not any(value.get(name) for name in names):
            say(found, f"missing required field: {names[0]}", at)

    return check


def plain(most: int) -> Rule:
    """A text object without markup."""
    return by_type({"plain_text": shape(needs={"text": string(most=most)}, may={"emoji": boolean})})


def text(most: int) -> Rule:
    """A text object of either kind."""
    return by_type(
        {
            "plain_text": shape(needs={"text": string(most=most)}, may={"emoji": boolean}),
            "mrkdwn": shape(needs={"text": string(most=most)}, may={"verbatim": boolean}),
        }
    )


def all_texts(node: Any) -> Sequence[str]:
    """Every text in blocks, also of what stands deep inside."""
    found: list[str] = []
    if isinstance(node, list):
        for each in node:
            found += all_texts(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in ("text", "title") and isinstance(value, str):
                found.append(value)
            elif isinstance(value, list | dict):
                found += all_texts(value)
    return found

"""The response_url of commands and interactions: a few messages, for half an hour, without a token."""

import json
import time

from aiohttp import web

from bot.slack_emulator import posting
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import Channel, Hook, Json, Message


class Hooks:
    """`POST /hooks/...`: answers with words, not with JSON, as Slack does."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def answer(self, request: web.Request) -> web.Response:
        hook = self._site.world.hooks.get(request.match_info["key"])
        if hook is None:
            return web.Response(status=404, text="no_service")
        if time.monotonic() > hook.ends_at:
            return web.Response(status=404, text="expired_url")
        if hook.uses_left <= 0:
            return web.Response(status=404, text="used_url")
        try:
            body = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        hook.uses_left -= 1
        try:
            self._perform(hook, body)
        except SlackError as error:
            return web.Response(status=400, text=error.code)
        return web.Response(text="ok")

    def _perform(self, hook: Hook, body: Json) -> None:
        channel = self._site.world.channels[hook.channel]
        original = self._original(hook, channel)
        if body.get("delete_original"):
            self._remove(channel, original)
        elif body.get("replace_original") and original is not None:
            self._replace(channel, original, body)
        elif not body.get("text") and not body.get("blocks") and not body.get("attachments"):
            raise SlackError("no_text")
        else:
            posting.respond(self._site, channel, hook.user, body)

    def _original(self, hook: Hook, channel: Channel) -> Message | None:
        whispered = (each for each in self._site.world.ephemerals if each.ts == hook.message_ts)
        return channel.messages.get(hook.message_ts) or next(whispered, None)

    def _remove(self, channel: Channel, original: Message | None) -> None:
        if original is None:
            raise SlackError("message_not_found")
        if original.only_for:
            self._site.world.ephemerals.remove(original)
            self._site.world.touch()
        else:
            posting.delete(self._site, channel, original)

    def _replace(self, channel: Channel, original: Message, body: Json) -> None:
        blocks = body.get("blocks") or []
        posting.check(self._site, blocks)
        text, filled = str(body.get("text") or ""), posting.with_ids(self._site, blocks)
        attachments = body.get("attachments") or []
        if original.only_for:
            original.earlier.append((original.text, original.blocks))
            original.text, original.blocks, original.attachments = text, filled, attachments
            self._site.world.touch()
        else:
            posting.change(self._site, channel, original, text=text, blocks=filled, attachments=attachments)

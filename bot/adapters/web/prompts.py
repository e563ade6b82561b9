"""The routes of what waits for a person: what is asked, and the way of an answer in."""

from dataclasses import asdict
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import formatting
from bot.adapters.web import exchange
from bot.adapters.web.adapter import WebAdapter
from bot.adapters.web.exchange import Door
from bot.adapters.web.guard import Guard
from bot.chat import Answer, Author, Place


def routes(adapter: WebAdapter, *, guard: Guard, door: Door) -> list[Route]:
    """`door`: checks where a request comes from, and turns errors into answers."""
    prompts = _Prompts(adapter, guard)
    return [
        Route("/chat/prompts/{id}", door(prompts.show), methods=["GET"]),
        Route("/chat/prompts/{id}/answers", door(prompts.answer), methods=["POST"]),
    ]


class _Prompts:
    def __init__(self, adapter: WebAdapter, guard: Guard) -> None:
        self._adapter = adapter
        self._guard = guard

    async def show(self, request: Request) -> Response:
        author = self._guard.session(request).author()
        found = await run_in_threadpool(self._shown, request.path_params["id"], author)
        return exchange.json(found)

    def _shown(self, wanted: str, author: Author) -> dict[str, Any]:
        asked = self._adapter.asked(wanted, author)
        return {"channel": asked.channel, "text": asked.text, "prompt": asdict(asked.prompt)}

    async def answer(self, request: Request) -> Response:
        session = self._guard.session(request)
        given = await exchange.body(request)
        answer = Answer(
            prompt_id=request.path_params["id"],
            author=session.author(exchange.text(given, "name", default="")[:40]),
            place=Place(channel=exchange.channel(exchange.text(given, "channel"), session)),
            values=exchange.texts(given, "values"),
            button=exchange.text(given, "button", default=""),
        )
        reply = await run_in_threadpool(self._adapter.answer, answer)
        return exchange.json({"said": formatting.as_text(reply)})

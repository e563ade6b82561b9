"""Futures of other threads on the event loop: none is forgotten, whoever finishes it and when."""

import asyncio
import threading
from concurrent.futures import Future

import pytest

from engine.api.landing import Landing


def test_every_future_is_delivered_whichever_thread_finishes_it() -> None:
    futures: list[Future[int]] = [Future() for _ in range(2000)]

    def finish(part: list[tuple[int, "Future[int]"]]) -> None:
        for number, future in part:
            future.set_result(number)

    async def wait() -> list[int]:
        landing = Landing()
        waiting = [asyncio.ensure_future(landing.wait(future)) for future in futures]
        await asyncio.sleep(0)
        numbered = list(enumerate(futures))
        threads = [threading.Thread(target=finish, args=(numbered[i::4],)) for i in range(4)]
        for thread in threads:
            thread.start()
        found = await asyncio.wait_for(asyncio.gather(*waiting), 30)
        for thread in threads:
            thread.join()
        return found

    assert asyncio.run(wait()) == list(range(2000))


def test_what_is_done_already_is_delivered() -> None:
    done: Future[str] = Future()
    done.set_result("it")
    assert asyncio.run(Landing().wait(done)) == "it"


def test_an_error_is_raised_to_who_waits() -> None:
    failed: Future[None] = Future()
    failed.set_exception(ValueError("wrong"))
    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(Landing().wait(failed))


def test_who_was_cancelled_holds_up_nobody() -> None:
    async def wait() -> str:
        landing = Landing()
        left, kept = Future[str](), Future[str]()
        leaving = asyncio.ensure_future(landing.wait(left))
        staying = asyncio.ensure_future(landing.wait(kept))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.sleep(0)
        left.set_result("late")
        kept.set_result("in time")
        return await asyncio.wait_for(staying, 10)

    assert asyncio.run(wait()) == "in time"

"""Where the bytes of a file are put: the second of three steps of an upload."""

from aiohttp import web

from bot.slack_emulator.site import Site


class Uploads:
    """`POST /upload/v1/KEY`, with the bytes as body or as a form's file."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def answer(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        file = next((each for each in self._site.world.files.values() if each.upload_key == key), None)
        if file is None:
            return web.Response(status=404, text="upload url is not known")
        if request.content_type.startswith("multipart/"):
            form = (await request.post()).values()
            held = next((each for each in form if isinstance(each, web.FileField)), None)
            content = held.file.read() if held else b""
        else:
            content = await request.read()
        file.content = content
        self._site.world.touch()
        return web.Response(text=f"OK - {len(content)}")

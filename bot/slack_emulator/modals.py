"""The views that people have open: one on the other, changed, closed."""

import secrets
import time

from bot.slack_emulator.posting import with_ids
from bot.slack_emulator.site import Site
from bot.slack_emulator.world import Json, View, World


def stack(world: World, user: str, root: str = "") -> list[View]:
    """The open views of somebody, the one they see last."""
    return [
        view
        for view in world.views.values()
        if view.user == user and view.is_open and (not root or root in (view.root, view.id))
    ]


def open_view(site: Site, team: str, user: str, body: Json) -> View:
    """A new first view; what somebody had open before goes away."""
    for view in stack(site.world, user):
        view.is_open = False
    return _new(site, team, user, body)


def push_view(site: Site, below: View, body: Json) -> View:
    view = _new(site, below.team, below.user, body)
    view.root, view.previous = below.root or below.id, below.id
    return view


def update_view(site: Site, view: View, body: Json) -> None:
    view.body = {**body, "blocks": with_ids(site, body.get("blocks") or [])}
    view.hash = f"{int(time.time())}.{secrets.token_hex(4)}"
    view.errors = {}
    site.world.touch()


def close_all(world: World, view: View) -> None:
    """The whole stack of which it is a part."""
    for each in stack(world, view.user, view.root or view.id):
        each.is_open = False
    world.touch()


def _new(site: Site, team: str, user: str, body: Json) -> View:
    view = View(id=site.world.new_id("V"), team=team, user=user, hash="", body={})
    site.world.views[view.id] = view
    update_view(site, view, body)
    return view

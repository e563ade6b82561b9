"""The methods `views.*`: modals and the App Home."""

import time

from bot.slack_emulator import blocks as block_kit
from bot.slack_emulator import modals, wire
from bot.slack_emulator.errors import SlackError
from bot.slack_emulator.methods.call import Call, Method
from bot.slack_emulator.world import Json, Trigger, View

_STACKED_MAX = 3


def _body(call: Call, *, kind: str) -> Json:
    body = call.json("view", error="invalid_arguments")
    if not isinstance(body, dict):
        raise SlackError("invalid_arguments", messages=("missing required field: view",))
    block_kit.check_view(body, kind=kind)
    external_id = body.get("external_id")
    if external_id and kind == "modal" and call.text("view_id") == "":
        for view in call.world.views.values():
            if (
                view.is_open
                and view.body.get("external_id") == external_id
                and call.text("external_id") == ""
            ):
                raise SlackError("duplicate_external_id")
    return body


def _trigger(call: Call) -> Trigger:
    """The right to open a view; it is used up."""
    trigger = call.world.triggers.get(call.text("trigger_id"))
    if not call.text("trigger_id"):
        raise SlackError("invalid_arguments", messages=("missing required field: trigger_id",))
    if trigger is None or trigger.team != call.team.id:
        raise SlackError("invalid_trigger_id")
    if trigger.is_used:
        raise SlackError("exchanged_trigger_id")
    if time.monotonic() > trigger.ends_at:
        raise SlackError("expired_trigger_id")
    return trigger


def _answer(call: Call, view: View) -> Json:
    call.world.touch()
    return {"ok": True, "view": wire.view(call.world, view)}


def opened(call: Call) -> Json:
    body = _body(call, kind="modal")
    trigger = _trigger(call)
    trigger.is_used = True
    return _answer(call, modals.open_view(call.site, call.team.id, trigger.user, body))


def pushed(call: Call) -> Json:
    body = _body(call, kind="modal")
    trigger = _trigger(call)
    below = call.world.views.get(trigger.view)
    if below is None or not below.is_open:
        raise SlackError("not_found")
    if len(modals.stack(call.world, below.user, below.root or below.id)) >= _STACKED_MAX:
        raise SlackError("push_limit_reached")
    trigger.is_used = True
    return _answer(call, modals.push_view(call.site, below, body))


def updated(call: Call) -> Json:
    body = _body(call, kind="modal")
    view = _named(call)
    if view is None or not view.is_open or view.team != call.team.id:
        raise SlackError("not_found")
    _check_hash(call, view)
    modals.update_view(call.site, view, body)
    return _answer(call, view)


def _named(call: Call) -> View | None:
    if call.text("view_id"):
        return call.world.views.get(call.text("view_id"))
    wanted = call.needed("external_id")
    found = (view for view in call.world.views.values() if view.body.get("external_id") == wanted)
    return next(found, None)


def _check_hash(call: Call, view: View) -> None:
    if call.text("hash") and call.text("hash") != view.hash:
        raise SlackError("hash_conflict")


def published(call: Call) -> Json:
    body = _body(call, kind="home")
    user = call.world.users.get(call.needed("user_id"))
    if user is None or user.team != call.team.id:
        raise SlackError("user_not_found")
    view = call.world.homes.get((call.team.id, user.id))
    if view is None:
        view = View(id=call.world.new_id("V"), team=call.team.id, user=user.id, hash="", body={})
        call.world.homes[call.team.id, user.id] = view
    else:
        _check_hash(call, view)
    modals.update_view(call.site, view, body)
    return _answer(call, view)


METHODS = {
    "views.open": Method(run=opened),
    "views.push": Method(run=pushed),
    "views.update": Method(run=updated),
    "views.publish": Method(run=published),
}

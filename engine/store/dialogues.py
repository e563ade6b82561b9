"""SQL of forms that are asked one question at a time."""

import orjson
from sqlalchemy import Connection, delete, insert, select

from engine.records.dialogue import Dialogue, DialogueRow
from engine.store.vault import Vault

_T = DialogueRow.__table__  # type: ignore[attr-defined]  # SQLModel hides the table from mypy


def seal_place(adapter: str, person: str) -> str:
    return f"dialogue:{adapter}:{person}"


def get(connection: Connection, vault: Vault, adapter: str, person: str) -> Dialogue | None:
    """Raises StoreFailure when it was sealed with a key that is gone."""
    row = connection.execute(select(_T).where(_T.c.adapter == adapter, _T.c.person == person)).first()
    if row is None:
        return None
    plain = vault.unseal(row.body, place=seal_place(adapter, person))
    return Dialogue(
        adapter=row.adapter,
        person=row.person,
        prompt_id=row.prompt_id,
        channel=row.channel,
        values=orjson.loads(plain),
        step=row.step,
        delivery_key=row.delivery_key,
        changed_at=row.changed_at,
    )


def put(connection: Connection, vault: Vault, dialogue: Dialogue) -> None:
    """In the place of the one that the person was in."""
    end(connection, dialogue.adapter, dialogue.person)
    values = {
        "adapter": dialogue.adapter,
        "person": dialogue.person,
        "prompt_id": dialogue.prompt_id,
        "channel": dialogue.channel,
        "body": vault.seal(
            orjson.dumps(dict(dialogue.values)), place=seal_place(dialogue.adapter, dialogue.person)
        ),
        "step": dialogue.step,
        "delivery_key": dialogue.delivery_key,
        "changed_at": dialogue.changed_at,
    }
    connection.execute(insert(_T), values)


def end(connection: Connection, adapter: str, person: str) -> None:
    connection.execute(delete(_T).where(_T.c.adapter == adapter, _T.c.person == person))

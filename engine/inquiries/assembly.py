"""Inquiries, put together."""

from dataclasses import dataclass

from engine.chat_routes import ChatRoutes
from engine.content.registry import Content
from engine.executions import Executions
from engine.expressions.params import Plans
from engine.inquiries.asking import Asking
from engine.inquiries.clock import InquiryClock
from engine.inquiries.desk import Inquiries
from engine.people import People
from engine.rights.room import Rights
from engine.settings import Settings
from engine.store.database import Database
from engine.store.vault import Vault
from engine.subjects import Subjects
from engine.triggers import Triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryParts:
    """What inquiries stand on."""

    settings: Settings
    database: Database
    vault: Vault
    content: Content
    plans: Plans
    executions: Executions
    triggers: Triggers
    people: People
    rights: Rights


def make_inquiries(parts: InquiryParts) -> tuple[Inquiries, InquiryClock]:
    inquiries = Inquiries(
        parts.database,
        parts.executions,
        parts.triggers,
        parts.vault,
        asking=Asking(Subjects(parts.content, parts.plans), ChatRoutes(parts.settings.chat)),
        people=parts.people,
        rights=parts.rights,
    )
    return inquiries, InquiryClock(parts.database, inquiries, parts.content)

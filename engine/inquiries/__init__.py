"""Questions to people: raised, answered, escalated, expired; and approvals."""

"""Webhooks: from the bytes of a delivery to an event that was verified and committed."""

"""When things are due: what timers mean in their time zones, and the times that people write. Pure."""

"""What people write: frozen models of packs, actions, aliases, rules, sensors, triggers and policies."""

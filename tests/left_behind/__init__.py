"""What the other tests left behind: no secret that was issued is in it."""

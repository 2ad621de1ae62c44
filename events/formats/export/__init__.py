"""Our outcomes as lines of other programs."""

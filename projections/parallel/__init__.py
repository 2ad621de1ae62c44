"""Large files read on several cores: in parts, ahead, and by helping processes."""

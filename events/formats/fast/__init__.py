"""Many lines at once: the hot path of every foreign log."""

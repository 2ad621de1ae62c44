"""What each sealed segment adds up to, kept beside the log so that a rebuild need not read it."""

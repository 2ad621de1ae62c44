"""Other programs that do the same work, each written as those who know it would."""

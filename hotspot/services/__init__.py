"""Stories, one per file. Each function takes `db` and `now`, and never commits: the door that called it does."""

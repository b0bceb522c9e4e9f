"""The history of documents (`changes`), `asOf` and restore (`point_in_time`), who sees what
(`visibility`)."""

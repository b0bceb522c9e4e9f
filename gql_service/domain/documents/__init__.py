"""Metadata documents as stored (`rows`, `entries`), who may open one (`access`), who sees what
(`visibility`)."""

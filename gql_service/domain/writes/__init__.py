"""The one write path of documents: a `Change` is applied to a `Draft` within a `UnitOfWork`."""

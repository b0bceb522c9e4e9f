"""The one write path of documents."""

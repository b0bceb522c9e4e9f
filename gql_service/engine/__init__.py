"""From the text of a document to the result of its operation."""

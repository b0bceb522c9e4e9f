"""Metadata documents as stored, and as a viewer sees them."""

"""The fields of `Mutation`, a group a file."""

"""Values of metadata: types, validation, encryption, and access to their parts."""

"""What a metadata value is: types, validation, encryption, parts of it."""

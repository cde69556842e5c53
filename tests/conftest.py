"""What all tests share: nothing yet but this place for it."""

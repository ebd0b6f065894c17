"""`verify`: what the register promises against what the store shows, promise by promise."""

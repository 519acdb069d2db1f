"""Events as once stored: one file for each type and version, and the samples they come from."""

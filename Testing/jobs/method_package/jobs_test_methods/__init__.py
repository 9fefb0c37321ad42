"""Methods that behave and misbehave on demand, for the tests of the worker."""

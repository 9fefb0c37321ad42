"""Methods that place a CT on films as the tests want."""

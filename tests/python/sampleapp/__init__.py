"""An app with handlers that behave well and badly, for the tests alone."""

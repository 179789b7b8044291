"""An app of the tests: models and handlers that the demo has no use for."""

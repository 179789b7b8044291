"""The demo in the looks of the example in docs/designing.md."""

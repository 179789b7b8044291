"""The app in real browsers, against a real server process."""

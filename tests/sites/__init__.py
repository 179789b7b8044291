"""Small sites whose forms the app makes work offline."""

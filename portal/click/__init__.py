"""The click door: GET /r/<code>, a small RSGI server of its own that knows no Django."""

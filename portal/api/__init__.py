"""The JSON API for shops and partners."""

"""Other networks' own languages, spoken for shops that bring their client along. A translation, never the truth."""

"""The tamper-evident log: what was received is rooted, signed and published, so that leaving something out shows (X5)."""

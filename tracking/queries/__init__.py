"""What pages show about clicks, links and conversions, by who looks."""

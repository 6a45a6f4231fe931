"""What pages show about commissions, payouts and the book, by who looks."""

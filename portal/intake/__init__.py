"""What every intake shares: strict reading, one row in the inbox for each request, and its key."""

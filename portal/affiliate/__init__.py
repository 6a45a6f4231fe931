"""The partner's workspace: what an affiliate sees and does."""

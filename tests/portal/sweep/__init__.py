"""The sweep: every address of ours, every method, every kind of person, predicted from the policy tables."""

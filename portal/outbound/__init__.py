"""What leaves the house: mails and webhooks, as subscribers of the journal."""

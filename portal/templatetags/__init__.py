"""Template tags of the design kit; the manual is portal/templates/portal/README.md."""

"""Reports: one set of screens for partner, merchant and network, each over its own figures."""

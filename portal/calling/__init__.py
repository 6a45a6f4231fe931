"""What merchants' and partners' own programs are told: the catalogue, the words, and the screens both share."""

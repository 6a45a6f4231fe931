"""The screens of the inbox, as merchants and the network office share them."""

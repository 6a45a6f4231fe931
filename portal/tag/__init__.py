"""What a shop's pages get from us, and what shoppers' browsers tell us: the tag, its orders, the pixel."""

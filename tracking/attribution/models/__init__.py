"""The models: how one order's commission goes to the touches before it."""

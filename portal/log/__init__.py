"""The published log: roots that anybody may read, keep and compare."""

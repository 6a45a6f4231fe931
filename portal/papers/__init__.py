"""Papers: what people keep and file, made as tagged PDF."""

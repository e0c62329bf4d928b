"""`infra/dev/chat test`: every set of tests, one stack, one closing line."""

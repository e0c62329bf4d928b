"""`infra/dev/check`: what can be said about the code without compiling it. One module per rule."""

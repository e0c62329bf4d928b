"""The development environment: servers, fleet, tests. `infra/dev/README.md` is the tour."""

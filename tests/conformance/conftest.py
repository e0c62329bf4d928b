def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes minutes; only `infra/dev/chat test --full` runs it")

"""Options of the robustness tests: short in every test run, long on request."""


def pytest_addoption(parser):
    parser.addoption("--fuzz", type=int, default=None, help="number of fuzzed inputs")
    parser.addoption("--kills", type=int, default=None, help="number of killed processes")

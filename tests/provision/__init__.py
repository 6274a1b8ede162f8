"""Private database servers for the tests: own programs' data, own port, ended with the test session."""

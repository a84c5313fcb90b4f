"""What an operator changes from outside, and the installation finds at its start: another release, another root key. It is recorded once, whoever starts first."""

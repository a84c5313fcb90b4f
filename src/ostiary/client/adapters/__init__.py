"""Contracts as tools of agent frameworks: a file for each, as thin as it can be. A framework is imported when its adapter is used, and never installed by us."""

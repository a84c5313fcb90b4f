"""Where values came from: what a person said in an agent's session, what the agent has read since, and what it wrote itself. Shared by all processes, as
keyed fingerprints that expire; no value is kept here, and what is lost is unexplained."""

"""Model-based tests: random histories of jobs on the real services in memory, with faults and a virtual clock."""

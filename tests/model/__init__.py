"""The model: a job's whole life over the real services, in memory, with faults and time in any order."""

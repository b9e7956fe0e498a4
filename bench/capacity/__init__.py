"""Cost and capacity: a price model of a month and a simulation of a day."""

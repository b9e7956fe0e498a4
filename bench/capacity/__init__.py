"""Cost and capacity: a model of the monthly cost and a simulation of a day."""

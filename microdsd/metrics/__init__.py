"""Descriptors of microstructures and the comparison of two ensembles."""

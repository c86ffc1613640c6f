"""From a model to labels: the request, its samples in batches, and the array they are given in."""

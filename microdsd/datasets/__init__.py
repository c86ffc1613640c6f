"""Published microstructures by name: registry, verified download, loading."""

from microdsd.datasets.fetching import fetch
from microdsd.datasets.loading import load_dataset
from microdsd.datasets.registry import DatasetInfo, dataset_info, list_datasets

__all__ = [
    "DatasetInfo",
    "dataset_info",
    "fetch",
    "list_datasets",
    "load_dataset",
]

from . import plot as plot
from .baselines import GaussianField, YeongTorquato
from .citation import citation
from .datasets import list_datasets, load_dataset
from .ensembles import measure_ensemble
from .errors import ExtrapolationWarning, InputError, MicrodsdError
from .evaluation import compare, evaluate, evaluate_slices, evaluate_sweep, judge
from .fitting import fit
from .generation import MicrostructureModel, sample_sweep
from .inverse import design
from .io import load_microstructures, save_microstructures
from .metrics import describe
from .microstructure import as_microstructure, coarsen, crop, cut_windows, phase_fractions
from .models import list_models
from .network_judge import NetworkJudge
from .progress import show_progress
from .report import write_report, write_slice_report, write_sweep_report
from .training.config import TrainingConfig
from .transport import describe_transport

__version__: str
__all__ = [
    "ExtrapolationWarning",
    "GaussianField",
    "InputError",
    "MicrodsdError",
    "MicrostructureModel",
    "NetworkJudge",
    "TrainingConfig",
    "YeongTorquato",
    "__version__",
    "as_microstructure",
    "citation",
    "coarsen",
    "compare",
    "crop",
    "cut_windows",
    "describe",
    "describe_transport",
    "design",
    "evaluate",
    "evaluate_slices",
    "evaluate_sweep",
    "fit",
    "judge",
    "list_datasets",
    "list_models",
    "load_dataset",
    "load_microstructures",
    "measure_ensemble",
    "phase_fractions",
    "plot",
    "sample_sweep",
    "save_microstructures",
    "show_progress",
    "write_report",
    "write_slice_report",
    "write_sweep_report",
]

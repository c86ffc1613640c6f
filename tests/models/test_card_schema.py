"""Cards of model files from anywhere: each loads, or is refused in one message of our own."""

import contextlib
import copy
import itertools
import json
import math
import time

import numpy as np
import pytest
import safetensors.torch
import torch
from tiny_models import tiny_card, tiny_network

from microdsd.errors import CheckpointError, MicrodsdError
from microdsd.generation.microstructure_model import MicrostructureModel
from microdsd.models import list_models, model_info, model_path
from microdsd.models.card_schema import card_from_json
from microdsd.models.contents import Channels
from microdsd.models.files import pack_model, read_model, read_network
from microdsd.networks import UNetConfig

ABSENT = object()
VALUES = (
    ABSENT,
    None,
    "text",
    "",
    True,
    -1,
    0,
    2.5,
    10**30,
    1e300,
    math.nan,
    math.inf,
    [],
    {},
    [None],
    ["a", 1],
    [[]],
    {"pore": "much"},
    {"0": 0},
)


def model_bytes(document, weights=None):
    metadata = {"microdsd": document if isinstance(document, str) else json.dumps(document)}
    return safetensors.torch.save(weights or tiny_network().state_dict(), metadata=metadata)


def places(node, path=()):
    """Every place in a document, containers and what they hold."""
    if path:
        yield path
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))
        else:
            yield (*path, key)


def edited(document, path, value):
    document = copy.deepcopy(document)
    *outer, last = path
    node = document
    for key in outer:
        node = node[key]
    if value is ABSENT:
        del node[last]
    else:
        node[last] = value
    return document


CARD = json.loads(
    tiny_card(classes={"a": {"pore": (0.5, 0.2, 0.6), "solid": (0.5, 0.2, 0.6)}}).to_json()
)
CARD["network"]["classes"] = 1


def weights_of(network):
    config = UNetConfig(**{k: tuple(v) if isinstance(v, list) else v for k, v in network.items()})
    from microdsd.networks import PotentialUNet

    return PotentialUNet(config).state_dict()


WEIGHTS = weights_of(CARD["network"])
CHANNELS = tuple(f"band {k}" for k in range(11))
IMAGES = tiny_card(
    contents=Channels(CHANNELS, 5),
    network=UNetConfig(2, 11, (4, 8), (1, 1), 8, top=4),
    fraction_mean=dict.fromkeys(CHANNELS, 1.5),
    fraction_range=dict.fromkeys(CHANNELS, (1.0, 2.0)),
)


# The card has a class, and samples are asked for without naming it.
UNNAMED_CLASS = pytest.mark.filterwarnings("ignore:class_name::")


def outcome(path):
    """What becomes of a model file: a sample, or an error of our own. Anything else is raised."""
    try:
        model_info(path)
        model = MicrostructureModel.load(path, "cpu", precision="float32")
        model.sample(1, evaluations=2, rng=0)
    except MicrodsdError as error:
        message = str(error)
        assert message
        assert len(message) < 1000
        return message
    return None


@UNNAMED_CLASS
def test_the_card_itself_is_whole(tmp_path):
    (tmp_path / "a.model").write_bytes(model_bytes(CARD, WEIGHTS))
    assert outcome(tmp_path / "a.model") is None


@UNNAMED_CLASS
def test_cards_edited_in_every_place(tmp_path):
    """Every field removed, and set to every kind of value: never a traceback.

    Seeded: of the few thousand edits some are tried at each run, always the same.
    """
    rng = np.random.default_rng(0)
    every = [(path, value) for path in places(CARD) for value in VALUES]
    chosen = [every[i] for i in rng.permutation(len(every))[:400]]
    chosen += [(path, value) for path, value in every if len(path) == 1 and value in (ABSENT, None)]
    path = tmp_path / "a.model"
    refused = 0
    for place, value in chosen:
        path.write_bytes(model_bytes(edited(CARD, place, value), WEIGHTS))
        message = outcome(path)
        refused += message is not None
        if message and place[0] not in ("provenance", "format_version"):
            assert "a.model" in message, (place, value)
    assert refused > 0.8 * len(chosen)


def test_images_of_more_than_ten_channels_come_back():
    """Ten sorts before two among the keys of a JSON object."""
    assert card_from_json(IMAGES.to_json()) == IMAGES


def test_what_a_card_of_images_is_of_edited_in_every_place():
    card = json.loads(IMAGES.to_json())
    for key, value in itertools.product(("phases", "background", "grey_levels"), VALUES):
        document = edited(card, (key,), value)
        if document != card:
            with pytest.raises(CheckpointError, match="model card"):
                card_from_json(json.dumps(document))
    for number, value in itertools.product(card["phases"], VALUES):
        with contextlib.suppress(CheckpointError):  # a name may be another
            card_from_json(json.dumps(edited(card, ("phases", number), value)))


def test_fields_are_named():
    cases = {
        ("fraction_mean", "pore"): ("0.3", r"fraction_mean\.pore: .*valid number, got '0\.3'"),
        ("walks",): ([], r"walks=\(\) are none"),
        ("walks", 0): ({"evaluations": 3}, r"walks\.0\.first: Field required"),
        ("network", "widths"): ([], r"network\.widths"),
        ("sigma_max",): (math.nan, "sigma_max: .*finite"),
        ("evaluations",): (0, "evaluations: .*at least|evaluations: .*greater"),
        ("voxel_size",): ([1e-6], "voxel_size"),
        ("background",): (7, "background=7"),
        ("phases", "1"): ("pore", "names of their own"),
        ("symmetry",): ("cubic", "symmetry"),
        ("window",): ([12], r"network\.ndim=2, with a window of 1 axes"),
        ("fraction_range", "pore"): ([0.6, 0.2], "fraction_range"),
        ("network", "species"): (2, r"network\.species=2"),
        ("classes",): ([["a", {}]], r"classes\.a"),
    }
    for place, (value, message) in cases.items():
        with pytest.raises(CheckpointError, match=message):
            card_from_json(json.dumps(edited(CARD, place, value)))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5000, '{"format_version": ' + "9" * 5000 + "}", "\x00", '"a"']
)
def test_documents_that_no_parser_likes(tmp_path, text):
    (tmp_path / "a.model").write_bytes(model_bytes(text))
    with pytest.raises(CheckpointError, match=r"a\.model"):
        read_model(tmp_path / "a.model")


@pytest.mark.parametrize(
    "network",
    [
        {"widths": [9000, 9000]},
        {"widths": [4, 65536]},
        {"embedding": 65536},
        {"blocks": [60000, 60000]},
        {"widths": [4] * 16, "blocks": [1] * 16},
    ],
)
def test_a_network_is_made_of_the_file_s_own_weights(tmp_path, network):
    """What a card describes is compared with the file before anything of its size is made."""
    document = json.loads(tiny_card().to_json())
    document["network"].update(network)
    (tmp_path / "a.model").write_bytes(model_bytes(document))
    begun = time.process_time()
    with pytest.raises(CheckpointError, match=r"a\.model: .*(weights|blocks).*damaged"):
        MicrostructureModel.load(tmp_path / "a.model")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights_that_are_not_finite_are_named(tmp_path, value):
    weights = {name: tensor.clone() for name, tensor in tiny_network().state_dict().items()}
    weights["up.0.0.conv1.conv.weight"][1, 2] = value
    (tmp_path / "a.model").write_bytes(pack_model(weights, tiny_card()))
    with pytest.raises(CheckpointError, match=r"a\.model: 9 of the weights 'up\.0\.0\.conv1\.conv"):
        MicrostructureModel.load(tmp_path / "a.model")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64, torch.int32])
def test_weights_of_another_type(tmp_path, dtype):
    weights = dict(tiny_network().state_dict())
    weights["head.conv.weight"] = weights["head.conv.weight"].to(dtype)
    (tmp_path / "a.model").write_bytes(pack_model(weights, tiny_card()))
    with pytest.raises(CheckpointError, match=r"'head\.conv\.weight' are .* of \w+\d+, those"):
        MicrostructureModel.load(tmp_path / "a.model")


def test_the_models_that_ship_are_whole():
    for listed in list_models():
        network, card = read_network(model_path(listed.name))
        assert card.evaluations == listed.evaluations
        assert not any(weight.is_meta for weight in network.state_dict().values())

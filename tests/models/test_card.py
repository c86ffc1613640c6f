import json
import pickle
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from tiny_models import tiny_card, tiny_network

from microdsd.errors import CheckpointError
from microdsd.models.card import FORMAT_VERSION
from microdsd.models.card_schema import card_from_json
from microdsd.models.files import pack_model, read_model
from microdsd.models.plan import WalkPlan
from microdsd.models.walk_back import WalkBack
from microdsd.training import pack_state, read_state


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "a.model"
    path.write_bytes(pack_model(tiny_network().state_dict(), tiny_card()))
    return path


def rewrite(path, change):
    """The model file with its card's JSON changed."""
    weights, card = read_model(path)
    document = json.loads(card.to_json())
    change(document)
    metadata = {"microdsd": json.dumps(document)}
    path.write_bytes(safetensors.torch.save(weights, metadata=metadata))


@pytest.mark.parametrize("card", [tiny_card(), tiny_card(3, 3, 2, validation_gains=())])
def test_card_and_weights_come_back(tmp_path, card):
    network = tiny_network(card.network.ndim, card.network.species)
    path = tmp_path / "a.model"
    path.write_bytes(pack_model(network.state_dict(), card))
    weights, read = read_model(path)
    assert read == card
    assert weights.keys() == network.state_dict().keys()
    assert all(torch.equal(weights[k], v) for k, v in network.state_dict().items())


def test_the_bytes_depend_on_the_content_alone():
    first = pack_model(tiny_network().state_dict(), tiny_card())
    turned = tiny_network().to(memory_format=torch.channels_last)
    assert pack_model(turned.state_dict(), tiny_card()) == first
    assert pack_model(tiny_network(seed=1).state_dict(), tiny_card()) != first


def test_state_comes_back(tmp_path):
    tensors = {"network.a": torch.randn(3, 2), "optimizer.0.step": torch.tensor(4.0)}
    numbers = {"step": 4, "loss": 0.1 + 0.2, "precision": None, "run": {"seed": 1}}
    (tmp_path / "state").write_bytes(pack_state(tensors, numbers))
    read, told = read_state(tmp_path / "state")
    assert told == numbers
    assert all(torch.equal(read[k], v) for k, v in tensors.items())


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file(model_file, kept):
    model_file.write_bytes(model_file.read_bytes()[:kept])
    for read in (read_model, read_state):
        with pytest.raises(CheckpointError, match=r"a\.model: not a readable model file"):
            read(model_file)


def test_foreign_safetensors(tmp_path):
    path = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"w": torch.zeros(2)}, path, metadata={"format": "pt"})
    for read in (read_model, read_state):
        with pytest.raises(CheckpointError, match="not written by microdsd"):
            read(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        read_model(tmp_path / "nowhere.model")


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, None])
def test_another_version(model_file, tmp_path, version):
    rewrite(model_file, lambda card: card.update(format_version=version))
    with pytest.raises(CheckpointError, match=f"format_version={version}: this microdsd reads"):
        read_model(model_file)
    state = safetensors.torch.save(
        {"w": torch.zeros(1)}, metadata={"microdsd": json.dumps({"format_version": version})}
    )
    (tmp_path / "state").write_bytes(state)
    with pytest.raises(CheckpointError, match="another version"):
        read_state(tmp_path / "state")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("sigma_max"), r"missing \['sigma_max'\]"),
        (lambda card: card.update(colour="red"), r"unknown \['colour'\]"),
        (lambda card: card["network"].pop("species"), "model card"),
        (lambda card: card.update(network=3), "model card"),
        (lambda card: card.update(phases=["pore"]), "model card"),
        (lambda card: card.update(window=None), "model card"),
    ],
)
def test_a_card_of_another_kind(model_file, change, message):
    rewrite(model_file, change)
    with pytest.raises(CheckpointError, match=message):
        read_model(model_file)


@pytest.mark.parametrize("text", ["{", "[1, 2]", "null"])
def test_a_card_that_is_no_document(tmp_path, text):
    path = tmp_path / "a.model"
    path.write_bytes(safetensors.torch.save({"w": torch.zeros(1)}, metadata={"microdsd": text}))
    for read in (read_model, read_state):
        with pytest.raises(CheckpointError):
            read(path)


def test_nothing_is_unpickled(tmp_path):
    """A pickle that would leave a mark when loaded is refused, and leaves none."""

    class Mark:
        def __reduce__(self):
            return (open, (str(tmp_path / "mark"), "w"))

    path = tmp_path / "evil.model"
    path.write_bytes(pickle.dumps(Mark()))
    torch.save({"network": torch.zeros(1)}, tmp_path / "torch.model")
    for file in (path, tmp_path / "torch.model"):
        with pytest.raises(CheckpointError):
            read_model(file)
    assert not (tmp_path / "mark").exists()


def test_files_from_before_there_was_a_choice_hold_bridges(model_file):
    """The models that ship were written without the field, by the same format version."""
    rewrite(model_file, lambda card: card.pop("method"))
    _, card = read_model(model_file)
    assert card.method == "bridges"


def test_a_method_that_nobody_knows(model_file):
    rewrite(model_file, lambda card: card.update(method="magic"))
    with pytest.raises(CheckpointError, match=r"method: .*'bridges' or 'tau-leaping', got 'magic'"):
        read_model(model_file)


def test_few_evaluations_walk_back_in_their_own_way():
    card = tiny_card(
        walks=(WalkBack(8, 5.0, 0.9, (1.2,)), WalkBack(32, 12.0, 0.4, (1.0,))), evaluations=32
    )
    plans = [WalkPlan.of(card, n) for n in (4, 8, 32, 64)]
    assert [plan.levels[0] for plan in plans] == [5.0, 5.0, 12.0, 12.0]
    assert [plan.levels[-1] for plan in plans] == [0.9, 0.9, 0.4, 0.4]
    assert card.walk(16, sigma_last=0.5) == replace(card.walk(16), last=0.5)
    assert card_from_json(card.to_json()) == card


@pytest.mark.parametrize(
    ("few", "walks"),
    [
        ({"sigma_last_few": 0.9}, (WalkBack(8, 13.0, 0.9), WalkBack(32, 13.0, 0.4))),
        ({"sigma_last_few": None}, (WalkBack(32, 13.0, 0.4),)),
        ({}, (WalkBack(32, 13.0, 0.4),)),
    ],
)
def test_files_from_before_walks_were_calibrated_start_at_the_horizon(model_file, few, walks):
    def earlier(card):
        del card["walks"]
        card.update(sigma_last=0.4, evaluations=32, **few)

    rewrite(model_file, earlier)
    assert read_model(model_file)[1].walks == walks

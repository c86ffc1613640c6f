"""Mesh files are read back by readers that are not ours."""

import itertools
import json
import re

import numpy as np
import pytest

from microdsd.errors import DataFileError, InputError
from microdsd.meshes import Elements, ensure_meshes_writable, save_inp, save_meshes, save_vtu
from microdsd.meshes.element_files import set_names
from microdsd.microstructure import as_microstructure, blobs

pv = pytest.importorskip("pyvista")
NAMES = {0: "pore", 3: 'active "x"', 7: "labels"}
SIZE = (3e-6, 2e-6, 1e-6)


def volume(shape=(5, 6, 7)):
    labels = np.random.default_rng(0).choice([0, 3, 7], shape)
    return as_microstructure(labels, phases=NAMES, voxel_size=SIZE[-len(shape) :])


def sections(text):
    """Lines of an Abaqus file by keyword, in order."""
    found = []
    for line in text.splitlines():
        if line.startswith("**"):
            continue
        if line.startswith("*"):
            found.append((line, []))
        else:
            found[-1][1].append(line)
    return found


def numbers(lines):
    return [int(word) for line in lines for word in line.split(",")]


def table(lines):
    return np.array([[float(word) for word in line.split(",")] for line in lines])


@pytest.mark.parametrize("suffix", [".stl", ".ply"])
def test_bodies_come_back_closed(tmp_path, suffix):
    ms = blobs((16, 16, 16), fractions=(0.4, 0.6), scale=3, rng=0)
    written = save_meshes(tmp_path / f"a{suffix}", ms)
    assert [mesh.path.name for mesh in written] == [f"a-phase_{k}{suffix}" for k in (0, 1)]
    for mesh, label in zip(written, (0, 1), strict=True):
        back = pv.read(mesh.path).clean()
        assert back.n_open_edges == 0
        assert back.volume == pytest.approx(int((ms == label).sum()), rel=1e-5)
        assert back.n_cells == mesh.counts["triangles"]


def test_a_ply_holds_labels_and_volumes(tmp_path):
    (mesh,) = save_meshes(tmp_path / "a.ply", volume(), ["pore"], unit="um", caps=False)
    raw = mesh.path.read_bytes()
    head = raw[: raw.index(b"end_header")].decode("ascii")
    said = dict(re.findall(r"comment (\w+) (.*)", head))
    assert json.loads(said["unit"]) == "um"
    assert json.loads(said["phases"])["3"] == 'active "x"'
    record = json.loads(said["volumes"])["phases"]["pore"]
    assert record["voxels"] == (volume() == 0).sum()
    assert record["of_voxels"] == pytest.approx(6 * record["voxels"])
    assert record["error"] == mesh.volumes[0].error
    faces = np.frombuffer(
        raw[len(head) + len("end_header\n") + 24 * mesh.counts["points"] :],
        dtype=[("n", "u1"), ("corners", "<i4", 3), ("behind", "<i4"), ("before", "<i4")],
    )
    assert len(faces) == mesh.counts["triangles"]
    assert set(faces["behind"].tolist()) == {0}
    assert set(faces["before"].tolist()) == {3, 7}


def test_vtp_holds_all_phases(tmp_path):
    (mesh,) = save_meshes(tmp_path / "a.vtp", volume())
    back = pv.read(mesh.path)
    assert back.n_cells == mesh.counts["triangles"]
    assert json.loads(back.field_data["phases"][0]) == {str(k): n for k, n in NAMES.items()}
    assert back.field_data["unit"][0] == "m"
    assert set(json.loads(back.field_data["volumes"][0])["phases"]) == set(NAMES.values())
    for label, name in NAMES.items():
        own = (back["phase_behind"] == label) | (back["phase_before"] == label)
        body = back.extract_cells(np.flatnonzero(own)).extract_surface(algorithm=None)
        border = body.extract_feature_edges(
            feature_edges=False, non_manifold_edges=False, manifold_edges=False
        )
        assert border.n_cells == 0, name


def test_abaqus_sets_hold_every_voxel_once(tmp_path):
    ms = blobs((32, 32, 32), fractions=(0.3, 0.6, 0.1), scale=3, rng=0)
    save_inp(tmp_path / "a.inp", Elements.of(ms))
    found = sections((tmp_path / "a.inp").read_text())
    sets = {k.split("elset=")[1]: numbers(v) for k, v in found if k.startswith("*Elset")}
    assert {name: len(of) for name, of in sets.items()} == {
        f"PHASE_{k}": int((ms == k).sum()) for k in range(3)
    }
    for label, members in enumerate(sets.values()):
        assert (ms.values.ravel()[np.array(members) - 1] == label).all()
    assert sorted(itertools.chain.from_iterable(sets.values())) == list(range(1, 32**3 + 1))
    keys = [key for key, _ in found]
    for name in sets:
        assert f"*Solid Section, elset={name}, material=MATERIAL-{name}" in keys
        assert f"*Material, name=MATERIAL-{name}" in keys
    nodes, elements = (table(v) for k, v in found if k == "*Node" or k.startswith("*Element,"))
    assert len(nodes) == 33**3
    corners = nodes[elements[:, 1:].astype(int) - 1, 1:]
    edges = corners[:, [1, 3, 4]] - corners[:, [0]]
    np.testing.assert_allclose(np.linalg.det(edges), 1)  # right-handed, one voxel each
    z, y, x = np.unravel_index(np.arange(32**3), (32,) * 3)
    np.testing.assert_allclose(corners.mean(axis=1), np.stack([x, y, z], 1) + 0.5)
    faces = {k.split("nset=")[1]: numbers(v) for k, v in found if k.startswith("*Nset")}
    for axis, letter in enumerate("XYZ"):
        for end, place in ((0, 0), (1, 32)):
            members = np.array(faces[f"{letter}{end}"]) - 1
            assert len(members) == 33**2
            assert (nodes[members, axis + 1] == place).all()
    assert all(len(line) < 256 and line.count(",") < 17 for _, lines in found for line in lines)


def test_some_phases_have_no_loose_nodes(tmp_path):
    elements = Elements.of(volume(), ["pore", 7], unit="um")
    save_vtu(tmp_path / "a.vtu", elements)
    back = pv.read(tmp_path / "a.vtu")
    assert back.n_cells == int((volume() != 3).sum())
    assert back.n_points == elements.number_of_nodes == back.clean().n_points
    assert set(back.cell_connectivity.tolist()) == set(range(back.n_points))
    assert back.volume == pytest.approx(6 * back.n_cells)


def test_vtu_holds_labels_and_sets(tmp_path):
    save_meshes(tmp_path / "a.vtu", volume())
    back = pv.read(tmp_path / "a.vtu")
    assert back.celltypes.tolist() == [pv.CellType.HEXAHEDRON] * 210
    np.testing.assert_array_equal(back["labels"].reshape(5, 6, 7), volume())
    np.testing.assert_array_equal(back["pore"] == 1, back["labels"] == 0)
    np.testing.assert_array_equal(back["labels of voxels"] == 1, back["labels"] == 7)
    centres = back.cell_centers().points.reshape(5, 6, 7, 3)
    np.testing.assert_allclose(centres[..., 2], np.broadcast_to(volume().z, (7, 6, 5)).T)
    sizes = back.compute_cell_sizes()["Volume"]
    np.testing.assert_allclose(sizes, np.prod(SIZE))


def test_an_image_becomes_squares(tmp_path):
    ms = volume((6, 7))
    save_meshes(tmp_path / "a.vtu", ms)
    back = pv.read(tmp_path / "a.vtu")
    assert back.celltypes.tolist() == [pv.CellType.QUAD] * 42
    np.testing.assert_array_equal(back["labels"].reshape(6, 7), ms)
    save_meshes(tmp_path / "a.inp", ms)
    found = dict(sections((tmp_path / "a.inp").read_text()))
    assert len(found["*Element, type=CPE4"]) == 42
    assert "*Nset, nset=Z0" not in found
    with pytest.raises(InputError, match="two axes"):
        save_meshes(tmp_path / "a.stl", ms)


def test_a_phase_without_voxels_has_no_set(tmp_path):
    names = {0: "pore", 1: "solid", 2: "binder"}
    ms = as_microstructure(np.zeros((2, 2, 2), int), phases=names)
    save_meshes(tmp_path / "a.inp", ms)
    text = (tmp_path / "a.inp").read_text()
    assert text.count("*Elset") == text.count("*Solid Section") == 1
    assert '** phase "binder": no voxel, no set' in text
    with pytest.raises(InputError, match="have no voxel"):
        save_meshes(tmp_path / "b.inp", ms, ["solid"])
    assert [mesh.path.name for mesh in save_meshes(tmp_path / "c.stl", ms)] == ["c-pore.stl"]
    assert not (tmp_path / "b.inp").exists()


def test_names_of_sets_are_told_apart():
    names = set_names({0: "Pore", 1: "pore", 2: "x0", 3: "孔", 4: "a" * 200})
    assert len({name.lower() for name in names.values()}) == 5
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_-]{1,70}", name) for name in names.values())
    assert "X0" not in names.values()


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.obj", {}, r"ends in none of \.stl"),
        ("a.vtp", {"phases": ["pore"]}, "holds all phases"),
        ("a.inp", {"caps": False}, "only .stl and .ply can be open"),
        ("a.vtu", {"unit": "inch"}, "there are m, mm, um, nm"),
        ("a.vtu", {"phases": ["glass"]}, "glass"),
    ],
)
def test_what_does_not_go_is_refused(tmp_path, name, options, message):
    with pytest.raises(InputError, match=message):
        save_meshes(tmp_path / name, volume(), **options)
    assert not list(tmp_path.iterdir())


def test_outside_is_no_element(tmp_path):
    labels = np.zeros((3, 3, 3), int)
    labels[1, 1, 1] = 1
    ms = as_microstructure(labels, phases={0: "outside", 1: "solid"})
    assert Elements.of(ms).counts == {1: 1}
    with pytest.raises(InputError, match="no material"):
        Elements.of(ms, ["outside"])


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".vtp", ".inp", ".vtu"])
def test_files_are_kept_unless_replaced_on_purpose(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("precious")
    with pytest.raises(DataFileError, match="exists"):
        save_meshes(path, volume(), None if suffix == ".vtp" else [0])
    with pytest.raises(DataFileError, match="exists"):
        ensure_meshes_writable(path, volume(), [0], overwrite=False)
    assert path.read_text() == "precious"
    save_meshes(path, volume(), None if suffix == ".vtp" else [0], overwrite=True)
    assert path.stat().st_size > 100

"""Meshes for simulation: closed surfaces of phases, and voxels as finite elements."""

from microdsd.meshes.element_files import save_inp, save_vtu
from microdsd.meshes.export import MESH_SUFFIXES, ensure_meshes_writable, mesh_files, save_meshes
from microdsd.meshes.hexahedra import Elements
from microdsd.meshes.surface import (
    PhaseVolume,
    Surface,
    body_surface,
    in_unit,
    phase_surfaces,
)
from microdsd.meshes.triangle_files import save_ply, save_stl, save_vtp

__all__ = [
    "MESH_SUFFIXES",
    "Elements",
    "PhaseVolume",
    "Surface",
    "body_surface",
    "ensure_meshes_writable",
    "in_unit",
    "mesh_files",
    "phase_surfaces",
    "save_inp",
    "save_meshes",
    "save_ply",
    "save_stl",
    "save_vtp",
    "save_vtu",
]

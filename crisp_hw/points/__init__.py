"""Sparse convolutions over point clouds: maps, groups, and their matrix products as ordinary layers."""

from crisp_hw.points.gather import convolve as convolve
from crisp_hw.points.grouping import grouped as grouped
from crisp_hw.points.kernel_maps import map_by_hash as map_by_hash
from crisp_hw.points.kernel_maps import map_by_merge as map_by_merge
from crisp_hw.points.network import load_network as load_network
from crisp_hw.points.network import point_layers as point_layers
from crisp_hw.points.network import workload_of as workload_of
from crisp_hw.points.scans import read_scan as read_scan
from crisp_hw.points.voxels import voxelized as voxelized

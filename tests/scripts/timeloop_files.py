"""A user of Timeloop: evaluate a mapping, search for a better one, and compare the two."""

import json
from pathlib import Path

import crisp_hw

Path("arch.yaml").write_text("""
architecture:
  version: 0.2
  subtree:
    - name: system
      local:
        - name: DRAM
          class: DRAM
          attributes: {type: LPDDR4, width: 64, datawidth: 8, read_bandwidth: 8, write_bandwidth: 8}
      subtree:
        - name: chip
          local:
            - name: GLB
              class: SRAM
              attributes: {depth: 8192, width: 64, datawidth: 8, read_bandwidth: 16, write_bandwidth: 16}
          subtree:
            - name: PE[0..15]
              local:
                - name: RF
                  class: regfile
                  attributes: {depth: 64, width: 8, datawidth: 8}
                - name: MAC
                  class: intmac
                  attributes: {datawidth: 8}
""")
Path("problem.yaml").write_text("""
problem:
  shape:
    name: matmul
    dimensions: [M, N, K]
    data-spaces:
      - name: A
        projection: [[[M]], [[K]]]
      - name: B
        projection: [[[K]], [[N]]]
      - name: Z
        projection: [[[M]], [[N]]]
        read-write: true
  instance: {M: 64, N: 64, K: 64}
""")
Path("mapping.yaml").write_text("""
mapping:
  - {target: DRAM, type: temporal, factors: M=4 N=1 K=1, permutation: MNK}
  - {target: GLB, type: temporal, factors: M=1 N=64 K=4, permutation: NMK}
  - {target: GLB, type: spatial, factors: M=16 N=1 K=1, permutation: MNK}
  - {target: RF, type: temporal, factors: M=1 N=1 K=16, permutation: KMN}
""")
Path("ert.yaml").write_text("""
ERT:
  version: 0.3
  tables:
    - name: system.DRAM
      actions: [{name: read, energy: 512}, {name: write, energy: 512}, {name: update, energy: 512}]
    - name: system.chip.GLB
      actions: [{name: read, energy: 12}, {name: write, energy: 12}, {name: update, energy: 12}]
    - name: system.chip.PE[0..15].RF
      actions: [{name: read, energy: 0.4}, {name: write, energy: 0.4}, {name: update, energy: 0.4}]
    - name: system.chip.PE[0..15].MAC
      actions: [{name: compute, energy: 0.6}]
""")

stats = crisp_hw.model(["arch.yaml", "problem.yaml", "mapping.yaml", "ert.yaml"])
print("my mapping:  ", stats.cycles, "cycles", round(stats.energy_uj, 3), "uJ")

best = crisp_hw.map(".", objective="edp")
print("best mapping:", best.cycles, "cycles", round(best.energy_uj, 3), "uJ")
print(best)
print(best.to_frame())
best.to_csv("levels.csv")
print(best.explain("cycles"))
best.save("best")
print(json.loads(Path("best/stats.json").read_text())["cycles"] == best.cycles)

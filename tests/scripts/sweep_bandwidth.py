"""An architect: how much bandwidth and how many cores does a pruned ResNet-50 need?"""

import matplotlib.pyplot as plt

import crisp_hw

base = crisp_hw.load_arch("crisp-stc")
variants = [base.replace(smem_bandwidth=bandwidth, cores=cores) for bandwidth in (16, 32, 64) for cores in (2, 4, 8)]
result = crisp_hw.evaluate("resnet50", arch=variants, nm="2:4", block=64, sparsity=0.9, layers="layer4.*")
totals = result.totals()
print(totals[["arch", "smem_bandwidth", "cores", "cycles", "energy_uj"]])

best = totals.loc[totals["cycles"].idxmin()]
print("fastest:", best["arch"], "with", best["cycles"], "cycles")

table = totals.pivot(index="smem_bandwidth", columns="cores", values="cycles")
table.plot(marker="o", xlabel="words per cycle", ylabel="cycles")
plt.savefig("sweep.png")

print(crisp_hw.characterize(variants[0]).to_frame())
print(result.explain("cycles", layer="layer4.2.conv3", arch=best["arch"]))

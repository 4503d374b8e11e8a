#!/bin/sh
# An architect who knows Timeloop: a layer of ResNet-50 as Timeloop's files, changed, evaluated and searched again.
set -e
crisp-hw arch list
crisp-hw workload list
crisp-hw evaluate resnet50 --nm 2:4 --block 64 --sparsity 0.9 --layers layer4.2.conv3 --arch stc --arch crisp-stc
crisp-hw render resnet50 --nm 2:4 --block 64 --sparsity 0.9 --layers layer4.2.conv3 --arch crisp-stc --out files
crisp-hw model files/crisp-stc/layer4.2.conv3
crisp-hw model files/crisp-stc/layer4.2.conv3 -f json > model.json
python -c "import json; print(json.load(open('model.json'))['cycles'])"
cd files/crisp-stc/layer4.2.conv3
crisp-hw map *.yaml --objective cycles --budget 5000
crisp-hw map *.yaml --objective energy --budget 5000 --out best
crisp-hw model . --explain cycles
cd ../../..
crisp-hw arch new mychip --from crisp-stc
crisp-hw arch check mychip.yaml
crisp-hw evaluate resnet50 --nm 2:4 --layers layer4.2.conv3 --arch crisp-stc --arch mychip.yaml --out results
crisp-hw compare results --arch crisp-stc --arch mychip

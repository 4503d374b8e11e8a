"""The file of a machine with queues: what it says, and mistakes in it."""

import pytest

from crisp_hw.data_files import data_folder
from crisp_hw.errors import InputError
from crisp_hw.imbalance.machine_file import read_queued_pes
from crisp_hw.spec.imbalance import QueuedPes


def changed(tmp_path, old, new):
    text = (data_folder("arch") / "eie.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path / "mine.yaml"


def test_the_packaged_file_is_the_machine_of_the_paper():
    assert read_queued_pes() == QueuedPes(64, 8, 4, 8, 800.0)


def test_another_number_is_another_machine(tmp_path):
    assert read_queued_pes(changed(tmp_path, "pes: {value: 64", "pes: {value: 32")).pes == 32


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("queue_slots: {value: 8", "queue_slots: {value: 1", "greater than or equal to 2"),
        ("pes: {value: 64", "pes: 64 #", "write {value: 64"),
        ("kind: queued-columns", "kind: systolic", "queued-columns"),
        ("value: 800.0", "value: fast", "number"),
    ],
)
def test_mistakes_name_their_line(tmp_path, old, new, said):
    path = changed(tmp_path, old, new)
    line = 1 + path.read_text(encoding="utf-8")[: path.read_text(encoding="utf-8").index(new)].count("\n")
    with pytest.raises(InputError) as error:
        read_queued_pes(path)
    assert f"{path}:{line}" in str(error.value) and said in str(error.value)

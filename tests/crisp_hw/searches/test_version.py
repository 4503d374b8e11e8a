"""The name of the engine that searched."""

from crisp_hw.searches import version
from crisp_hw.searches.version import engine_version


def test_another_source_is_another_engine(tmp_path, monkeypatch):
    for room in ("engine", "mapper", "spec"):
        (tmp_path / room / "deep").mkdir(parents=True)
        (tmp_path / room / "deep" / "a.py").write_text("one = 1\n")
    monkeypatch.setattr(version, "_PACKAGE", tmp_path)
    found = [engine_version.__wrapped__()]
    for change in ("one = 2\n", "one = 1\n"):
        (tmp_path / "engine" / "deep" / "a.py").write_text(change)
        found.append(engine_version.__wrapped__())
    (tmp_path / "mapper" / "b.py").write_text("")
    found.append(engine_version.__wrapped__())
    assert found[0] == found[2] and len(set(found)) == 3

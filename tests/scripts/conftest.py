"""tests/test_scripts.py runs the scripts in folders of their own: to collect one for its examples would run it here."""

collect_ignore_glob = ["*.py"]

"""What every error must be: one sentence of ours, short enough to be read, without a word of a library."""

# modules begin a word: ART.yaml.bytes is a key of a manifest, .jinja the ending of a file
LIBRARIES = (
    *("pydantic", "Sourced[", "FieldInfo", "union", "errors.pydantic.dev", "Input should", "Field required"),
    *("Traceback", "<class '", "NoneType", "Errno", "JSONDecodeError", "Expecting value", "BadZipFile"),
    *(" jinja", " yaml.", " torch.", "numpy", "pickle", "object has no attribute", "unsupported operand"),
    *("codec can't", "invalid literal", "did not find expected", "while scanning", "while parsing"),
    *("positional argument", "ValueError", "TypeError", "KeyError", "dict object", "is undefined"),
)
MOST = 400  # characters of a sentence, names of files aside


def sentence(err: str, *names: object, program: str = "crisp-hw") -> str:
    """The text of stderr, once it is known to be one plain sentence; `names` are the user's own words in it."""
    assert err.startswith(f"{program}: error: ") and err.count("\n") == 1 and len(err) > 30, err
    told = err
    for name in sorted(map(str, names), key=len, reverse=True):
        told = told.replace(name, "")
    assert len(told) < MOST, (len(told), err)
    assert not (found := [word for word in LIBRARIES if word in f" {told}"]), (found, err)
    return err

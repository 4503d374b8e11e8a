"""Programs that stand in for timeloop-model: a run whole, as it was recorded or as `crisp-hw model` would write it.

A stand-in answers the documents of its run alone, comments apart, as every recorded answer belongs to documents; others
end it with status 97. Like the real program it takes files that end in .yaml and no others.
"""

import gzip
import json
import os
import sys
import tempfile
from pathlib import Path

from crisp_hw.dropin.model import evaluate_files, texts_of

STATS = Path(__file__).parents[1] / "golden" / "stats"
OTHER_DOCUMENTS = 97

PROGRAM = """#!{python}
import json, os, sys, yaml
def content(texts): return {{name: yaml.load(text, yaml.CBaseLoader) for name, text in texts.items()}}
run = json.load(open({script!r}))
given = {{os.path.basename(name): open(name).read() for name in sys.argv[1:]}}
if not all(name.endswith('.yaml') for name in given):
    print('ERROR: not a YAML file'); raise SystemExit(1)
if run['documents'] is not None and given != run['documents'] and content(given) != content(run['documents']):
    print('these documents were not recorded:', *sorted(name for name in {{*given, *run['documents']}}
          if given.get(name) != run['documents'].get(name))); raise SystemExit({other})
print(run['log'], flush=True)
for name, text in run['files'].items():
    if text is not None: open(name, 'w').write(text)
if run['status'] < 0: os.kill(os.getpid(), -run['status'])
raise SystemExit(run['status'])
"""


COMPUTING = """#!{python}
import re, subprocess, sys
text = "\\n".join(open(name).read() for name in sys.argv[1:])
if not all(name.endswith('.yaml') for name in sys.argv[1:]):
    print('ERROR: not a YAML file'); raise SystemExit(1)
for key in ('architecture', 'problem', 'mapping'):
    if not re.search(rf'^{{key}}:', text, re.M):
        print(f'ERROR: key not found: {{key}}, at line: 0'); raise SystemExit(1)
if not re.search('^ERT:', text, re.M): raise SystemExit(0)
raise SystemExit(subprocess.call([sys.executable, '-m', 'crisp_hw.cli', 'model', *sys.argv[1:], '-o', '.']))
"""


def recorded(name):
    """Documents, status, log and files of one run of the real program."""
    return json.loads(gzip.decompress((STATS / f"{name}.json.gz").read_bytes()))


def computed(documents, tables=None):
    """A run as `crisp-hw model` would write it; `tables` (ERT.yaml, ART.yaml) are what Accelergy makes for it.

    With tables it is the run of a Timeloop with Accelergy built in, of documents that have no energies.
    """
    with tempfile.TemporaryDirectory() as name:
        for file, text in {**documents, **(tables or {})}.items():
            (Path(name) / file).write_text(text, encoding="utf-8")
        written = texts_of(evaluate_files(sorted(Path(name).iterdir())))
    files = {file: text for file, text in written.items() if file.startswith("timeloop-model.")}
    files |= {f"timeloop-model.{file}": text for file, text in (tables or {}).items()}
    return {"documents": dict(documents), "status": 0, "log": "", "files": files}


def without_energies(run):
    """The run of a Timeloop with Accelergy built in whose plug-ins serve nothing: no result, and no error either."""
    return {**run, "files": {}}


def install_computing(folder):
    """Put a program into a folder that evaluates any documents, as a Timeloop with an Accelergy that serves nothing.

    Without energies it ends without a result, as that one does; a missing document it names as the real one does.
    """
    program = folder / "timeloop-model"
    program.write_text(COMPUTING.format(python=sys.executable))
    program.chmod(0o755)
    return program


def install(folder, run, name="timeloop-model"):
    """Put a run into a folder as a program; the path of what it plays is beside it."""
    script = folder / f".{name}.json"
    script.write_text(json.dumps(run), encoding="utf-8")
    program = folder / name
    program.write_text(PROGRAM.format(python=sys.executable, script=os.fspath(script), other=OTHER_DOCUMENTS))
    program.chmod(0o755)
    return program

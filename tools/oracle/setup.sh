#!/bin/sh
# Make the Python environment of these tools; may be repeated.
# Usage: setup.sh VENV
# Needs Python 3.10 to 3.12 (PYTHON=python3.11 picks one) and about 6 GB, most
# of it CUDA libraries that come with torch; TORCH_INDEX may name a package
# index that has CPU wheels.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:?folder for the virtual environment}
[ -x "$venv/bin/python" ] || ${PYTHON:-python3} -m venv "$venv"
venv=$(cd "$venv" && pwd)
stamp="$venv/.oracle_$(cksum <"$here/requirements.txt" | cut -d' ' -f1)"
pip="$venv/bin/pip install --no-input"
if [ ! -e "$stamp" ]; then
    if [ -n "${TORCH_INDEX-}" ]; then
        $pip torch==2.6.0 torchaudio==2.6.0 --index-url "$TORCH_INDEX"
    fi
    $pip -r "$here/requirements.txt"
    # Their own pins (gradio, older numpy) are not needed here.
    $pip --no-deps s3tokenizer==0.3.0 chatterbox-tts==0.1.7
    touch "$stamp"
fi
cd "$here" && "$venv/bin/python" -c "
import okit
r = okit.import_reference()
source = 'git snapshot' if r.is_snapshot else 'chatterbox-tts ' + r.chatterbox.__version__
print('reference:', source, '| torch', okit.torch.__version__)"

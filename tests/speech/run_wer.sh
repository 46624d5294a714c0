#!/bin/sh
# Speak every sentence with `chatterbox render`, then score what was said.
# Usage: run_wer.sh CHATTERBOX OUT [SENTENCES] [options of `chatterbox render`]
#   CHATTERBOX  the program, e.g. build/bin/chatterbox
#   OUT         folder for 001.wav, 002.wav, ... (made if missing)
#   SENTENCES   one sentence a line; default: sentences.txt beside this script
# WER_OPTIONS goes to wer.py, e.g. WER_OPTIONS=--json.
# Exit status as wer.py: 77 where a program is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ $# -lt 2 ]; then
    sed -n '2,8s/^# //p' "$0" >&2
    exit 2
fi
chatterbox=$1
out=$2
shift 2
sentences=$here/sentences.txt
case ${1-} in
'' | -*) ;;
*)
    sentences=$1
    shift
    ;;
esac
for program in python3 sox pocketsphinx_continuous; do
    if ! command -v $program >/dev/null; then
        echo "run_wer.sh: skipped, $program is not installed" >&2
        exit 77
    fi
done
mkdir -p "$out"
n=0
while IFS= read -r sentence || [ -n "$sentence" ]; do
    [ -n "$sentence" ] || continue
    n=$((n + 1))
    wav=$(printf '%s/%03d.wav' "$out" "$n")
    "$chatterbox" render "$@" -o "$wav" "$sentence" </dev/null
done <"$sentences"
# shellcheck disable=SC2086 # several options
exec python3 "$here/wer.py" ${WER_OPTIONS-} "$out" "$sentences"

#!/bin/sh
# Makes the run of the guided tour anew: three blocks of the demo model on three short prompts, under a threshold that
# one token exceeds, so that there is something to see. The window carries it (app/workbench/teaching.qrc); its weights
# stay in the demo model's file. To be run when the format of a run directory has changed:
#     packaging/make_teaching_run.sh [FOLDER OF THE PROGRAMS]
set -e
cd "$(dirname "$0")/.."
PATH="$PWD/${1:-build/release/bin}:$PATH"
cd resources/examples
rm -rf three-blocks.blockcert
SOURCE_DATE_EPOCH=1764201600 blockcert certify demo --blocks 0,15,29 --prompts three-blocks.jsonl --tau-act 0.002 \
    -o three-blocks.blockcert --quiet
blockcert verify three-blocks.blockcert --level 4

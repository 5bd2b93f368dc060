#!/bin/bash
# Stands for `klieg node`: joins, drains at SIGTERM while FOLDER/busy exists, and leaves. Writes down what happens to it.
# Called as: agent.sh FOLDER --name NODE
folder=$1
name=$3
note() { echo "$1" >>"$folder/agent-$name"; }
told() {
  note told
  while [ -e "$folder/busy" ]; do sleep 0.1; done
  note left
  exit 0
}
trap told TERM
[ -e "$folder/broken" ] && exit 1
note joined
# Never for long, whatever becomes of the test.
for _ in {1..1200}; do sleep 0.1; done

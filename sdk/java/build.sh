#!/bin/sh
# Builds the agent and puts it at bin/jindu-agent.jar of the project, or at the path given.
# The same sources give the same bytes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here/../../bin/jindu-agent.jar}
mvn -q -B -f "$here" -DskipTests package
mkdir -p "$(dirname "$to")"
cp "$here/target/jindu-agent.jar" "$to.part"
mv "$to.part" "$to"
echo "$to"

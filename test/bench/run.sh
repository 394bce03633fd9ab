#!/usr/bin/env bash
# npm run bench -- NAME: measures against the peer in one run; the last line is `NAME: figure`.
set -eu
cd "$(dirname "$0")/../.."
name=${1:-}
if [ -z "$name" ] || [ ! -f "test/bench/$name.ts" ]; then
  echo "usage: npm run bench -- NAME; known are:$(for file in test/bench/*.ts; do printf ' %s' "$(basename "$file" .ts)"; done)" >&2
  exit 1
fi
export PATH="$PWD/node_modules/.bin:$PATH"
node cli/bundle.mjs
exec node "test/bench/$name.ts"

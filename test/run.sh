#!/usr/bin/env bash
# Everything: formatting, lint, types, then all tests (doors and the real engine included). The last line counts.
set -u
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
passed=0
failed=0
check() {
  local name=$1
  shift
  echo "== $name"
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "== $name FAILED"; fi
}
check 'bundle' node cli/bundle.mjs
check 'formatting' prettier --check --log-level warn .
check 'lint' oxlint -c test/lint.json
check 'types' tsc -p .
report=$(mktemp)
trap 'rm -f "$report"' EXIT
echo '== tests'
vitest run --config test/vitest.config.ts --reporter=default --reporter=json --outputFile.json="$report" "$@"
counts=$(node -e '
  const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8") || "{}");
  const broken = (report.testResults ?? []).filter((one) => one.status === "failed" && one.assertionResults.length === 0).length;
  console.log((report.numPassedTests ?? 0) + " " + ((report.numFailedTests ?? 1) + broken) + " " + (report.numPendingTests ?? 0));
' "$report" || echo '0 1 0')
read -r tests_passed tests_failed tests_skipped <<<"$counts"
passed=$((passed + tests_passed))
failed=$((failed + tests_failed))
skipped=''
[ "${tests_skipped:-0}" -eq 0 ] || skipped=", $tests_skipped skipped"
echo "$passed passed, $failed failed$skipped"
[ "$failed" -eq 0 ]

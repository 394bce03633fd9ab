import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import hcl from 'hcl2-parser';
import { parseHcl } from '../../planner/hcl/parser.ts';
import { corpus } from '../fuzz/corpus.ts';
import { tempFolder } from '../rig/folder.ts';
import { peers } from '../rig/peers.ts';
import { inTurns, median, ratios, table, wallTime } from './paired.ts';

/**
 * `depot bake --print` as a whole process, against `docker-buildx bake --print` 0.29.1 (the plugin itself, without docker in
 * front of it), in turns; how its time grows up to 20,000 targets; and hcl2-parser beside our reader.
 */
const PROGRAM = resolve(import.meta.dirname, '../../cli/depot');
const ROUNDS = 25;

const TWO_TARGETS = `
variable "TAG" { default = "latest" }
group "default" { targets = ["app", "web"] }
target "app" {
  dockerfile = "app.Dockerfile"
  tags = ["registry.example/app:\${TAG}"]
}
target "web" {
  inherits = ["app"]
  args = { NAME = upper("web") }
  tags = ["registry.example/web:\${TAG}"]
}
`;

/** Targets that inherit, and use variables and functions, as a monorepo's do. */
function manyTargets(count: number): string {
  const lines = [
    'variable "TAG" { default = "1.2.3" }',
    'variable "REGISTRY" { default = "registry.example" }',
    'function "tag" {\n  params = [name]\n  result = "${REGISTRY}/${lower(name)}:${TAG}"\n}',
    'target "_base" {\n  args = { VERSION = TAG, DEBUG = false }\n  labels = { vendor = "us" }\n}',
    'target "_go" {\n  inherits = ["_base"]\n  args = { GO = "1.25" }\n  platforms = ["linux/amd64", "linux/arm64"]\n}',
    `group "default" { targets = ["app-0"] }`,
    `group "all" { targets = [${Array.from({ length: count }, (_, at) => `"app-${at}"`).join(', ')}] }`,
  ];
  for (let at = 0; at < count; at++) {
    lines.push(
      `target "app-${at}" {`,
      `  inherits = ["${at % 2 === 0 ? '_go' : '_base'}"]`,
      `  context = "services/app-${at}"`,
      `  args = { NAME = upper("app-${at}"), PORT = 8000 + ${at} }`,
      `  tags = [tag("App-${at}"), "\${REGISTRY}/app-${at}:latest"]`,
      `  cache-from = ["type=registry,ref=\${REGISTRY}/cache:app-${at}"]`,
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}

await using folder = await tempFolder('print');
await using programs = await peers();
const env = { HOME: folder.path, XDG_CACHE_HOME: join(folder.path, 'cache') };

async function paired(name: string, text: string, targets: readonly string[], rounds: number): Promise<number> {
  const file = join(folder.path, 'docker-bake.hcl');
  await writeFile(file, text);
  const contenders = [
    { name: 'depot', argv: [PROGRAM, 'bake', '--print', ...targets] as const, env },
    { name: 'buildx', argv: [...programs.argv('buildx'), 'bake', '--print', ...targets] as const, env },
  ];
  await inTurns(contenders, { rounds: 2, cwd: folder.path });
  const times = await inTurns(contenders, { rounds, cwd: folder.path });
  const ratio = median(ratios(times, 'depot', 'buildx'));
  console.log(`${name}\n${table(times)}\nmedian of the ratios of each round ${ratio.toFixed(2)}\n`);
  return ratio;
}

async function growth(counts: readonly number[]): Promise<void> {
  console.log('all targets of a file printed, depot alone, best of 3');
  let before: { readonly count: number; readonly ms: number } | undefined;
  for (const count of counts) {
    await writeFile(join(folder.path, 'docker-bake.hcl'), manyTargets(count));
    const runs: number[] = [];
    for (let run = 0; run < 3; run++)
      runs.push(await wallTime({ name: 'depot', argv: [PROGRAM, 'bake', '--print', 'all'], env }, folder.path));
    const ms = Math.min(...runs);
    const slope = before === undefined ? '' : ` ${((1000 * (ms - before.ms)) / (count - before.count)).toFixed(0)} ms`;
    console.log(
      `${String(count).padStart(6)} targets ${ms.toFixed(0).padStart(6)} ms${slope && `, each further 1,000${slope}`}`,
    );
    before = { count, ms };
  }
  console.log('');
}

function readers(): void {
  const lines = manyTargets(1430);
  const timed = (read: () => void): string => {
    read();
    const started = performance.now();
    read();
    return `${(performance.now() - started).toFixed(0)} ms`;
  };
  const seeds = corpus().filter(({ name }) => name.endsWith('.hcl'));
  const theirs = seeds.filter(({ text }) => {
    try {
      return hcl.parseToString(text)[1] === null;
    } catch {
      return false;
    }
  });
  const ours = seeds.filter((file) => parseHcl(file).diagnostics.length === 0);
  console.log(
    `${seeds.length} HCL files of the conformance cases: hcl2-parser reads ${theirs.length}, ours ${ours.length}`,
  );
  console.log(
    `a file of ${lines.split('\n').length} lines: hcl2-parser ${timed(() => hcl.parseToString(lines))}, ours ` +
      `${timed(() => parseHcl({ name: 'docker-bake.hcl', text: lines }))}\n`,
  );
}

readers();
await growth([1_000, 2_000, 5_000, 10_000, 20_000]);
const many = await paired('1,000 targets with inheritance and functions', manyTargets(1_000), ['all'], 5);
const two = await paired('two targets', TWO_TARGETS, [], ROUNDS);
console.log(`1,000 targets: ${many.toFixed(2)}`);
console.log(`print: ${two.toFixed(2)}`);

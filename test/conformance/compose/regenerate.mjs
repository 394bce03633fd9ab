// Runs the real binaries over every case and writes what they say. See README.md.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const run = promisify(execFile);
const [here, ...rest] = process.argv.slice(2);
const dashes = rest.indexOf('--');
const bins = dashes < 0 ? rest : rest.slice(0, dashes);
const globs = dashes < 0 ? [] : rest.slice(dashes + 1);
if (bins.length < 2) {
  console.error('usage: regenerate.sh BUILDX COMPOSE [-- CASE-GLOB...]');
  process.exit(2);
}
const words = (s) => s.split(' ').filter(Boolean);
const tools = { buildx: words(bins[0]), compose: words(bins[1]) };
const RUNS = Number(process.env.RUNS || 6);

const cases = fs.readdirSync(here)
  .filter((n) => /^\d{3}-/.test(n) && fs.existsSync(path.join(here, n, 'cmd')))
  .filter((n) => globs.length === 0 || globs.some((g) => new RegExp('^' + g.replace(/\*/g, '.*') + '$').test(n)))
  .sort();

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'compose-conf-'));
const home = path.join(root, 'home');
fs.mkdirSync(path.join(home, '.docker', 'cli-plugins'), { recursive: true });
const wrapper = path.join(home, '.docker', 'cli-plugins', 'docker-buildx');
fs.writeFileSync(wrapper, `#!/bin/sh\nexec ${bins[0]} "$@"\n`);
fs.chmodSync(wrapper, 0o755);

const subst = (s, dir) => s.replaceAll('{{DIR}}', dir).replaceAll('{{HOME}}', home);

function scrub(s, dir) {
  const parent = path.dirname(dir);
  const pairs = [[dir, '{{DIR}}'], [home, '{{HOME}}'], [parent, '{{PARENT}}']];
  for (const [p, r] of pairs) {
    s = s.replaceAll(p, r);
    s = s.replaceAll('/' + path.relative('/', p), r);
  }
  return s
    .replace(/time="[^"]*" /g, '')
    .replace(/("com\.docker\.compose\.version": ")[^"]*(")/g, '$1{{COMPOSE_VERSION}}$2')
    .replace(/\b\d+\.\d+s\b/g, '0.0s');
}

// Lists whose order the real tools take from Go map iteration: sorted here.
const UNORDERED = new Set(['ulimits', 'ssh', 'extra-hosts', 'extra_hosts']);
function canon(v, key) {
  if (Array.isArray(v)) {
    const out = v.map((e) => canon(e));
    if (UNORDERED.has(key) || key === 'targets') out.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    return out;
  }
  if (v && typeof v === 'object') {
    return Object.fromEntries(Object.keys(v).sort().map((k) => [k, canon(v[k], k)]));
  }
  return v;
}

function stderrLines(s) {
  const lines = s.split('\n').map((l) => l.trimEnd())
    .filter((l) => l && !/^#\d+ /.test(l) && !l.startsWith('[depot]'));
  return lines;
}

async function once(spec, kind, argv, dir) {
  const cwd = path.join(dir, spec.cwd || '.');
  const env = { PATH: process.env.PATH, HOME: home, PWD: cwd, DEPOT_NO_SUMMARY_LINK: '1', DEPOT_ERROR_TELEMETRY: '0', DEPOT_DISABLE_OTEL: '1' };
  for (const [k, v] of Object.entries(spec.env || {})) {
    if (v === null) delete env[k]; else env[k] = subst(v, dir);
  }
  const p = run(argv[0], argv.slice(1), { cwd, env, maxBuffer: 64 << 20, timeout: 60000 });
  if (spec.stdin) p.child.stdin.write(fs.readFileSync(path.join(dir, spec.stdin)));
  p.child.stdin.end();
  let r;
  try { r = { code: 0, ...(await p) }; } catch (e) {
    if (typeof e.code !== 'number') throw e;
    r = { code: e.code, stdout: e.stdout, stderr: e.stderr };
  }
  const out = scrub(r.stdout, dir);
  const err = stderrLines(scrub(r.stderr, dir));
  if (r.code !== 0) {
    const panic = err.find((l) => l.startsWith('panic:'));
    return { code: r.code, error: `exit ${r.code}\n${panic || err.join('\n')}\n` };
  }
  let json;
  try { json = JSON.stringify(canon(JSON.parse(out)), null, 2) + '\n'; } catch { json = null; }
  const warn = [...new Set(err)].sort();
  return { code: 0, json, text: json === null ? out : null, warnings: warn.length ? warn.join('\n') + '\n' : '' };
}

function argvFor(kind, spec, dir) {
  const a = (x) => x.map((s) => subst(s, dir));
  switch (kind) {
    case 'bake': return [...tools.buildx, 'bake', '--progress=plain', ...a(spec.bake), '--print'];
    case 'build': return [...tools.compose, ...a(spec.build.global || []), 'build', '--print', ...a(spec.build.args || [])];
  }
}

async function one(name) {
  const cdir = path.join(here, name);
  const spec = JSON.parse(fs.readFileSync(path.join(cdir, 'cmd'), 'utf8'));
  const parent = path.join(root, name);
  const dir = path.join(parent, spec.dirname || 'app');
  fs.mkdirSync(dir, { recursive: true });
  const src = path.join(cdir, 'in');
  if (fs.existsSync(src)) fs.cpSync(src, dir, { recursive: true, verbatimSymlinks: true });
  for (const [link, target] of Object.entries(spec.symlinks || {})) {
    const at = path.join(dir, link);
    fs.mkdirSync(path.dirname(at), { recursive: true });
    fs.symlinkSync(subst(target, dir), at);
  }
  const notes = [];
  for (const kind of ['bake', 'build']) {
    for (const f of fs.readdirSync(cdir)) {
      if (new RegExp(`^expected-${kind}(\\.\\d+)?(-error|-warnings)?\\.(json|txt)$`).test(f)) {
        fs.rmSync(path.join(cdir, f));
      }
    }
    if (!spec[kind]) continue;
    const seen = new Map();
    for (let i = 0; i < RUNS; i++) {
      const r = await once(spec, kind, argvFor(kind, spec, dir), dir);
      const k = JSON.stringify(r);
      seen.set(k, { r, n: (seen.get(k)?.n || 0) + 1 });
    }
    const all = [...seen.values()].sort((a, b) => b.n - a.n || (JSON.stringify(a.r) < JSON.stringify(b.r) ? -1 : 1));
    if (all.length > 1) notes.push(`${kind}: ${all.length} different results in ${RUNS} runs`);
    const put = (suffix, text) => fs.writeFileSync(path.join(cdir, `expected-${kind}${suffix}`), text);
    const uniq = (xs) => [...new Set(xs)].sort();
    const errors = uniq(all.filter((x) => x.r.code !== 0).map((x) => x.r.error));
    const jsons = uniq(all.filter((x) => x.r.code === 0 && x.r.json !== null).map((x) => x.r.json));
    const texts = uniq(all.filter((x) => x.r.code === 0 && x.r.json === null).map((x) => x.r.text));
    jsons.forEach((t, i) => put(`${i ? '.' + (i + 1) : ''}.json`, t));
    texts.forEach((t, i) => put(`${i ? '.' + (i + 1) : ''}.txt`, t));
    if (errors.length) put('-error.txt', errors.join('--- or ---\n'));
  }
  return notes;
}

let bad = 0;
const queue = [...cases];
async function worker() {
  for (let n; (n = queue.shift()) !== undefined;) {
    try {
      const notes = await one(n);
      if (notes.length) console.log(`${n}: ${notes.join('; ')}`);
    } catch (e) { bad++; console.log(`${n}: ${e.stack}`); }
  }
}
await Promise.all(Array.from({ length: 8 }, worker));
fs.rmSync(root, { recursive: true, force: true });
console.log(`${cases.length} cases, ${bad} not generated`);
process.exit(bad ? 1 : 0);

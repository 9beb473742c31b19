/**
 * Runs Kubernetes' own end-to-end tests on a cluster of `clusterip up`, which it starts and takes down, and prints which
 * specs failed; those of `known.ts` with why. Exits with 1 when another failed.
 *
 * bin/node bench/conformance/run.ts [--focus RE] [--skip RE] [--procs N] [--nodes N] [--results DIR] [-- OPTIONS OF up]
 *
 * Without a focus it is the conformance suite. Needs go, mmdebstrap, etcd-server, busybox-static, bash-static, kubectl, and root.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeArchive } from './archive.ts';
import { build } from './build.ts';
import { images } from './images.ts';
import { known } from './known.ts';
import { failedSpecs, readReport, summary } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    focus: { type: 'string', default: String.raw`\[Conformance\]` },
    skip: { type: 'string', default: '' },
    procs: { type: 'string', default: '6' },
    nodes: { type: 'string', default: '2' },
    results: { type: 'string' },
  },
});

const testProgram = build('e2e.test');
const ginkgo = build('ginkgo');
const archive = makeArchive(dirname(testProgram), images);

const work = mkdtempSync(join(tmpdir(), 'clusterip-conformance-'));
const results = values.results ?? join(process.cwd(), 'conformance-results');
mkdirSync(results, { recursive: true });
const reportFile = join(results, 'ginkgo/report.json');
rmSync(reportFile, { force: true });
const kubeconfig = join(work, 'kubeconfig');
// ginkgo goes by the end of the name.
const tests = join(work, 'e2e.test');
symlinkSync(testProgram, tests);
const env = { ...process.env, XDG_STATE_HOME: join(work, 'state'), KUBECONFIG: kubeconfig, CLUSTERIP_EGRESS: 'none' };
const clusterip = (...args: readonly string[]): void => {
  execFileSync(fileURLToPath(new URL('../../bin/clusterip', import.meta.url)), args, { env, stdio: 'inherit' });
};

try {
  clusterip('up', '--name', 'conformance', '--nodes', values.nodes, ...positionals);
  clusterip('image', 'load', archive, '--name', 'conformance');
  await runSpecs();
} finally {
  clusterip('down', '--name', 'conformance');
  rmSync(work, { recursive: true, force: true });
}
const report = readReport(readFileSync(reportFile, 'utf8'));
process.stdout.write(summary(report, known));
// None ran where the suite itself could not begin.
process.exitCode = report.length === 0 || failedSpecs(report).some((name) => known[name] === undefined) ? 1 : 0;

async function runSpecs(): Promise<void> {
  const log = openSync(join(results, 'log'), 'w');
  process.stderr.write(`running, see ${join(results, 'log')}\n`);
  const specs = ['--focus', values.focus, ...(values.skip === '' ? [] : ['--skip', values.skip])];
  const running = ['--procs', values.procs, '--timeout', '3h', '--no-color', '-v'];
  const cluster = ['--provider', 'skeleton', '--kubeconfig', kubeconfig, '--kubectl-path', 'kubectl'];
  const expected = ['--num-nodes', values.nodes, '--allowed-not-ready-nodes', '0', '--minStartupPods', '0'];
  const report = ['--report-dir', results, '--report-complete-ginkgo'];
  const child = spawn(ginkgo, [...running, ...specs, tests, '--', ...cluster, ...expected, ...report], {
    stdio: ['ignore', log, log],
    env,
  });
  await once(child, 'exit');
}

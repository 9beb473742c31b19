/**
 * What `npm start` does: starts a cluster, puts a Service in front of two Pods, asks it from a third by every name it has,
 * and prints what it saw. The cluster stays.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { clientDriver } from './client-driver.ts';
import type { Driver } from './driver.ts';
import { kubectlDriver } from './kubectl-driver.ts';

const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const clusterip = `${checkout}/bin/clusterip`;
const ASK = ['/clusterip/bin/node', '/clusterip/examples/clusterip/ask.ts'];
const REQUESTS = 20;

interface Up {
  readonly server: string;
  readonly context: string;
  readonly dataDir: string;
  readonly seconds: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A cluster that runs already is used as it is. */
function up(): { readonly dataDir: string; readonly context: string; readonly seconds: number | undefined } {
  const status = spawnSync(clusterip, ['status', '--output', 'json'], { encoding: 'utf8' });
  if (status.status === 0) {
    const { dataDir, context } = JSON.parse(status.stdout) as Up;
    say(`cluster "default" is already running`);
    return { dataDir, context, seconds: undefined };
  }
  say('$ bin/clusterip up');
  const started = spawnSync(clusterip, ['up', '--output', 'json'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (started.status !== 0) process.exit(started.status ?? 1);
  const value = JSON.parse(started.stdout) as Up;
  say(`cluster "default" is ready after ${value.seconds.toFixed(2)} s: ${value.server}`);
  return value;
}

async function walk(driver: Driver): Promise<void> {
  await driver.apply(`sed "s#CHECKOUT#$PWD#" examples/clusterip/web.yaml`, manifest('web.yaml'));
  await driver.apply('examples/clusterip/clusterip-svc.yaml', manifest('clusterip-svc.yaml'));
  await driver.ready('web', 'frontend');
}

function manifest(name: string): string {
  return readFileSync(`${checkout}/examples/clusterip/${name}`, 'utf8').replaceAll('CHECKOUT', checkout);
}

const began = performance.now();
const { dataDir, context, seconds } = up();
const hasKubectl = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' }).status === 0;
const driver = hasKubectl ? kubectlDriver(context, say) : clientDriver(`${dataDir}/kubeconfig`, say);
if (!hasKubectl) say('(there is no kubectl on PATH: the client of our own does the same calls)');
await walk(driver);
const address = await driver.clusterIp('api-svc');
const first = await driver.exec('frontend', [...ASK, `http://${address}`]);
const firstAnswer = (performance.now() - began) / 1000;
await driver.show();
say(`\nThe first answer through ${address}: ${first.trim()}`);
for (const host of [address, 'api-svc', 'api-svc.default', 'api-svc.default.svc.cluster.local']) {
  say(`\n${REQUESTS} requests to http://${host}`);
  say((await driver.exec('frontend', [...ASK, `http://${host}`, String(REQUESTS)])).trimEnd());
}
say(`
from start to ready          ${seconds === undefined ? 'it was running' : `${seconds.toFixed(2)} s`}
from start to first answer   ${firstAnswer.toFixed(2)} s

The cluster goes on running.
  use it:   kubectl --context ${context} get pods,services     (or: bin/clusterip kubectl -- get pods)
  see it:   bin/clusterip status
  stop it:  bin/clusterip down     (--purge also deletes its objects)`);

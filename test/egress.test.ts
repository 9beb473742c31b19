/**
 * The way of Pods to the internet, on a machine and an internet of the test's own: two network namespaces with a wire
 * between them, in the first of which the cluster is started. No packet leaves them.
 */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import process from 'node:process';
import test from 'node:test';
import { clusterip, TestHome, type Mode } from './testing/mode.ts';
import { run } from './testing/run.ts';

const mode: Mode = process.getuid?.() === 0 ? 'root' : 'rootless';

function missing(): string | false {
  const has = (name: string): boolean =>
    ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((dir) => existsSync(`${dir}/${name}`));
  if (!has('pasta') || !has('ip')) return 'pasta or ip is not installed (Debian: passt, iproute2)';
  const tun = statSync('/dev/net/tun', { throwIfNoEntry: false });
  if (tun === undefined) return 'this kernel has no /dev/net/tun';
  return mode === 'rootless' && (tun.mode & 0o6) !== 0o6 ? 'only root may use /dev/net/tun' : false;
}

/** $1: what is run on the machine, whose only neighbour is the internet's 198.51.100.7. */
const WORLD = `
set -e
ip link set lo up
unshare --net sleep 1000 & internet=$!
until [ "$(readlink /proc/$internet/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add eth0 type veth peer name eth0 netns $internet
ip addr add 203.0.113.2/24 dev eth0
ip link set eth0 up
ip route add default via 203.0.113.1
nsenter --target $internet --net sh -c '
  ip link set lo up; ip addr add 203.0.113.1/24 dev eth0; ip addr add 198.51.100.7/32 dev lo; ip link set eth0 up
  cd /proc/self/ns; exec python3 -c "
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(self.client_address[0].encode())
    def log_message(self, *args): pass
http.server.HTTPServer((\\"198.51.100.7\\", 80), Handler).serve_forever()
"' &
until curl -s -o /dev/null http://198.51.100.7/; do sleep 0.05; done
eval "$1"
`;

async function inWorld(home: TestHome, script: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const user = mode === 'root' ? [] : ['--user', '--map-root-user'];
  const args = [...user, '--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
  const { CLUSTERIP_EGRESS: _, ...base } = home.env();
  const full = `set -e; cd ${home.path}; ${script}`;
  const done = await run(['unshare', ...args, 'bash', '-c', WORLD, 'world', full], { env: { ...base, ...env } });
  assert.equal(done.code, 0, `${done.stdout}${done.stderr}`);
  return done.stdout;
}

const network = '{ ip -4 addr; ip route; ip rule; } | grep -v valid_lft';
const up = (...options: readonly string[]): string => `${clusterip} up ${options.join(' ')} >up.out 2>up.err`;
const pod = `kubectl run p --image=host -- sleep infinity >/dev/null; kubectl wait --for=condition=Ready pod/p --timeout=60s >/dev/null`;
const fetch = 'kubectl exec p -- curl -sS --max-time 10 http://198.51.100.7/';

test('Pods reach the internet as the machine, whose network stays as it is', { skip: missing() }, async () => {
  using home = new TestHome(mode);
  const output = await inWorld(
    home,
    `${network} >before; ${up()}; cat up.err; ${network} >during; ${pod}; ${fetch}; echo
     kubectl exec p -- python3 -c 'import socket; print(socket.create_connection(("198.51.100.7", 80)).getpeername()[0])'
     kubectl exec p -- curl -sS --max-time 2 http://169.254.77.5/ 2>&1 | grep -c refused || true
     pgrep -c '^pas(ta|st)' || true; ${clusterip} down >/dev/null; pgrep -c '^pas(ta|st)' || true
     ${network} >after; cmp before during; cmp before after`,
  );
  // The machine's own address is what the other end sees; neither loopback nor pasta itself answers.
  assert.equal(output, '203.0.113.2\n198.51.100.7\n0\n1\n0\n');
});

test('Pods reach nothing with --no-egress, and without pasta up says why', { skip: missing() }, async () => {
  using home = new TestHome(mode);
  const refused = `{ ${fetch} 2>&1 || true; } | grep -o "curl: ([0-9]*)"`;
  const off = await inWorld(
    home,
    `${up('--no-egress')}; cat up.err; ${pod}; ${refused}; ${clusterip} down --purge >/dev/null`,
  );
  assert.equal(off, 'curl: (7)\n');
  const bare = `mkdir -p bin; for name in sh readlink uname unshare nsenter setsid setpriv kubectl curl sleep python3; do
    ln -sf "$(command -v $name)" bin/; done; PATH=$PWD/bin`;
  const without = await inWorld(
    home,
    `${bare}; ${up()}; read -r line <up.err; echo "$line"; ${pod}; kubectl get nodes -o name`,
  );
  assert.equal(without, 'note: Pods cannot reach the internet: pasta is not installed (Debian: passt)\nnode/node-1\n');
});

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

/** $1: what is run on the machine, whose only neighbour is the internet's 198.51.100.7 and 2001:db8:7::7. */
const WORLD = `
set -e
ip link set lo up
unshare --net sleep 1000 & internet=$!
until [ "$(readlink /proc/$internet/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add eth0 type veth peer name eth0 netns $internet
ip addr add 203.0.113.2/24 dev eth0
ip -6 addr add 2001:db8:1::2/64 dev eth0 nodad
ip link set eth0 up
ip route add default via 203.0.113.1
ip -6 route add default via 2001:db8:1::1
nsenter --target $internet --net sh -c '
  ip link set lo up; ip addr add 203.0.113.1/24 dev eth0; ip addr add 198.51.100.7/32 dev lo
  ip -6 addr add 2001:db8:1::1/64 dev eth0 nodad; ip -6 addr add 2001:db8:7::7/128 dev lo nodad; ip link set eth0 up
  cd /proc/self/ns; exec python3 -c "
import http.server, socket
class Server(http.server.HTTPServer):
    address_family = socket.AF_INET6
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(self.client_address[0].replace(\\"::ffff:\\", \\"\\").encode())
    def log_message(self, *args): pass
Server((\\"::\\", 80), Handler).serve_forever()
"' &
until curl -s -o /dev/null http://198.51.100.7/ && curl -s -o /dev/null 'http://[2001:db8:7::7]/'; do sleep 0.05; done
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

const network = '{ ip addr; ip route; ip -6 route; ip rule; } | grep -v valid_lft | sed s/.tentative//';
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

const BOTH = '--service-cidr=10.96.0.0/12,fd00:10:96::/112';
const ONLY_6 = '--service-cidr=fd00:10:96::/112';
const fetch6 = "kubectl exec p -- curl -sS --max-time 10 'http://[2001:db8:7::7]/'";
const code = (command: string): string => `{ ${command} 2>&1 || true; } | grep -o "curl: ([0-9]*)"`;

test('Pods reach the internet by each family that they and the machine have', { skip: missing() }, async () => {
  using home = new TestHome(mode);
  const purge = `${clusterip} down --purge >/dev/null`;
  const both = await inWorld(
    home,
    `${network} >before; ${up(BOTH)}; cat up.err; ${pod}; ${fetch}; echo; ${fetch6}; echo; ${purge}
     ${network} >after; cmp before after; ${up(ONLY_6)}; cat up.err; ${pod}; ${fetch6}; echo; ${purge}`,
  );
  assert.equal(both, '203.0.113.2\n2001:db8:1::2\n2001:db8:1::2\n');
  // Refused at once, so that programs try the other family.
  const one = await inWorld(
    home,
    `ip -6 route del default; ${up(BOTH)}; cat up.err; ${pod}; ${fetch}; echo; ${code(fetch6)}; ${purge}`,
  );
  assert.equal(one, '203.0.113.2\ncurl: (7)\n');
});

test('Pods reach nothing with --no-egress, and without pasta up says why', { skip: missing() }, async () => {
  using home = new TestHome(mode);
  const off = await inWorld(
    home,
    `${up('--no-egress')}; cat up.err; ${pod}; ${code(fetch)}; ${clusterip} down --purge >/dev/null`,
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

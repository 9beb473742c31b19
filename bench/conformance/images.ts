import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TarFile } from '../../src/node/testing/tar-writer.ts';
import { PEER_VERSION } from '../peers/peer-path.ts';
import { build } from './build.ts';

/** What an image is made of: layers by name, which images share, and the settings of its config. */
export interface ImageSpec {
  readonly tags: readonly string[];
  readonly layers: readonly string[];
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly User?: string;
    readonly ExposedPorts?: Readonly<Record<string, object>>;
  };
}

/** The layer with a Debian root file system, which is a file of mmdebstrap's, not a list. */
export const DEBIAN = 'debian';
/** What the tests call in Pods, besides what a smallest Debian has. */
export const DEBIAN_PACKAGES =
  'curl,wget,dnsutils,iproute2,iputils-ping,netcat-openbsd,iptables,ca-certificates,procps,iperf,perl-base,conntrack';

const TESTS = 'registry.k8s.io/e2e-test-images';
const PORTS = ['80', '8080', '8081', '9376', '5000'];
const AGNHOST = { Entrypoint: ['/agnhost'], Cmd: ['pause'] };

/** The images that the tests of `PEER_VERSION` name, with programs that do what the tests ask of them. */
export const images: readonly ImageSpec[] = [
  {
    tags: [`${TESTS}/agnhost:2.56`, `${TESTS}/agnhost:2.6`],
    layers: [DEBIAN, 'agnhost', 'coredns'],
    config: { ...AGNHOST, ExposedPorts: Object.fromEntries(PORTS.map((port) => [`${port}/tcp`, {}])) },
  },
  ...['kitten', 'nautilus'].map((name) => ({
    tags: [`${TESTS}/${name}:1.7`],
    layers: [DEBIAN, 'agnhost', name],
    config: { Entrypoint: ['/agnhost'], Cmd: ['test-webserver'] },
  })),
  { tags: [`${TESTS}/busybox:1.37.0-1`], layers: ['busybox'], config: { Cmd: ['sh'] } },
  {
    tags: ['registry.k8s.io/pause:3.10.1'],
    layers: ['agnhost'],
    config: { Entrypoint: ['/agnhost', 'pause'], User: '65535:65535' },
  },
  ...['httpd:2.4.38-4', 'httpd:2.4.39-4', 'nginx:1.14-4', 'nginx:1.15-4'].map((name) => ({
    tags: [`${TESTS}/${name}`],
    layers: ['busybox', name],
    config: { Cmd: [name.startsWith('httpd') ? 'httpd-foreground' : 'nginx'], ExposedPorts: { '80/tcp': {} } },
  })),
  { tags: [`${TESTS}/nonroot:1.4`], layers: ['busybox'], config: { Cmd: ['sh'], User: '1234' } },
  { tags: [`${TESTS}/nonewprivs:1.3`], layers: ['busybox', 'nonewprivs'], config: { Cmd: ['nnp'] } },
  { tags: [`${TESTS}/perl:5.26`], layers: [DEBIAN], config: { Cmd: ['perl'] } },
  { tags: [`${TESTS}/ipc-utils:1.3`], layers: [DEBIAN], config: { Cmd: ['sh'] } },
  { tags: [`${TESTS}/jessie-dnsutils:1.7`], layers: [DEBIAN, 'agnhost'], config: { Cmd: ['sh'] } },
  {
    tags: [`${TESTS}/resource-consumer:1.13`],
    layers: ['busybox', 'resource-consumer'],
    config: { Entrypoint: ['/consumer'] },
  },
  {
    tags: [`${TESTS}/sample-apiserver:1.29.2`],
    layers: ['busybox', 'sample-apiserver'],
    config: { Entrypoint: ['/sample-apiserver'] },
  },
  {
    tags: [`${TESTS}/regression-issue-74839:1.2`],
    layers: ['regression-issue-74839'],
    config: { Entrypoint: ['/regression-issue-74839'] },
  },
  {
    tags: ['registry.k8s.io/build-image/distroless-iptables:v0.7.11'],
    layers: [DEBIAN],
    config: { Cmd: ['sh'] },
  },
  { tags: ['registry.k8s.io/etcd:3.6.4-0'], layers: [DEBIAN, 'etcd'], config: { Cmd: ['/usr/local/bin/etcd'] } },
];

const program = (path: string, file: string, mode = 0o755): TarFile => ({ path, data: readFileSync(file), mode });
const directory = (path: string, mode = 0o755): TarFile => ({ path: `${path}/`, type: '5', mode });

/** What the layers hold, made when they are asked for. */
export const layerFiles: Readonly<Record<string, () => readonly TarFile[]>> = {
  agnhost: () => [
    {
      path: 'etc/passwd',
      data: `${ROOT}nobody:x:65534:65534::/:/bin/sh\nuser-defined-in-image:x:1000:1000::/:/bin/sh\n`,
    },
    {
      path: 'etc/group',
      data: 'root:x:0:\nnogroup:x:65534:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n',
    },
    directory('uploads'),
    program('agnhost', build('agnhost')),
    { path: 'agnhost-2', type: '2', link: 'agnhost' },
    program('localhost.crt', testImageFile('agnhost/porter/localhost.crt'), 0o644),
    program('localhost.key', testImageFile('agnhost/porter/localhost.key'), 0o644),
  ],
  coredns: () => [program('coredns', build('coredns'))],
  busybox: () => [
    ...['bin', 'sbin', 'usr', 'usr/bin', 'usr/sbin', 'etc', 'root', 'var', 'home', 'proc', 'sys', 'dev'].map((path) =>
      directory(path),
    ),
    directory('tmp', 0o1777),
    directory('var/tmp', 0o1777),
    program('bin/busybox', '/bin/busybox'),
    program('bin/bash', '/bin/bash-static'),
    { path: 'bin/sh', data: SHELL, mode: 0o755 },
    { path: 'bin/sysctl', type: '2', link: '/bin/busybox' },
    ...execFileSync('/bin/busybox', ['--list-full'], { encoding: 'utf8' })
      .split('\n')
      .filter((path) => path !== '' && path !== 'bin/busybox' && path !== 'bin/sh')
      .map((path) => ({ path, type: '2', link: '/bin/busybox' })),
    { path: 'etc/passwd', data: `${ROOT}nobody:x:65534:65534::/home:/bin/false\n` },
    { path: 'etc/group', data: 'root:x:0:\nnogroup:x:65534:\n' },
  ],
  'httpd:2.4.38-4': () => webServer('usr/bin/httpd-foreground', 'usr/local/apache2/htdocs', 'It works! 2.4.38'),
  'httpd:2.4.39-4': () => webServer('usr/bin/httpd-foreground', 'usr/local/apache2/htdocs', 'It works! 2.4.39'),
  'nginx:1.14-4': () => webServer('usr/sbin/nginx', 'usr/share/nginx/html', 'Welcome to nginx! 1.14'),
  'nginx:1.15-4': () => webServer('usr/sbin/nginx', 'usr/share/nginx/html', 'Welcome to nginx! 1.15'),
  kitten: () => pages('kitten'),
  nautilus: () => pages('nautilus'),
  nonewprivs: () => [
    directory('usr/local'),
    directory('usr/local/bin'),
    program('usr/local/bin/nnp', build('nonewprivs'), 0o4755),
  ],
  'resource-consumer': () => [
    program('consumer', build('resource-consumer')),
    directory('consume-cpu'),
    program('consume-cpu/consume-cpu', build('consume-cpu')),
  ],
  'regression-issue-74839': () => [program('regression-issue-74839', build('regression-issue-74839'))],
  'sample-apiserver': () => [program('sample-apiserver', build('sample-apiserver'))],
  etcd: () => [program('usr/local/bin/etcd', '/usr/bin/etcd')],
};

/** The shell of Debian's busybox drops variables with names that it cannot have itself, which the tests list in this way. */
const SHELL = `#!/bin/bash
[ "$*" = '-c env' ] && exec busybox env
exec -a /bin/sh busybox "$@"
`;

const ROOT = 'root:x:0:0::/root:/bin/sh\n';

/** A server of one page on port 80 under the name that a Pod's command has, which ends when it is told to. */
function webServer(path: string, pageDirectory: string, text: string): TarFile[] {
  const parents = pageDirectory.split('/').map((_, index, words) => directory(words.slice(0, index + 1).join('/')));
  const script = `#!/bin/sh\ntrap 'exit 0' TERM\nbusybox httpd -f -p 80 -h /${pageDirectory} &\nwait\n`;
  return [
    ...parents,
    { path: `${pageDirectory}/index.html`, data: `<html><body><h1>${text}</h1></body></html>\n` },
    { path, data: script, mode: 0o755 },
  ];
}

function pages(name: string): TarFile[] {
  const from = testImageFile(`${name}/html`);
  return readdirSync(from).map((file) => program(file, join(from, file), 0o644));
}

/** A file that upstream's images are made of, out of the module. */
function testImageFile(path: string): string {
  const told = execFileSync('go', ['mod', 'download', '-json', `k8s.io/kubernetes@${PEER_VERSION}`], {
    encoding: 'utf8',
  });
  return join((JSON.parse(told) as { readonly Dir: string }).Dir, 'test/images', path);
}

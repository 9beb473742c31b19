import assert from 'node:assert/strict';
import test from 'node:test';
import { errorMessage } from '#base/errors.ts';
import { nameText } from '../name.ts';
import { parseCorefile } from './corefile.ts';
import { readServers } from './servers.ts';
import type { ServerConfig } from './server-config.ts';
import { shown } from './testing/shown.ts';

function read(text: string): readonly ServerConfig[] {
  return readServers(parseCorefile({ file: 'Corefile', text }));
}

/** Text -> the part of the first server that it is about. */
const understood: readonly (readonly [string, (server: ServerConfig) => unknown, unknown])[] = [
  ['a.org b.org:54 {\n}', ({ zones, port }) => [zones, port], [['a.org'], 53]],
  ['a.org,\nb.org {\n}', ({ zones }) => zones, ['a.org', 'b.org']],
  ['10.96.0.0/12 {\n}', ({ zones }) => zones.length, 16],
  ['10.0.0.0/24 {\n}', ({ zones }) => zones, ['0.0.10.in-addr.arpa']],
  ['fd00::/8 {\n}', ({ zones }) => zones, ['d.f.ip6.arpa']],
  ['.\nkubernetes k8s.test\n', ({ kubernetes }) => kubernetes[0]?.zones, ['k8s.test']],
  [
    '(common) {\n  forward . 10.0.0.1 tls://10.0.0.2 [fd00::1]:5353 fd00::2\n}\n. {\n  import common\n}',
    ({ forwards }) => forwards[0]?.to,
    [
      { host: '10.0.0.1', port: 53, tls: false },
      { host: '10.0.0.2', port: 853, tls: true },
      { host: 'fd00::1', port: 5353, tls: false },
      { host: 'fd00::2', port: 53, tls: false },
    ],
  ],
  ['. {\n  bind 127.0.0.1 # here\n  bind ::1\n}', ({ hosts }) => hosts, ['127.0.0.1', '::1']],
  [
    '. {\n  hosts {\n    192.0.2.1 a.test b.test\n    fallthrough\n  }\n}',
    ({ hostsFile }) => [hostsFile?.file, hostsFile?.inline, hostsFile?.fallthrough],
    [null, ['192.0.2.1 a.test b.test'], ['.']],
  ],
  [
    '. {\n  hosts /etc/other a.test\n}',
    ({ hostsFile }) => [hostsFile?.file, hostsFile?.zones],
    ['/etc/other', ['a.test']],
  ],
  [
    '. {\n  rewrite name a.test b.test\n}',
    ({ rewrites }) => rewrites,
    [{ from: { kind: 'exact', text: 'a.test.' }, to: 'b.test.', onwards: false, answers: [{ kind: 'auto' }] }],
  ],
  [
    '. {\n  rewrite stop {\n    name regex (.*)\\.a\\.test {1}.b.test\n    answer name (.*)\\.b\\.test {1}.a.test\n  }\n}',
    ({ rewrites }) => rewrites,
    [
      {
        from: { kind: 'regex', pattern: '/(.*)\\.a\\.test/' },
        to: '{1}.b.test.',
        onwards: false,
        answers: [{ kind: 'name', pattern: '/(.*)\\.b\\.test/', to: '{1}.a.test.' }],
      },
    ],
  ],
  [
    '. {\n  rewrite continue name suffix .a.test .b.test answer auto\n}',
    ({ rewrites }) => rewrites[0],
    { from: { kind: 'suffix', text: '.a.test.' }, to: '.b.test.', onwards: true, answers: [{ kind: 'auto' }] },
  ],
  [
    '. {\n  cache 30 a.test {\n    success 5000 60 5\n    prefetch 10 1m 20%\n    serve_stale 1h verify\n    servfail 5s\n  }\n}',
    ({ cache }) => cache,
    {
      zones: ['a.test'],
      success: { entries: 5000, maxSeconds: 60, minSeconds: 5 },
      denial: { entries: 9984, maxSeconds: 30, minSeconds: 0 },
      servfailMs: 5000,
      prefetch: { amount: 10, withinMs: 60_000, part: 0.2 },
      stale: { ms: 3_600_000, immediately: false },
      keepTtl: false,
      exceptSuccess: [],
      exceptDenial: [],
    },
  ],
  [
    '. {\n  kubernetes c.test {\n    pods verified\n    namespaces a b\n    labels app in (a, b)\n    kubeconfig /k ctx\n  }\n  autopath @kubernetes\n}',
    ({ kubernetes, autopath }) => {
      const { pods, namespaces, labels, connection } = kubernetes[0] ?? {};
      return [pods, namespaces, labels, connection, autopath];
    },
    ['verified', ['a', 'b'], 'app in (a, b)', { kind: 'kubeconfig', file: '/k', context: 'ctx' }, { zones: ['.'] }],
  ],
  [
    '. {\n  log . {combined} {\n    class denial error\n  }\n}',
    ({ log }) => log,
    { zones: ['.'], format: 'combined', classes: ['denial', 'error'] },
  ],
];

for (const [text, part, expected] of understood) {
  test(JSON.stringify(text), () => {
    const [server] = read(text);
    assert.ok(server !== undefined);
    assert.deepEqual(shown(part(server)), expected);
  });
}

const CODES =
  'line 3: "BADNEWS" is no code of an answer: there is NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED';

/** Text -> what stands in the way, after `Cannot use "Corefile", `. */
const refused: readonly (readonly [string, string])[] = [
  ['. {', 'line 1: the brace of this server block is never closed'],
  ['. {\n  health {\n', 'line 2: the brace of health is never closed'],
  ['}', 'line 1: a brace closes nothing'],
  ['{\n}', 'line 1: a server block needs a zone before its brace'],
  ['. {\n  log "a\n}', 'line 2: a quotation mark is never closed'],
  ['. {\n  import none\n}', 'line 2: there is no file or snippet "none" to import'],
  ['tls://. {\n}', 'line 1: servers do not speak "tls": they speak dns'],
  ['a..b {\n}', 'line 1: "a..b" is no domain name'],
  ['. {\n}\n. {\n}', 'line 3: the block of line 1 is for the same zone and port'],
  ['. {\n  kubernetes\n}', 'line 2: kubernetes needs a cluster domain'],
  [
    '. {\n  kubernetes a.test {\n    pods all\n  }\n}',
    'line 3: pods cannot be "all": it is disabled, insecure or verified',
  ],
  ['. {\n  kubernetes a.test {\n    ttl 5000\n  }\n}', 'line 3: "5000" is no number from 0 to 3600'],
  ['. {\n  forward .\n}', 'line 2: forward takes 2 to 16 arguments, and has 1'],
  ['. {\n  forward . example.org\n}', 'line 2: "example.org" is neither an address nor a file'],
  ['. {\n  forward . https://1.1.1.1\n}', 'line 2: forward does not speak "https": it speaks dns and tls'],
  ['. {\n  cache {\n    prefetch 1 1m 5%\n  }\n}', 'line 3: "5" is no number from 10 to 90'],
  [
    '. {\n  forward . 10.0.0.1 {\n    health_check 5s fast\n  }\n}',
    'line 3: "fast" is not a property of health_check here: there is no_rec, domain NAME',
  ],
  ['. {\n  reload soon\n}', 'line 2: "soon" is no duration'],
  ['. {\n  rewrite type ANY HINFO\n}', 'line 2: rewrite of "type" is not supported: it rewrites names only'],
  [
    '. {\n  rewrite name regex ( b\n}',
    'line 2: "(" is no regular expression: error parsing regexp: missing closing ): `(`',
  ],
  ['. {\n  autopath @kubernetes\n}', 'line 2: autopath needs to know the Pods'],
  ['. {\n  bind eth9\n}', 'line 2: "eth9" is neither an address nor an interface of this machine that is up'],
  ['. {\n  bind ::1 {\n    except ::1\n  }\n}', 'line 2: bind leaves no address to listen on'],
  ['. {\n  bind ::1 {\n    but ::2\n  }\n}', 'line 3: "but" is not a property of bind here: there is except'],
  ['. {\n  loadbalance {\n    prefer 10.0.0.0/8\n  }\n}', 'line 3: loadbalance cannot "prefer": addresses take turns'],
  ['. {\n  acl {\n    deny\n  }\n}', 'line 3: acl cannot "deny": it can allow, block, filter, drop'],
  ['. {\n  acl {\n    block 10.0.0.1\n  }\n}', 'line 3: "10.0.0.1" is neither type nor net'],
  ['. {\n  acl {\n    block net 10.0.0.0/33\n  }\n}', 'line 3: "10.0.0.0/33" is no range of addresses'],
  ['. {\n  template CH TXT\n}', 'line 2: template cannot be for class "CH": it is IN or ANY'],
  ['. {\n  template IN LOC\n}', 'line 2: "LOC" is no type of a question'],
  [
    '. {\n  template IN A {\n    answer "{{ if .Name }}a{{ end }} IN A 10.0.0.1"\n  }\n}',
    'line 3: "{{ if .Name }}" is not supported in a template: there is .Name, .Zone, .Class, .Type, .Remote, ' +
      '.Group.NAME, index .Match N, index .Group "N" and parseInt of one of these',
  ],
  [
    '. {\n  template IN A {\n    answer "{{ .Name }} IN LOC 1 2"\n  }\n}',
    'line 3: "{{ .Name }} IN LOC 1 2" is no record: Cannot write records of type "LOC": there is ' +
      'A, AAAA, CAA, CNAME, DNAME, HINFO, MX, NS, PTR, SOA, SRV, TXT',
  ],
  [
    '. {\n  template IN A {\n    answer "a.test IN A 10.0.0.1000"\n  }\n}',
    'line 3: "a.test IN A 10.0.0.1000" is no record: Cannot read the record "a.test IN A 10.0.0.1000"',
  ],
  [
    '. {\n  template IN A {\n    answer "{{ .Group.a }} IN A 10.0.0.1"\n    match (?P<b>.*)\n  }\n}',
    'line 3: "{{ .Group.a }} IN A 10.0.0.1" is no record: Cannot fill a template: there is no group "a"',
  ],
  [
    '. {\n  template IN A {\n    answer "{{ index .Match 2 }} IN A 10.0.0.1"\n    match (.*)\n  }\n}',
    'line 3: "{{ index .Match 2 }} IN A 10.0.0.1" is no record: Cannot fill a template: there is no match 2',
  ],
  ['. {\n  template IN A {\n    rcode BADNEWS\n  }\n}', CODES],
  ['. {\n  loadbalance weighted file\n}', 'line 2: loadbalance cannot be "weighted": it is round_robin'],
  ['. {\n  ready {\n    every 5s\n  }\n}', 'line 3: "every" is not a property of ready here: there is monitor'],
  ['. {\n  forward . 10.0.0.1 {\n    next NXDOMAIN BADNEWS\n  }\n}', CODES],
];

for (const [text, expected] of refused) {
  test(`${JSON.stringify(text)}: ${expected}`, () => {
    try {
      read(text);
    } catch (error) {
      assert.equal(errorMessage(error), `Cannot use "Corefile", ${expected}`);
      return;
    }
    assert.fail('it was taken');
  });
}

test('what is not supported is named with its line and with what there is', () => {
  assert.throws(
    () => read('. {\n  errors\n  view a {\n    expr true\n  }\n}'),
    (error) => {
      assert.match(
        errorMessage(error),
        /^Cannot use "Corefile", line 3: the plugin "view" is not supported: there is acl, any, autopath, bind, .*, trace$/,
      );
      return true;
    },
  );
  assert.throws(
    () => read('. {\n  kubernetes a.test {\n    multicluster b.test\n  }\n}'),
    (error) => {
      assert.match(errorMessage(error), /line 3: "multicluster" is not a property of kubernetes here: there is pods, /);
      return true;
    },
  );
});

test('an interface stands for its addresses', () => {
  const addresses = (name: string) => (name === 'eth0' ? ['10.0.0.5', 'fd00::5'] : undefined);
  const [server] = readServers(
    parseCorefile({
      file: 'Corefile',
      text: '. {\n  bind 127.0.0.1 eth0 {\n    except fd00::5\n  }\n  bind 127.0.0.1 ::1\n}',
    }),
    addresses,
  );
  assert.deepEqual(server?.hosts, ['127.0.0.1', '10.0.0.5', '::1']);
});

test('variables and imported files are put in, and an error names the file', () => {
  const files: Readonly<Record<string, string>> = { 'conf/*.server': 'b.test:{$PORT} {\n  forward . {$TO}\n}\n' };
  const imported = (pattern: string) => {
    const text = files[pattern];
    return text === undefined ? undefined : [{ file: 'conf/a.server', text }];
  };
  const parse = (env: Record<string, string>) =>
    readServers(parseCorefile({ file: 'Corefile', text: '. {\n}\nimport conf/*.server\n' }, { env, imported }));
  assert.deepEqual(
    parse({ PORT: '54', TO: '10.0.0.1' }).map(({ zones, port }) => `${nameText(zones[0] ?? '')} ${port}`),
    ['. 53', 'b.test 54'],
  );
  assert.throws(() => parse({ PORT: '54', TO: '' }), /Cannot use "conf\/a.server", line 2: /);
});

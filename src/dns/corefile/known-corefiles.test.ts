/** The Corefiles that distributions write, as they are. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { nameText } from '../name.ts';
import { parseCorefile } from './corefile.ts';
import { readServers } from './servers.ts';
import type { ServerConfig } from './server-config.ts';
import { shown } from './testing/shown.ts';

/** What kubeadm writes. */
const KUBEADM = `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
`;

function read(text: string): readonly ServerConfig[] {
  return readServers(parseCorefile({ file: 'Corefile', text }));
}

test("kubeadm's Corefile is understood as it is", () => {
  const [server, ...others] = read(KUBEADM);
  assert.deepEqual(others, []);
  assert.deepEqual(shown(server), {
    file: 'Corefile',
    line: 1,
    zones: ['.'],
    port: 53,
    hosts: [],
    kubernetes: [
      {
        zones: ['cluster.local'],
        reverseZones: ['in-addr.arpa', 'ip6.arpa'],
        pods: 'insecure',
        endpointPodNames: false,
        ttl: 30,
        fallthrough: ['in-addr.arpa', 'ip6.arpa'],
        namespaces: [],
        noEndpoints: false,
        ignoreEmptyServices: false,
      },
    ],
    forwards: [
      {
        from: '.',
        except: [],
        to: [{ file: '/etc/resolv.conf' }],
        policy: 'random',
        maxConcurrent: 1000,
        forceTcp: false,
        tlsFiles: [],
        maxFails: 2,
        healthCheckMs: 500,
        failFast: false,
        next: [],
      },
    ],
    cache: {
      zones: ['.'],
      success: { entries: 9984, maxSeconds: 30, minSeconds: 0 },
      denial: { entries: 9984, maxSeconds: 30, minSeconds: 0 },
      servfailMs: 1000,
      prefetch: { amount: 1, withinMs: 60_000, part: 0.1 },
      stale: { ms: 3_600_000, immediately: false },
      keepTtl: false,
      exceptSuccess: ['cluster.local'],
      exceptDenial: ['cluster.local'],
    },
    rewrites: [],
    templates: [],
    acl: [],
    health: { host: '', port: 8080, lameduckMs: 5000 },
    ready: { host: '', port: 8181 },
    prometheus: { host: '', port: 9153 },
    reload: { intervalMs: 30_000 },
    idle: ['errors', 'loop', 'loadbalance'],
  });
});

const EKS = KUBEADM.replace('       ttl 30\n', '')
  .replace(' {\n       max_concurrent 1000\n    }', '')
  .replace(/cache 30 \{[^}]*\}/, 'cache 30');
const K3S = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
    }
    hosts /etc/coredns/NodeHosts {
      ttl 60
      reload 15s
      fallthrough
    }
    prometheus :9153
    cache 30
    loop
    reload
    loadbalance
    import /etc/coredns/custom/*.override
    forward . /etc/resolv.conf
}
import /etc/coredns/custom/*.server
`;

test("EKS's and k3s's Corefiles are understood as they are, with users' own files and without", () => {
  assert.equal(read(EKS).length, 1);
  const files: Readonly<Record<string, string>> = {
    '/etc/coredns/custom/*.override': 'log\n',
    '/etc/coredns/custom/*.server': 'corp.test:53 {\n  forward . 10.0.0.1\n}\n',
  };
  for (const own of [true, false]) {
    const imported = (pattern: string) => (own ? [{ file: pattern, text: files[pattern] ?? '' }] : []);
    const servers = readServers(parseCorefile({ file: 'Corefile', text: K3S }, { imported }));
    assert.deepEqual(
      servers.map(
        ({ zones, log, hostsFile }) => `${zones.map(nameText).join()} ${log !== undefined} ${hostsFile?.file}`,
      ),
      own ? ['. true /etc/coredns/NodeHosts', 'corp.test false undefined'] : ['. false /etc/coredns/NodeHosts'],
    );
  }
});

/** AKS, the second block of OpenShift, and the cache that runs on nodes, which has an address of its own. */
const OTHERS = [
  `.:53 {
    errors
    ready
    health {
      lameduck 5s
    }
    kubernetes cluster.local in-addr.arpa ip6.arpa {
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
      ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf
    cache 30
    loop
    reload
    loadbalance
    template ANY ANY internal.cloudapp.net {
      match "^(?:[^.]+\\.){4,}internal\\.cloudapp\\.net\\.$"
      rcode NXDOMAIN
      fallthrough
    }
    template ANY ANY reddog.microsoft.com {
      rcode NXDOMAIN
    }
}
`,
  `.:5353 {
    bufsize 1232
    errors
    log . {
        class error
    }
    health {
        lameduck 20s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus 127.0.0.1:9153
    forward . /etc/resolv.conf {
        policy sequential
    }
    cache 900 {
        denial 9984 30
    }
    reload
}
hostname.bind:5353 {
    chaos
}
`,
  `cluster.local:53 {
    errors
    cache {
        success 9984 30
        denial 9984 5
    }
    reload
    loop
    bind 169.254.20.10
    forward . 10.96.0.11 {
        force_tcp
    }
    prometheus :9253
    health 169.254.20.10:8080
}
.:53 {
    errors
    cache 30
    reload
    loop
    bind 169.254.20.10
    forward . /etc/resolv.conf
    prometheus :9253
}
`,
];

test('Corefiles of AKS, OpenShift and node-local caches are understood as they are', () => {
  assert.deepEqual(
    OTHERS.map((text) => read(text).map(({ templates, chaos }) => `${templates.length} ${chaos !== undefined}`)),
    [['2 false'], ['0 false', '0 true'], ['0 false', '0 false']],
  );
});

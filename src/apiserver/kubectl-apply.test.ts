import assert from 'node:assert/strict';
import test from 'node:test';
import { installedKubectls, Kubectl } from './testing/kubectl.ts';
import { ListeningServer } from './testing/listening-server.ts';

const TCP = '  - {name: t, port: 53, protocol: TCP}\n';
const UDP = '  - {name: u, port: 53, protocol: UDP}\n';

function service(ports: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: {name: dns}\nspec:\n  selector: {a: b}\n  ports:\n${ports}`;
}

interface Step {
  readonly args: string;
  readonly input?: string;
  readonly code?: number;
  readonly text: string | RegExp;
}

const steps: readonly Step[] = [
  { args: 'apply -f -', input: service(TCP), text: 'service/dns created\n' },
  {
    args: 'apply -f -',
    input: service(TCP + UDP),
    text: /^service\/dns configured\nWarning: spec\.ports: of several items with port 53 one is left: /,
  },
  { args: 'apply --server-side -f -', input: service(TCP + UDP), text: 'service/dns serverside-applied\n' },
  { args: 'get service dns -o jsonpath={.spec.ports[*].name}', text: 't u' },
  // The owner of client-side apply is gone.
  {
    args: 'get service dns --show-managed-fields -o jsonpath={.metadata.managedFields[?(@.operation=="Update")].manager}',
    text: '',
  },
  { args: 'get service dns -o yaml', text: /^(?!.*managedFields).*$/s },
  { args: 'get service dns -o yaml --show-managed-fields', text: /k:\{"port":53,"protocol":"UDP"\}:\n +\.: \{\}/ },
  { args: 'apply --server-side -f -', input: service(TCP), text: 'service/dns serverside-applied\n' },
  { args: 'get service dns -o jsonpath={.spec.ports[*].name}', text: 't' },
  { args: 'diff --server-side -f -', input: service(TCP), text: '' },
  { args: 'diff --server-side -f -', input: service(TCP + UDP), code: 1, text: /^\+ {2}- name: u$/m },
  {
    args: 'apply --server-side --field-manager=other -f -',
    input: service(TCP.replace('name: t', 'name: z')),
    code: 1,
    text: /^error: Apply failed with 1 conflict: conflict with "kubectl": \.spec\.ports\[port=53,protocol="TCP"\]\.name\n/,
  },
  {
    args: 'apply --server-side --field-manager=other --force-conflicts -f -',
    input: service(TCP.replace('name: t', 'name: z')),
    text: 'service/dns serverside-applied\n',
  },
  { args: 'get service dns -o jsonpath={.spec.ports[*].name}', text: 'z' },
];

const kubectls = installedKubectls();

if (kubectls.length === 0) test('kubectl', { skip: 'no kubectl on PATH' });

for (const binary of kubectls) {
  test(`${binary} applies on the server's side`, async () => {
    await using server = await ListeningServer.start();
    using kubectl = new Kubectl(binary, server.kubeconfig());
    for (const { args, input, code = 0, text } of steps) {
      const result = await kubectl.run(args.split(' '), input === undefined ? {} : { input });
      const said = `kubectl ${args}\n${result.text}`;
      assert.equal(result.code, code, said);
      if (typeof text === 'string') assert.equal(result.text, text, said);
      else assert.match(result.text, text, said);
    }
  });
}

import assert from 'node:assert/strict';
import test from 'node:test';
import { installedKubectls, Kubectl } from './testing/kubectl.ts';
import { ListeningServer } from './testing/listening-server.ts';

const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: toys.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: toys, singular: toy, kind: Toy, shortNames: [ty], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            description: What is wanted.
            properties:
              replicas: {type: integer, minimum: 0, maximum: 9, default: 1, description: How many.}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
`;

function toy(spec: string): string {
  return `apiVersion: example.com/v1\nkind: Toy\nmetadata: {name: a}\nspec: ${spec}\n`;
}

interface Step {
  readonly args: string;
  readonly input?: string;
  readonly code?: number;
  readonly text: string | RegExp;
}

const CRD = 'customresourcedefinition.apiextensions.k8s.io';

const steps: readonly Step[] = [
  { args: 'apply -f -', input: DEFINITION, text: `${CRD}/toys.example.com created\n` },
  {
    args: 'wait --for=condition=Established crd/toys.example.com --timeout=30s',
    text: `${CRD}/toys.example.com condition met\n`,
  },
  {
    args: 'api-resources --api-group=example.com',
    text: /^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\ntoys +ty +example\.com\/v1 +true +Toy\n$/,
  },
  { args: 'apply -f -', input: toy('{}'), text: 'toy.example.com/a created\n' },
  { args: 'apply -f -', input: toy('{replicas: 2}'), text: 'toy.example.com/a configured\n' },
  { args: 'get ty', text: 'NAME   REPLICAS   READY\na      2          \n' },
  {
    args: 'apply -f -',
    input: toy('{replicas: 10}'),
    code: 1,
    text: /The Toy "a" is invalid: spec\.replicas: Invalid value: 10: spec\.replicas in body should be less than or equal to 9\n$/,
  },
  {
    args: 'apply -f -',
    input: toy('{wheels: 4}'),
    code: 1,
    text: /unknown field "(?:spec\.)?wheels"/,
  },
  { args: 'scale toy a --replicas=5', text: 'toy.example.com/a scaled\n' },
  { args: 'get all -o name', text: /^toy\.example\.com\/a$/m },
  { args: 'explain toy.spec.replicas', text: /DESCRIPTION:\n +How many\.\n/ },
  {
    args: 'patch toy a --subresource=status --type=merge -p {"status":{"conditions":[{"type":"Ready","status":"True"}]}}',
    text: 'toy.example.com/a patched\n',
  },
  { args: 'get toys a', text: 'NAME   REPLICAS   READY\na      5          True\n' },
  { args: 'wait toy/a --for=condition=Ready --timeout=30s', text: 'toy.example.com/a condition met\n' },
  {
    args: 'apply --server-side --force-conflicts -f -',
    input: toy('{replicas: 3}'),
    text: 'toy.example.com/a serverside-applied\n',
  },
  { args: 'delete crd toys.example.com --timeout=30s', text: `${CRD} "toys.example.com" deleted\n` },
  { args: 'get toys', code: 1, text: /NotFound|doesn't have a resource type/ },
];

const kubectls = installedKubectls();

if (kubectls.length === 0) test('kubectl', { skip: 'no kubectl on PATH' });

for (const binary of kubectls) {
  test(`custom kinds of ${binary}`, async () => {
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

/** An admission webhook as people run them: in a Pod, behind a Service, with a certificate of its own. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { TestAuthority } from '#apiserver/testing/test-authority.ts';
import { modes } from './testing/mode.ts';
import { TestCluster } from './testing/test-cluster.ts';

/** At /m it sets a label and warns, at /v it wants `data.ok` to be yes. */
const PROGRAM = `
import base64, http.server, json, ssl
class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))["request"]
        if self.path.startswith("/m"):
            patch = json.dumps([{"op": "add", "path": "/metadata/labels/by", "value": "hook"}])
            said = {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode(), "warnings": ["seen"]}
        else:
            said = {"allowed": request["object"]["data"].get("ok") == "yes", "status": {"message": "data.ok must be yes"}}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": request["uid"], **said}}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("", 8443), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/hook/tls.crt", "/hook/tls.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
`;

function configuration(kind: 'Mutating' | 'Validating', path: string, caBundle: string): string {
  return JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: 'hook' },
    webhooks: [
      {
        name: `${kind.toLowerCase()}.hook.test`,
        clientConfig: { service: { name: 'hook', namespace: 'default', path }, caBundle },
        rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        objectSelector: { matchLabels: { hooked: 'yes' } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  });
}

const asked = (ok: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'asked', labels: { hooked: 'yes' } },
    data: { ok },
  });

for (const { mode, skip } of modes()) {
  test(
    `a webhook in a Pod changes and refuses what kubectl makes, as ${mode}`,
    { skip, timeout: 120_000 },
    async () => {
      await using cluster = await TestCluster.start({ mode });
      const authority = await TestAuthority.create();
      const { cert, key } = await authority.issue('CN=hook', 'hook.default.svc');
      const data = { 'hook.py': PROGRAM, 'tls.crt': cert, 'tls.key': key };
      await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'hook' }, data }));
      const container = {
        name: 'hook',
        image: 'host',
        command: ['python3', '/hook/hook.py'],
        readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
        volumeMounts: [{ name: 'hook', mountPath: '/hook' }],
      };
      const spec = { containers: [container], volumes: [{ name: 'hook', configMap: { name: 'hook' } }] };
      const metadata = { name: 'hook', labels: { app: 'hook' } };
      await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
      const ports = [{ port: 443, targetPort: 8443 }];
      await cluster.apply(
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: 'hook' }, ports } }),
      );
      await cluster.kubectl('wait', '--for=condition=Ready', 'pod/hook', '--timeout=60s');
      const caBundle = Buffer.from(authority.cert).toString('base64');
      await cluster.apply(configuration('Mutating', '/m', caBundle));
      await cluster.apply(configuration('Validating', '/v', caBundle));

      const refused = await cluster.try(['create', '-f', '-'], asked('no'));
      assert.equal(
        refused.stderr,
        'Warning: seen\nError from server: error when creating "STDIN": admission webhook "validating.hook.test" denied the request: data.ok must be yes\n',
      );
      const made = await cluster.try(['create', '-f', '-'], asked('yes'));
      assert.deepEqual([made.code, made.stderr], [0, 'Warning: seen\n']);
      assert.equal(await cluster.jsonpath('{.metadata.labels.by}', 'configmap', 'asked'), 'hook');

      await cluster.kubectl('delete', 'pod', 'hook', '--grace-period=0', '--force');
      const lonely = await cluster.try(['label', 'configmap', 'asked', 'a=b']);
      assert.match(
        lonely.stderr,
        /^Error from server \(InternalError\): Internal error occurred: failed calling webhook "mutating\.hook\.test": failed to call webhook: Post "https:\/\/hook\.default\.svc:443\/m\?timeout=10s": /,
      );
    },
  );
}

"""Drives a cluster with the Python client, and prints what it saw, a line a fact. The Pod `streams` is the test's.

Run: KUBECONFIG=FILE PYTHONPATH=python python3 client.py
"""
import json
import threading

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

NAMESPACE = "default"
config.load_kube_config()
core = client.CoreV1Api()


def verbs():
    meta = client.V1ObjectMeta(name="python", labels={"by": "python"})
    core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=meta, data={"a": "1"}))
    read = core.read_namespaced_config_map("python", NAMESPACE)
    print("read", read.data["a"], read.metadata.creation_timestamp.year > 2000)
    read.data = {"a": "2"}
    core.replace_namespaced_config_map("python", NAMESPACE, read)
    try:
        core.replace_namespaced_config_map("python", NAMESPACE, read)
    except ApiException as error:
        print("stale", error.status, json.loads(error.body)["reason"])
    patched = core.patch_namespaced_config_map("python", NAMESPACE, {"data": {"b": "3"}})
    print("patched", patched.data)
    patched = core.patch_namespaced_config_map("python", NAMESPACE, [{"op": "remove", "path": "/data/a"}])
    print("patched", patched.data)
    print("listed", len(core.list_namespaced_config_map(NAMESPACE, label_selector="by=python").items))
    core.delete_namespaced_config_map("python", NAMESPACE)


def watching():
    watcher = watch.Watch()
    threading.Timer(0.2, lambda: core.create_namespaced_service(NAMESPACE, client.V1Service(
        metadata=client.V1ObjectMeta(name="python"),
        spec=client.V1ServiceSpec(ports=[client.V1ServicePort(port=80)])))).start()
    seen = []
    for event in watcher.stream(core.list_namespaced_service, NAMESPACE, timeout_seconds=60,
                                field_selector="metadata.name=python"):
        seen.append(event["type"])
        if event["type"] == "ADDED":
            core.delete_namespaced_service("python", NAMESPACE)
        if event["type"] == "DELETED":
            watcher.stop()
    print("watched", *seen)


def streams():
    answer = stream(core.connect_get_namespaced_pod_exec, "streams", NAMESPACE, container="web",
                    command=["sh", "-c", "head -n 1 | tr a-z A-Z; exit 4"], stdin=True, stdout=True, stderr=True,
                    tty=False, _preload_content=False)
    answer.write_stdin("shout\n")
    answer.run_forever(timeout=60)
    print("exec", answer.read_stdout().strip(), answer.returncode)
    print("log", core.read_namespaced_pod_log("streams", NAMESPACE, tail_lines=1).strip() != "")
    forward = portforward(core.connect_get_namespaced_pod_portforward, "streams", NAMESPACE, ports="8080")
    socket = forward.socket(8080)
    socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
    print("forwarded", socket.recv(1000).decode().split("\r\n")[0])
    socket.close()
    print("proxied", core.connect_get_namespaced_pod_proxy_with_path("streams:8080", NAMESPACE, "hello.txt").strip())


def objects():
    made = utils.create_from_dict(client.ApiClient(), {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "python"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "p"}},
                 "template": {"metadata": {"labels": {"app": "p"}},
                              "spec": {"containers": [{"name": "c", "image": "host"}]}}}}, namespace=NAMESPACE)
    print("made", made[0].kind, made[0].spec.strategy.type)
    resources = dynamic.DynamicClient(client.ApiClient())
    deployments = resources.resources.get(api_version="apps/v1", kind="Deployment")
    applied = deployments.server_side_apply(
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "python"}, "spec": {"paused": True}},
        name="python", namespace=NAMESPACE, field_manager="by-python")
    print("applied", applied.spec.paused)
    deployments.delete(name="python", namespace=NAMESPACE)
    print("server", client.VersionApi().get_code().git_version)


for scenario in (verbs, watching, streams, objects):
    scenario()

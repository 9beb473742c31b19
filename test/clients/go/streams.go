package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
)

// exec by WebSocket and by SPDY, logs, and port-forward both ways, with the Pod `streams` that the test has made.
func streams(ctx context.Context, t tools) error {
	url := t.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("streams").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Command: []string{"tr", "a-z", "A-Z"}, Stdin: true, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	webSocket, err := remotecommand.NewWebSocketExecutor(t.config, "GET", url.String())
	if err != nil {
		return err
	}
	viaSpdy, err := remotecommand.NewSPDYExecutor(t.config, "POST", url)
	if err != nil {
		return err
	}
	for name, executor := range map[string]remotecommand.Executor{"WebSocket": webSocket, "SPDY": viaSpdy} {
		var out bytes.Buffer
		options := remotecommand.StreamOptions{Stdin: strings.NewReader("through " + name), Stdout: &out, Stderr: io.Discard}
		if err := executor.StreamWithContext(ctx, options); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if out.String() != strings.ToUpper("through "+name) {
			return fmt.Errorf("%s: %q came back", name, out.String())
		}
	}
	fmt.Println("exec works both ways")
	logs, err := t.client.CoreV1().Pods(namespace).GetLogs("streams", &corev1.PodLogOptions{}).DoRaw(ctx)
	if err != nil {
		return err
	}
	fmt.Print("logs: ", string(logs))
	if _, err := t.client.CoreV1().Pods(namespace).Get(ctx, "streams", metav1.GetOptions{}); err != nil {
		return err
	}
	return forwardPort(ctx, t)
}

func forwardPort(ctx context.Context, t tools) error {
	url := t.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("streams").SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(t.config)
	if err != nil {
		return err
	}
	viaSpdy := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	webSocket, err := portforward.NewSPDYOverWebsocketDialer(url, t.config)
	if err != nil {
		return err
	}
	for name, dialer := range map[string]httpstream.Dialer{"WebSocket": webSocket, "SPDY": viaSpdy} {
		stop, ready := make(chan struct{}), make(chan struct{})
		forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, io.Discard)
		if err != nil {
			return err
		}
		failed := make(chan error, 1)
		go func() { failed <- forwarder.ForwardPorts() }()
		select {
		case <-ready:
		case err := <-failed:
			return fmt.Errorf("%s: %w", name, err)
		case <-ctx.Done():
			return ctx.Err()
		}
		ports, err := forwarder.GetPorts()
		if err != nil {
			return err
		}
		answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", name, answer.Status)
		}
		close(stop)
	}
	fmt.Println("port-forward works both ways")
	return nil
}

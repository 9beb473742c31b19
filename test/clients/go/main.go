// Command go-client drives a cluster with client-go and controller-runtime, one scenario an argument. Each prints what it
// saw, a line a fact, and ends with code 1 when something does not come within a minute.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

const namespace = "default"

// What a scenario works with.
type tools struct {
	config *rest.Config
	client *kubernetes.Clientset
}

var scenarios = map[string]func(context.Context, tools) error{
	"informers":   watchInformers,
	"leader":      leader,
	"manager":     manager,
	"streams":     streams,
	"protobuf":    protobuf,
	"dynamic":     dynamicClient,
	"pagination":  pagination,
	"serverapply": serverSideApply,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 || scenarios[os.Args[1]] == nil {
		return fmt.Errorf("usage: go-client SCENARIO, with KUBECONFIG in the environment")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return scenarios[os.Args[1]](ctx, tools{config, client})
}

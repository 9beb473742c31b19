package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// The test has made this kind: a CustomResourceDefinition with a status.
var toyKind = schema.GroupVersionKind{Group: "clients.example.com", Version: "v1", Kind: "Toy"}

const finalizer = "clients.example.com/cleanup"

func newToy() *unstructured.Unstructured {
	toy := &unstructured.Unstructured{}
	toy.SetGroupVersionKind(toyKind)
	return toy
}

// Keeps a ConfigMap for each Toy, and tells in its status.
type reconciler struct{ client client.Client }

func (r reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	toy := newToy()
	if err := r.client.Get(ctx, request.NamespacedName, toy); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !toy.GetDeletionTimestamp().IsZero() {
		if controllerutil.RemoveFinalizer(toy, finalizer) {
			return ctrl.Result{}, r.client.Update(ctx, toy)
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(toy, finalizer) {
		return ctrl.Result{}, r.client.Update(ctx, toy)
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: toy.GetNamespace(), Name: toy.GetName()}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.client, config, func() error {
		color, _, _ := unstructured.NestedString(toy.Object, "spec", "color")
		config.Data = map[string]string{"color": color}
		return controllerutil.SetControllerReference(toy, config, r.client.Scheme())
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	base := toy.DeepCopy()
	if err := unstructured.SetNestedField(toy.Object, config.Data["color"], "status", "painted"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.client.Status().Patch(ctx, toy, client.MergeFrom(base))
}

// A manager with leader election reconciles Toys: made, changed, its ConfigMap deleted by somebody else, and deleted.
func manager(ctx context.Context, t tools) error {
	log.SetLogger(logr.Discard())
	mgr, err := ctrl.NewManager(t.config, ctrl.Options{
		Metrics:                 server.Options{BindAddress: "0"},
		LeaderElection:          true,
		LeaderElectionID:        "toys",
		LeaderElectionNamespace: namespace,
	})
	if err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).For(newToy()).Owns(&corev1.ConfigMap{}).Complete(reconciler{mgr.GetClient()})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- mgr.Start(ctx) }()
	if err := playWithToy(ctx, mgr.GetAPIReader(), mgr.GetClient()); err != nil {
		return err
	}
	stop()
	return <-failed
}

func playWithToy(ctx context.Context, reader client.Reader, writer client.Client) error {
	toy := newToy()
	toy.SetNamespace(namespace)
	toy.SetName("ball")
	_ = unstructured.SetNestedField(toy.Object, "red", "spec", "color")
	if err := writer.Create(ctx, toy); err != nil {
		return err
	}
	if err := until(ctx, "painted red", reader, "red"); err != nil {
		return err
	}
	fmt.Println("the Toy is painted red")
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"color":"blue"}}`))
	if err := writer.Patch(ctx, toy, patch); err != nil {
		return err
	}
	if err := until(ctx, "painted blue", reader, "blue"); err != nil {
		return err
	}
	fmt.Println("the Toy is painted blue")
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "ball"}}
	if err := reader.Get(ctx, client.ObjectKeyFromObject(config), config); err != nil {
		return err
	}
	uid := config.UID
	if err := writer.Delete(ctx, config); err != nil {
		return err
	}
	err := poll(ctx, func() bool {
		again := &corev1.ConfigMap{}
		return reader.Get(ctx, client.ObjectKeyFromObject(config), again) == nil && again.UID != uid
	})
	if err != nil {
		return fmt.Errorf("the ConfigMap did not come again: %w", err)
	}
	fmt.Println("its ConfigMap has come again")
	if err := writer.Delete(ctx, toy); err != nil {
		return err
	}
	err = poll(ctx, func() bool {
		gone := client.IgnoreNotFound(reader.Get(ctx, client.ObjectKeyFromObject(toy), newToy())) == nil &&
			reader.Get(ctx, client.ObjectKeyFromObject(toy), newToy()) != nil
		return gone && reader.Get(ctx, client.ObjectKeyFromObject(config), &corev1.ConfigMap{}) != nil
	})
	if err != nil {
		return fmt.Errorf("the Toy or its ConfigMap did not go: %w", err)
	}
	fmt.Println("both are gone")
	return nil
}

func until(ctx context.Context, what string, reader client.Reader, color string) error {
	err := poll(ctx, func() bool {
		toy := newToy()
		if reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "ball"}, toy) != nil {
			return false
		}
		painted, _, _ := unstructured.NestedString(toy.Object, "status", "painted")
		return painted == color
	})
	if err != nil {
		return fmt.Errorf("not %s: %w", what, err)
	}
	return nil
}

func poll(ctx context.Context, done func() bool) error {
	return wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(context.Context) (bool, error) { return done(), nil })
}

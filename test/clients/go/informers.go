package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// watchServices fills the caches and tells what happens to one Service.
func watchServices(ctx context.Context, t tools, seen chan<- string) (informers.SharedInformerFactory, error) {
	factory := informers.NewSharedInformerFactory(t.client, 0)
	services := factory.Core().V1().Services()
	tell := func(what string, object any) {
		if service, ok := object.(*corev1.Service); ok && service.Name == "watched" {
			seen <- fmt.Sprintf("%s %s %v", what, service.Name, service.Labels)
		}
	}
	_, err := services.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { tell("added", object) },
		UpdateFunc: func(_, object any) { tell("updated", object) },
		DeleteFunc: func(object any) { tell("deleted", object) },
	})
	if err != nil {
		return factory, err
	}
	factory.Discovery().V1().EndpointSlices().Informer()
	factory.Core().V1().Pods().Informer()
	factory.Core().V1().Nodes().Informer()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return factory, fmt.Errorf("the cache of %v was not filled", kind)
		}
	}
	return factory, nil
}

// A Service is seen to come, change and go by an informer that began before it, and the cache agrees.
func watchInformers(ctx context.Context, t tools) error {
	seen := make(chan string, 16)
	factory, err := watchServices(ctx, t, seen)
	if err != nil {
		return err
	}
	fmt.Println("caches are filled")
	api := t.client.CoreV1().Services(namespace)
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "watched", Labels: map[string]string{"is": "new"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	created, err := api.Create(ctx, service, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := expect(ctx, seen, "added watched map[is:new]"); err != nil {
		return err
	}
	created.Labels["is"] = "changed"
	if _, err := api.Update(ctx, created, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err := expect(ctx, seen, "updated watched map[is:changed]"); err != nil {
		return err
	}
	listed, err := factory.Core().V1().Services().Lister().List(labels.SelectorFromSet(labels.Set{"is": "changed"}))
	if err != nil {
		return err
	}
	fmt.Println("the cache lists", len(listed))
	if err := api.Delete(ctx, "watched", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return expect(ctx, seen, "deleted watched map[is:changed]")
}

// expect waits for a line, prints it, and fails for another one.
func expect(ctx context.Context, seen <-chan string, wanted string) error {
	select {
	case line := <-seen:
		fmt.Println(line)
		if line != wanted {
			return fmt.Errorf("wanted %q", wanted)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waited in vain for %q", wanted)
	}
}

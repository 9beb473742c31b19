package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/pager"
)

// As kube-proxy and CoreDNS talk: protobuf is what they send and what they would rather have.
func protobuf(ctx context.Context, t tools) error {
	config := rest.CopyConfig(t.config)
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = strings.Join([]string{runtime.ContentTypeProtobuf, runtime.ContentTypeJSON}, ",")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	port := int32(80)
	name := "main"
	ready := true
	if _, err := client.CoreV1().Services(namespace).Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "proto"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: name, Port: port, Protocol: corev1.ProtocolUDP}}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := client.DiscoveryV1().EndpointSlices(namespace).Create(ctx, &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: "proto-1", Labels: map[string]string{discoveryv1.LabelServiceName: "proto"}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &name, Port: &port}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{"10.1.2.3"}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	holder := "me"
	if _, err := client.CoordinationV1().Leases(namespace).Create(ctx, &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: "proto"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &metav1.MicroTime{Time: metav1.Now().Time}},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := client.EventsV1().Events(namespace).Create(ctx, &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Name: "proto"},
		EventTime:           metav1.NowMicro(),
		ReportingController: "clients.example.com/go",
		ReportingInstance:   "here",
		Action:              "Testing",
		Reason:              "Tested",
		Type:                "Normal",
		Note:                "by protobuf",
		Regarding:           corev1.ObjectReference{Kind: "Service", Namespace: namespace, Name: "proto"},
	}, metav1.CreateOptions{}); err != nil {
		return err
	}
	service, err := client.CoreV1().Services(namespace).Get(ctx, "proto", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("service", service.Spec.Ports[0].Protocol, service.Spec.Ports[0].Port, service.Spec.ClusterIP != "")
	slice, err := client.DiscoveryV1().EndpointSlices(namespace).Get(ctx, "proto-1", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("slice", slice.Endpoints[0].Addresses, *slice.Ports[0].Port)
	lease, err := client.CoordinationV1().Leases(namespace).Get(ctx, "proto", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("lease", *lease.Spec.HolderIdentity, lease.Spec.RenewTime.Year() > 2000)
	event, err := client.CoreV1().Events(namespace).Get(ctx, "proto", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("event", event.Message, event.InvolvedObject.Name)
	service.Labels = map[string]string{"by": "protobuf"}
	if service, err = client.CoreV1().Services(namespace).Update(ctx, service, metav1.UpdateOptions{}); err != nil {
		return err
	}
	fmt.Println("updated", service.Labels)
	grace := int64(0)
	options := metav1.DeleteOptions{GracePeriodSeconds: &grace, Preconditions: metav1.NewUIDPreconditions("other")}
	fmt.Println("delete of another", apierrors.IsConflict(client.CoreV1().Services(namespace).Delete(ctx, "proto", options)))
	return client.CoreV1().Services(namespace).Delete(ctx, "proto", metav1.DeleteOptions{GracePeriodSeconds: &grace})
}

// What discovery says is enough to find a kind by its name and to use it without its type.
func dynamicClient(ctx context.Context, t tools) error {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(t.client.Discovery()))
	mapping, err := mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"})
	if err != nil {
		return err
	}
	fmt.Println("mapped", mapping.Resource.String(), mapping.Scope.Name() == meta.RESTScopeNameNamespace)
	client, err := dynamic.NewForConfig(t.config)
	if err != nil {
		return err
	}
	_, err = client.Resource(mapping.Resource).Namespace(namespace).Get(ctx, "nobody", metav1.GetOptions{})
	fmt.Println("not found", apierrors.IsNotFound(err))
	resources, err := t.client.Discovery().ServerPreferredResources()
	if err != nil {
		return err
	}
	fmt.Println("groups are listed", len(resources) > 10)
	return nil
}

// All pages of a list, and a token that is none.
func pagination(ctx context.Context, t tools) error {
	api := t.client.CoreV1().ConfigMaps(namespace)
	for i := range 25 {
		config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("page-%02d", i), Labels: map[string]string{"pages": "yes"}}}
		if _, err := api.Create(ctx, config, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	pages := 0
	all := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		pages++
		return api.List(ctx, options)
	})
	all.PageSize = 10
	count := 0
	err := all.EachListItem(ctx, metav1.ListOptions{LabelSelector: "pages=yes"}, func(runtime.Object) error {
		count++
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println(count, "in", pages, "pages")
	_, err = api.List(ctx, metav1.ListOptions{Continue: "wrong", Limit: 1})
	fmt.Println("wrong token", apierrors.IsBadRequest(err), apierrors.IsResourceExpired(err))
	return api.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "pages=yes"})
}

// Two owners of one field: a conflict that says with whom, and force.
func serverSideApply(ctx context.Context, t tools) error {
	api := t.client.CoreV1().ConfigMaps(namespace)
	of := func(value string) *applycorev1.ConfigMapApplyConfiguration {
		return applycorev1.ConfigMap("applied", namespace).WithData(map[string]string{"key": value})
	}
	if _, err := api.Apply(ctx, of("one"), metav1.ApplyOptions{FieldManager: "first"}); err != nil {
		return err
	}
	_, err := api.Apply(ctx, of("two"), metav1.ApplyOptions{FieldManager: "second"})
	var status apierrors.APIStatus
	if !apierrors.IsConflict(err) || !errors.As(err, &status) {
		return fmt.Errorf("no conflict: %v", err)
	}
	cause := status.Status().Details.Causes[0]
	fmt.Println("conflict", cause.Type, cause.Field, cause.Message)
	applied, err := api.Apply(ctx, of("two"), metav1.ApplyOptions{FieldManager: "second", Force: true})
	if err != nil {
		return err
	}
	fmt.Println("forced", applied.Data)
	extracted, err := applycorev1.ExtractConfigMap(applied, "second")
	if err != nil {
		return err
	}
	fmt.Println("extracted", extracted.Data)
	return api.Delete(ctx, "applied", metav1.DeleteOptions{})
}

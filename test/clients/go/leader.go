package main

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Two candidates, of whom one leads; when it lets go the other one does.
func leader(ctx context.Context, t tools) error {
	seen := make(chan string, 8)
	firstCtx, stopFirst := context.WithCancel(ctx)
	defer stopFirst()
	go candidate(firstCtx, t, "first", seen)
	if err := expect(ctx, seen, "first leads"); err != nil {
		return err
	}
	secondCtx, stopSecond := context.WithCancel(ctx)
	defer stopSecond()
	go candidate(secondCtx, t, "second", seen)
	stopFirst()
	if err := expect(ctx, seen, "first has stopped"); err != nil {
		return err
	}
	if err := expect(ctx, seen, "second leads"); err != nil {
		return err
	}
	lease, err := t.client.CoordinationV1().Leases(namespace).Get(ctx, "elected", metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("the lease is held by", *lease.Spec.HolderIdentity, "after", *lease.Spec.LeaseTransitions, "transitions")
	return nil
}

func candidate(ctx context.Context, t tools, name string, seen chan<- string) {
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: namespace, Name: "elected"},
		Client:     t.client.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: name},
	}
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock:            lock,
		ReleaseOnCancel: true,
		LeaseDuration:   5 * time.Second,
		RenewDeadline:   4 * time.Second,
		RetryPeriod:     200 * time.Millisecond,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { seen <- name + " leads" },
			OnStoppedLeading: func() { seen <- name + " has stopped" },
		},
	})
}

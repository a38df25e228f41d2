// Package election lets one of several replicas work, the one that holds a lease.
package election

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// Config says whether and how replicas take turns. The fields are those of every Kubernetes component, with their defaults.
type Config struct {
	// LeaderElect lets one replica decide and the others wait. Defaults to true. Without it there must be one replica only.
	LeaderElect bool
	// LeaseDuration is how long a replica that is gone is waited for. Defaults to 15 s.
	LeaseDuration time.Duration
	// RenewDeadline is how long the leader tries to renew the lease before it gives up. Less than LeaseDuration. Defaults to 10 s.
	RenewDeadline time.Duration
	// RetryPeriod is the time between two tries; those who wait add a random time to it. 1.2 times it must be less than
	// RenewDeadline. Defaults to 2 s.
	RetryPeriod time.Duration
}

// Validate checks what client-go asks of the three times.
func (l Config) Validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if l.RetryPeriod <= 0 {
		errs = append(errs, field.Invalid(path.Child("retryPeriod"), l.RetryPeriod.String(), "must be positive, such as 2s"))
	}
	if l.RenewDeadline <= time.Duration(leaderelection.JitterFactor*float64(l.RetryPeriod)) {
		errs = append(errs, field.Invalid(path.Child("renewDeadline"), l.RenewDeadline.String(), "must be more than 1.2 times retryPeriod, such as 10s"))
	}
	if l.LeaseDuration <= l.RenewDeadline {
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), l.LeaseDuration.String(), "must be more than renewDeadline, such as 15s"))
	}
	if l.LeaseDuration%time.Second != 0 { // a Lease object counts seconds
		errs = append(errs, field.Invalid(path.Child("leaseDuration"), l.LeaseDuration.String(), "must be whole seconds, such as 15s"))
	}
	return errs
}

// LeaseName is the Lease that replicas take turns by, in the namespace of the switch.
const LeaseName = "ballast-recommender"

// stopPatience bounds how long a leader that is told to stop waits for the end of its round. Pods are given 30 s.
const stopPatience = 20 * time.Second

// ErrLeaseLost ends the process: a round that is under way cannot be interrupted, and another replica may begin its own.
var ErrLeaseLost = errors.New("lost the lease: another replica may decide by now")

// Lead waits for the lease and runs work while it is held. It returns when work ends, when ctx ends or when the lease is lost. If ctx
// ends, the lease is given up only after work has returned, so that no other replica begins before.
func Lead(ctx context.Context, api *rest.Config, election Config, work func(context.Context) error) error {
	if !election.LeaderElect {
		return work(ctx)
	}
	hold, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	begun, ended, over := make(chan struct{}), make(chan error, 1), make(chan struct{})
	elector, err := newElector(ctx, api, election, func(held context.Context) {
		close(begun)
		both, cancel := context.WithCancel(held)
		defer context.AfterFunc(ctx, cancel)()
		ended <- work(both)
		cancel()
	})
	if err != nil {
		return fmt.Errorf("preparing the election of a leader: %w", err)
	}
	go func() {
		elector.Run(hold)
		close(over)
	}()
	select {
	case err := <-ended:
		if err == nil && ctx.Err() == nil {
			return ErrLeaseLost // work was told to end by it
		}
		release()
		<-over
		return err
	case <-over:
		return ErrLeaseLost
	case <-ctx.Done():
		return finish(begun, ended, over, release)
	}
}

// finish waits for the end of the work, if it has begun, and gives the lease up.
func finish(begun <-chan struct{}, ended <-chan error, over <-chan struct{}, release func()) error {
	select {
	case <-begun:
	default:
		release()
		<-over
		return nil
	}
	select {
	case err := <-ended:
		release()
		<-over
		return err
	case <-over:
		return ErrLeaseLost
	case <-time.After(stopPatience):
		return fmt.Errorf("stopping: the round did not end within %s; the lease is left to expire", stopPatience)
	}
}

func newElector(ctx context.Context, api *rest.Config, election Config, work func(context.Context)) (*leaderelection.LeaderElector, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	identity := host + "_" + string(uuid.NewUUID())
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, v1alpha1.SwitchNamespace, LeaseName,
		resourcelock.ResourceLockConfig{Identity: identity}, api, election.RenewDeadline)
	if err != nil {
		return nil, err
	}
	logger := klog.FromContext(ctx)
	return leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: LeaseName, Lock: lock, ReleaseOnCancel: true,
		LeaseDuration: election.LeaseDuration, RenewDeadline: election.RenewDeadline, RetryPeriod: election.RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: work,
			OnStoppedLeading: func() {},
			OnNewLeader: func(leader string) {
				logger.Info("A replica leads", "leader", leader, "self", leader == identity)
			},
		},
	})
}

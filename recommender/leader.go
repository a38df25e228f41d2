package recommender

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
)

// LeaseName is the Lease that replicas take turns by, in the namespace of the switch.
const LeaseName = "ballast-recommender"

// stopPatience bounds how long a leader that is told to stop waits for the end of its round. Pods are given 30 s.
const stopPatience = 20 * time.Second

// errLeaseLost ends the process: a round that is under way cannot be interrupted, and another replica may begin its own.
var errLeaseLost = errors.New("lost the lease: another replica may decide by now")

// lead waits for the lease and runs work while it is held. It returns when work ends, when ctx ends or when the lease is lost. If ctx
// ends, the lease is given up only after work has returned, so that no other replica begins before.
func lead(ctx context.Context, api *rest.Config, election LeaderElection, work func(context.Context) error) error {
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
			return errLeaseLost // work was told to end by it
		}
		release()
		<-over
		return err
	case <-over:
		return errLeaseLost
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
		return errLeaseLost
	case <-time.After(stopPatience):
		return fmt.Errorf("stopping: the round did not end within %s; the lease is left to expire", stopPatience)
	}
}

func newElector(ctx context.Context, api *rest.Config, election LeaderElection, work func(context.Context)) (*leaderelection.LeaderElector, error) {
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

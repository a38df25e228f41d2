// Package modelsource tells a scheduler plugin by what to decide right now: which interference model is in force, how old it is, and how the
// switch stands. It follows one InterferenceModel object and the switch, and combines both with the profile's policy to a [Condition].
//
// A plugin has one [Source] for each profile:
//
//	source, err := modelsource.New(clients, "default", learn, modelsource.Seen{Model: ..., Ignored: ..., Changed: ...})
//	go source.Run(ctx)                          // until the profile's context ends
//	<-source.Answered()                         // with some patience: the first pods should be placed by the model
//	c := source.Condition(policy, clock.Now())  // at the start of each cycle, so that the cycle is of one mind
//
// K is what the plugin makes of a model, once for each: tables, or the model itself. It is made before the model is in force, apart from the
// scheduling path, and its address identifies the model in the plugin's caches: a model that is published again unchanged keeps it.
package modelsource

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/ballast-k8s/ballast/api/v1alpha1"
	"github.com/ballast-k8s/ballast/predictor/interference"
)

// Clients speak to the API server.
type Clients struct {
	// Kube is for the switch, Models for InterferenceModel objects.
	Kube   kubernetes.Interface
	Models dynamic.Interface
}

// Seen is told what is seen, apart from the scheduling path and possibly at the same time from two goroutines. All are required.
type Seen struct {
	// Model is told each change of the InterferenceModel object by its result, one of the Result constants.
	Model func(result string)
	// Ignored is told that the switch was set to a value that is no mode.
	Ignored func()
	// Changed is called after every change of model or switch, also one that was refused.
	Changed func(context.Context)
}

// Source follows the switch and one InterferenceModel object. Its methods may be called at any time.
type Source[K any] struct {
	model    *model[K]
	position *position
	answered chan struct{}
}

// New returns a source for the InterferenceModel object of that name. It follows nothing before Run. learn may not return nil.
func New[K any](c Clients, name string, learn func(*interference.Model) *K, seen Seen) *Source[K] {
	return &Source[K]{
		model: newModel(c.Models, name, learn, seen), position: newPosition(c.Kube, seen), answered: make(chan struct{}),
	}
}

// Run follows switch and model until the context ends. It logs with the context's logger, and is called once.
func (s *Source[K]) Run(ctx context.Context) {
	var following sync.WaitGroup
	following.Go(func() { s.position.follower.Run(ctx) })
	following.Go(func() { s.model.follower.Run(ctx) })
	for _, answered := range []<-chan struct{}{s.position.follower.Answered(), s.model.follower.Answered()} {
		select {
		case <-answered:
		case <-ctx.Done():
			following.Wait()
			return
		}
	}
	close(s.answered)
	following.Wait()
}

// Answered is closed once the API server has said both how the switch stands and which model there is, be it none because the CRD is not
// installed. Until then the condition is blind.
func (s *Source[K]) Answered() <-chan struct{} { return s.answered }

// Mode is how the switch stands; the zero Mode before the API server's first answer, or where that was no mode.
func (s *Source[K]) Mode() v1alpha1.Mode { return s.position.mode() }

// State is what is known of the InterferenceModel object.
func (s *Source[K]) State() State[K] { return *s.model.current.Load() }

// Condition is by what to decide at the time now.
func (s *Source[K]) Condition(p Policy, now time.Time) Condition[K] {
	return Assess(s.Mode(), s.State(), p, now)
}

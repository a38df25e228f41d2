package hotel

import "github.com/ballast-k8s/ballast/simulator/plant/servicegraph"

// The names of the services.
const (
	Frontend       = "frontend"
	Search         = "search"
	Geo            = "geo"
	Rate           = "rate"
	Profile        = "profile"
	Reservation    = "reservation"
	Recommendation = "recommendation"
	User           = "user"
)

// The operations. Entry is the one that the objective is about.
const (
	Entry      = "GET /hotels"
	recommend  = "GET /recommendations"
	reserve    = "POST /reservation"
	login      = "POST /user"
	milli      = 1e-3
	workCV     = 0.8 // between a constant and an exponential law
	hitShare   = 0.8 // of the requests that find the caches warm
	diskWait   = 4 * milli
	clientWait = 5.0 // seconds until a client gives up
)

// Application returns the services and what requests do to them. Requests of Entry are counted against TargetSeconds.
func Application() servicegraph.Application {
	return servicegraph.Application{
		Services: graphServices(),
		Operations: []servicegraph.Operation{
			{Name: Entry, TargetSeconds: TargetSeconds, Patterns: []servicegraph.Pattern{
				{Name: "cached", Share: hitShare, Root: hotels(3.5, 5, 0)},
				{Name: "uncached", Share: 1 - hitShare, Root: hotels(7, 10, diskWait)},
			}},
			{Name: recommend, Patterns: []servicegraph.Pattern{
				{Name: "cached", Share: hitShare, Root: recommendations(5, 0)},
				{Name: "uncached", Share: 1 - hitShare, Root: recommendations(10, diskWait)},
			}},
			{Name: reserve, Patterns: []servicegraph.Pattern{{Share: 1, Root: entry(reserve,
				stage(1, call(User, "CheckUser", leaf(5, 0))),
				stage(0.5, call(Reservation, "MakeReservation", leaf(6, diskWait))),
				stage(1),
			)}}},
			{Name: login, Patterns: []servicegraph.Pattern{{Share: 1, Root: entry(login,
				stage(1, call(User, "CheckUser", leaf(5, 0))),
				stage(1),
			)}}},
		},
	}
}

// hotels is a search for hotels, with the milliseconds of work of the two services whose caches may miss.
func hotels(rate, profile, wait float64) servicegraph.Call {
	return entry(Entry,
		stage(1, call(Search, "Nearby", []servicegraph.Stage{
			stage(0.8, call(Geo, "Nearby", leaf(3, 0))),
			stage(0.5, call(Rate, "GetRates", leaf(rate, wait))),
			stage(1.2),
		})),
		stage(0.5, call(Reservation, "CheckAvailability", leaf(4, 0))),
		stage(0.5, call(Profile, "GetProfiles", leaf(profile, wait))),
		stage(2.5),
	)
}

func recommendations(profile, wait float64) servicegraph.Call {
	return entry(recommend,
		stage(1, call(Recommendation, "GetRecommendations", leaf(6, 0))),
		stage(0.5, call(Profile, "GetProfiles", leaf(profile, wait))),
		stage(1),
	)
}

// entry is a client's call.
func entry(operation string, stages ...servicegraph.Stage) servicegraph.Call {
	c := call(Frontend, operation, stages)
	c.TimeoutSeconds = clientWait
	return c
}

// call takes 0.25 ms each way: two hops through the network of a data centre, kernel included. Its jitter is nothing beside the queues.
func call(service, operation string, stages []servicegraph.Stage) servicegraph.Call {
	return servicegraph.Call{Service: service, Operation: operation, Stages: stages, Network: servicegraph.Constant(0.25 * milli)}
}

// stage computes for some milliseconds, then calls.
func stage(work float64, calls ...servicegraph.Call) servicegraph.Stage {
	return servicegraph.Stage{Work: servicegraph.Law{Kind: servicegraph.LogNormal, MeanSeconds: work * milli, CV: workCV}, Calls: calls}
}

// leaf computes for some milliseconds and waits for a disk, if at all, for some seconds in the mean.
func leaf(work, wait float64) []servicegraph.Stage {
	s := stage(work)
	if wait > 0 {
		s.Wait = servicegraph.Exp(wait)
	}
	return []servicegraph.Stage{s}
}

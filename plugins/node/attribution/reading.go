package attribution

import "github.com/ballast-k8s/ballast/plugins/node/attribution/rates"

// What is read of containers: see package rates.
type (
	// Key names a container of the node.
	Key = rates.Key
	// Reading is what a container did since its last reading.
	Reading = rates.Reading
)

// AnyDomain is the domain of containers that run in several, or where domains are not known: they are neighbours of all.
const AnyDomain = rates.AnyDomain

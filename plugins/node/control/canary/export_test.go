package canary

import "github.com/ballast-k8s/ballast/plugins/node/control/search"

// equal is the first division that a search tries.
func (p *pool) equal() search.Division {
	s, err := search.New(p.problem(), nil)
	if err != nil {
		panic(err)
	}
	d, _ := s.Ask()
	return d
}

package schemata

// Writable are the wanted values for resources and domains that the machine has, as they can be written to a group that has others now, or
// that is to be created. Where there is to be no limit and not every kernel keeps the value that stands for that (see
// [Bandwidth.Unlimited]), a domain that has no limit keeps what it has, one that has gets the greatest that is kept, and a group that is to
// be created has none from the kernel, so that nothing is stated.
func (c Capacity) Writable(have, want Values, created bool) Values {
	out := c.Only(want)
	for _, r := range c.Resources {
		if r.Bandwidth == nil || r.Bandwidth.Unlimited() == r.Bandwidth.Max {
			continue
		}
		for d, v := range out[r.Name] {
			now, known := have.Value(r.Name, d)
			switch {
			case r.Bandwidth.Limits(v):
			case created:
				delete(out[r.Name], d)
			case known && !r.Bandwidth.Limits(now):
				out[r.Name][d] = now
			default:
				out[r.Name][d] = r.Bandwidth.Unlimited()
			}
		}
	}
	return out
}

// Changes are the values that are stated otherwise, or not at all, in others.
func (s Values) Changes(have Values) Values {
	out := Values{}
	for name, domains := range s {
		for d, v := range domains {
			if h, ok := have.Value(name, d); !ok || h != v {
				out.Set(name, d, v)
			}
		}
	}
	return out
}

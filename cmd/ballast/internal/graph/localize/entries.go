package localize

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ballast-k8s/ballast/cmd/ballast/internal/cli"
)

// counts are requests, by the service and operation that they come in by.
type counts map[string]int

// String lists the most frequent.
func (c counts) String() string {
	const most = 5
	names := slices.SortedFunc(maps.Keys(c), func(a, b string) int { return cmp.Or(cmp.Compare(c[b], c[a]), cmp.Compare(a, b)) })
	var list []string
	for _, name := range names[:min(most, len(names))] {
		list = append(list, fmt.Sprintf("%.100q (%d)", name, c[name]))
	}
	if more := len(names) - most; more > 0 {
		list = append(list, fmt.Sprintf("%d more", more))
	}
	return strings.Join(list, ", ")
}

// comparable is an error where the requests to look at cannot be set against a baseline.
func (c *comparison) comparable() error {
	if len(c.inFiles) > 0 && len(c.entries) == 0 && c.match != "" {
		return cli.Negative("no request comes in by --entry %q; the requests of the files come in by %v", c.match, c.inFiles)
	}
	if len(c.now.requests) == 0 || len(c.before.requests) == 0 {
		when := "the files have none"
		if c.first <= c.last {
			when = fmt.Sprintf("those of the files start from %.0f to %.0f s", c.first, c.last)
		}
		return cli.Negative("%d requests to look at and %d in the baseline: both are needed, and %s; see --from, --to and --entry", len(c.now.requests),
			len(c.before.requests), when)
	}
	for name := range c.now.entries {
		if c.before.entries[name] > 0 {
			return nil
		}
	}
	return fmt.Errorf("the baseline is of other requests: they come in by %v, and those to look at by %v; give a baseline of the same application",
		c.before.entries, c.now.entries)
}

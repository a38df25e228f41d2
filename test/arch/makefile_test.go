package arch

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestEndToEndRequiresRealNodes: as root on Linux `make e2e` installs what real nodes need, and fails where it cannot, rather than skip the
// tests on them without a word, unless it is told not to require them. Nobody else can install anything: there it looks, and says why it skips.
func TestEndToEndRequiresRealNodes(t *testing.T) {
	const install, look = "if hack/realnodes-packages ;", "if hack/realnodes-packages --check;"
	for _, c := range []struct {
		variables []string
		want      string
	}{
		{[]string{"as-root=yes"}, install},
		{[]string{"as-root=yes", "BALLAST_REQUIRE_REAL_NODES=0"}, look},
		{[]string{"as-root="}, look},
		{[]string{"as-root=", "BALLAST_REQUIRE_REAL_NODES=1"}, install},
	} {
		// What a make that runs this test hands down would count for more than the Makefile.
		cmd := exec.Command("make", append([]string{"--dry-run", "e2e", "SYSTEM="}, c.variables...)...)
		cmd.Dir = root
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS=") || strings.HasPrefix(v, "BALLAST_REQUIRE_REAL_NODES=")
		})
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make --dry-run e2e %q: %v\n%s", c.variables, err, out)
		}
		if !strings.Contains(string(out), c.want) {
			t.Errorf("make e2e %q lacks %q:\n%s", c.variables, c.want, out)
		}
	}
}

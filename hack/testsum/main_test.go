package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummarise(t *testing.T) {
	cases := map[string]struct {
		run            []string
		want           string
		passed, failed int
	}{
		"passing": {
			run: []string{
				`{"Action":"start","Package":"m/p"}`,
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"noise\n"}`,
				`{"Action":"pass","Package":"m/p","Test":"TestA"}`,
				`{"Action":"output","Package":"m/p","Output":"PASS\n"}`,
				`{"Action":"output","Package":"m/p","Output":"ok  \tm/p\t0.1s\n"}`,
				`{"Action":"pass","Package":"m/p"}`,
			},
			want:   "ok  \tm/p\t0.1s\n1 passed, 0 failed\n",
			passed: 1,
		},
		"a failed test shows its output and is not counted again with its package": {
			run: []string{
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"got 1, want 2\n"}`,
				`{"Action":"fail","Package":"m/p","Test":"TestA"}`,
				`{"Action":"pass","Package":"m/p","Test":"TestB"}`,
				`{"Action":"fail","Package":"m/p"}`,
			},
			want:   "got 1, want 2\n1 passed, 1 failed\n",
			passed: 1, failed: 1,
		},
		"a package that does not build is a failure": {
			run: []string{
				`{"ImportPath":"m/p","Action":"build-output","Output":"p.go:1: undefined: x\n"}`,
				`{"ImportPath":"m/p","Action":"build-fail"}`,
				`{"Action":"output","Package":"m/p","Output":"FAIL\tm/p [build failed]\n"}`,
				`{"Action":"fail","Package":"m/p","FailedBuild":"m/p"}`,
			},
			want:   "p.go:1: undefined: x\nFAIL\tm/p [build failed]\n0 passed, 1 failed\n",
			failed: 1,
		},
		"a test that never ends is shown when its package fails": {
			run: []string{
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"panic: boom\n"}`,
				`{"Action":"fail","Package":"m/p"}`,
			},
			want:   "panic: boom\n0 passed, 1 failed\n",
			failed: 1,
		},
		"skipped tests are named with the reason, other lines pass through": {
			run: []string{
				`go: downloading something`,
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"    main_test.go:88: not here: it needs root\n"}`,
				`{"Action":"output","Package":"m/p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
				`{"Action":"skip","Package":"m/p","Test":"TestA"}`,
				`{"Action":"skip","Package":"m/p","Test":"TestC"}`,
				`{"Action":"pass","Package":"m/p","Test":"TestB/sub"}`,
			},
			want:   "go: downloading something\nskipped: m/p.TestA: not here: it needs root\nskipped: m/p.TestC\n1 passed, 0 failed, 2 skipped\n",
			passed: 1,
		},
		"nothing ran": {want: "0 passed, 0 failed\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			run := strings.Join(c.run, "\n")
			var got strings.Builder
			s, err := summarise(strings.NewReader(run), &got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if s.passed != c.passed || s.failed != c.failed {
				t.Errorf("counted %d passed, %d failed; want %d, %d", s.passed, s.failed, c.passed, c.failed)
			}
		})
	}
}

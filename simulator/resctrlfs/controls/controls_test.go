package controls

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/kerneltext"
)

// Every mask of a cache with 6 ways, and those beyond, against the rules on the mask's digits: "0*1*0*" is one run, the first run is what
// stands before the last 0s.
func TestEveryMask(t *testing.T) {
	t.Parallel()
	oneRun, firstOnes := regexp.MustCompile(`^0*1*0*$`), regexp.MustCompile(`1+0*$`)
	for _, sparse := range []bool{false, true} {
		for minBits := range 4 {
			status := kerneltext.NewBuffer(512, kerneltext.Modern)
			table := New(Machine{
				L3IDs: []int{0}, L3: &Cache{Bytes: 6, Ways: 6, NumCLOSIDs: 1, MinCBMBits: minBits, SparseMasks: sparse},
			}, Options{}, status)
			for mask := range 1 << 7 {
				binary := strconv.FormatInt(int64(mask), 2)
				want, says := "", ""
				switch {
				case mask > 0x3f, mask == 0 && minBits > 0:
					says = "Mask out of range\n"
				case !sparse && !oneRun.MatchString(binary):
					says = fmt.Sprintf("The mask %x has non-consecutive 1-bits\n", mask)
				case strings.Count(firstOnes.FindString(binary), "1") < minBits:
					says = fmt.Sprintf("Need at least %d bits in the mask\n", minBits)
				default:
					want = fmt.Sprintf("L3:0=%x\n", mask)
				}
				status.Clear()
				errno := table.Write(0, fmt.Sprintf("L3:0=%x", mask))
				if (errno == syscall.EINVAL) != (says != "") || status.String() != says || want != "" && table.Schemata(0) != want {
					t.Errorf("sparse %v, minimum %d: mask %s is %v, %q, reads %q, want %q, %q",
						sparse, minBits, binary, errno, status, table.Schemata(0), want, says)
				}
			}
		}
	}
}

// Random states of a machine with 4 ways: what a new group gets, against a walk over the ways one by one: a way is to be had if devices
// share it, or a shareable group has it, or nobody has; of those it gets the first run.
func TestStartAgainstSlowWalk(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	full := 0
	for range 2000 {
		status := kerneltext.NewBuffer(512, kerneltext.Modern)
		cache := &Cache{Bytes: 4, Ways: 4, NumCLOSIDs: 5, MinCBMBits: 1, SparseMasks: true, ShareableBits: rnd.Uint32() & rnd.Uint32() & 0xf}
		table := New(Machine{L3IDs: []int{3}, L3: cache}, Options{}, status)
		for closid := range 4 {
			table.uses[closid] = use(rnd.IntN(3))
			table.resources[0].domains[0].values[closid] = rnd.Uint32() & 0xf
		}
		table.uses[4] = free
		want := uint32(0)
		for way := range 4 {
			bit := uint32(1) << way
			mine, theirs := cache.ShareableBits&bit != 0, false
			for closid := range 4 {
				if table.uses[closid] != free && table.resources[0].domains[0].values[closid]&bit != 0 {
					theirs = true
					mine = mine || table.uses[closid] == shareable
				}
			}
			if mine || !theirs {
				want |= bit
			} else if want != 0 {
				break
			}
		}
		errno := table.Start(4)
		masks := table.resources[0].domains[0].values
		got := masks[4]
		if want != 0 && (errno != 0 || got != want) || want == 0 && (errno != syscall.ENOSPC || table.uses[4] != free) {
			t.Fatalf("%v with masks %x, devices %x: got %x, %v, want %x", table.uses, masks, cache.ShareableBits, got, errno, want)
		}
		if want == 0 {
			if full++; status.String() != "No space on L3:3\n" {
				t.Fatalf("says %q", status)
			}
		}
	}
	if full == 0 {
		t.Error("no state left a group without ways: the test does not reach that rule")
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	cache := Cache{Bytes: 1, Ways: 20, NumCLOSIDs: 16, MinCBMBits: 1}
	mb := Bandwidth{NumCLOSIDs: 8, Min: 10, Max: 100, Granularity: 10}
	whole := Machine{L3: &cache, L2: &cache, MB: &mb, SMBA: &mb}
	if err := errors.Join(whole.Validate(), (&Machine{}).Validate()); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*Cache, *Bandwidth){
		"L3.Bytes":         func(c *Cache, _ *Bandwidth) { c.Bytes = 0 },
		"L3.Ways":          func(c *Cache, _ *Bandwidth) { c.Ways = 33 },
		"L3.NumCLOSIDs":    func(c *Cache, _ *Bandwidth) { c.NumCLOSIDs = 0 },
		"L3.MinCBMBits":    func(c *Cache, _ *Bandwidth) { c.MinCBMBits = 21 },
		"L3.ShareableBits": func(c *Cache, _ *Bandwidth) { c.ShareableBits = 1 << 20 },
		"MB.NumCLOSIDs":    func(_ *Cache, b *Bandwidth) { b.NumCLOSIDs = 1<<16 + 1 },
		"MB.Min":           func(_ *Cache, b *Bandwidth) { b.Min = 101 },
		"MB.Max":           func(_ *Cache, b *Bandwidth) { b.Max = 1<<30 + 1 },
		"MB.Granularity":   func(_ *Cache, b *Bandwidth) { b.Granularity = 0 },
		"MB.ThrottleMode":  func(_ *Cache, b *Bandwidth) { b.ThrottleMode = "x" },
	} {
		c, b := cache, mb
		change(&c, &b)
		if err := fmt.Sprint((&Machine{L3: &c, MB: &b}).Validate()); !strings.Contains(err, field) {
			t.Errorf("a wrong %s gives %q", field, err)
		}
	}
}

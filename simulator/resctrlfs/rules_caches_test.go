package resctrlfs

import (
	"syscall"
	"testing"

	"github.com/ballast-k8s/ballast/simulator/resctrlfs/controls"
)

// with is a machine with something changed.
func with(machine func() Spec, change func(*Spec)) func() Spec {
	return func() Spec {
		s := machine()
		change(&s)
		return s
	}
}

// cdp is skylake with code and data of L3 apart: 2 CLOSIDs of 4.
func cdp() Spec { return with(skylake, func(s *Spec) { s.Options.CDP, s.L3.NumCLOSIDs = true, 8 })() }

// elkhart is a small machine with both caches: one L3 of 12 ways, 4 L2 of 20 ways that can be split, fewer CLOSIDs in L3.
func elkhart() Spec {
	return Spec{
		CPUs: 4, CacheIDs: []int{0}, L2IDs: []int{0, 1, 2, 3},
		L3: &controls.Cache{Bytes: 12 << 18, Ways: 12, NumCLOSIDs: 4, MinCBMBits: 1, ShareableBits: 0x400},
		L2: &controls.Cache{Bytes: 20 << 16, Ways: 20, NumCLOSIDs: 8, MinCBMBits: 1, CDPCapable: true},
	}
}

func cdpRules() []rule {
	before := reads("schemata", "    MB:0=100;1=100\nL3DATA:0=7ff;1=7ff\nL3CODE:0=7ff;1=7ff\n")
	return []rule{
		{"cdp makes two lines of L3, data before code, names no wider than without", "rdtgroup.c: schemata_list_create, schemata_list_add", cdp, []step{
			before, lists("info", "L3CODE/ L3DATA/ L3_MON/ MB/ last_cmd_status"),
			reads("size", "    MB:0=100;1=100\nL3DATA:0=11534336;1=11534336\nL3CODE:0=11534336;1=11534336\n"),
		}},
		{"cdp halves the CLOSIDs of the cache and of nothing else", "rdtgroup.c: schemata_list_add", cdp, []step{
			reads("info/L3CODE/num_closids", "4\n"), reads("info/L3DATA/num_closids", "4\n"), reads("info/MB/num_closids", "8\n"),
			reads("info/L3DATA/cbm_mask", "7ff\n"), mkdir("a", ok), mkdir("b", ok), mkdir("c", ok), mkdir("d", syscall.ENOSPC),
		}},
		{"with cdp there is no L3", "ctrlmondata.c: rdtgroup_parse_resource", cdp, []step{
			write("schemata", "L3:0=f\n", syscall.EINVAL), says("Unknown or unsupported resource name 'L3'\n"),
		}},
		{"code and data are written apart", "ctrlmondata.c: rdtgroup_schemata_write, resctrl_arch_update_domains", cdp, []step{
			write("schemata", "L3CODE:0=f\n", ok), reads("schemata", "    MB:0=100;1=100\nL3DATA:0=7ff;1=7ff\nL3CODE:0=f;1=7ff\n"),
			write("schemata", "L3DATA:0=3;1=3\nL3CODE:0=800\n", syscall.EINVAL), says("Mask out of range\n"),
			reads("schemata", "    MB:0=100;1=100\nL3DATA:0=7ff;1=7ff\nL3CODE:0=f;1=7ff\n"),
		}},
		{"an exclusive group keeps others' code and data from its code and its data", "rdtgroup.c: rdtgroup_cbm_overlaps", cdp, []step{
			mkdir("a", ok), write("schemata", "L3DATA:0=1;1=1\nL3CODE:0=1;1=1\n", ok),
			write("a/schemata", "L3DATA:0=6;1=6\nL3CODE:0=18;1=18\n", ok), write("a/mode", "exclusive\n", ok),
			write("schemata", "L3DATA:0=18\n", syscall.EINVAL), says("Overlaps with exclusive group\n"),
			write("schemata", "L3CODE:0=2\n", syscall.EINVAL), says("Overlaps with exclusive group\n"),
			write("schemata", "L3CODE:0=20\n", ok), write("a/schemata", "L3DATA:0=18\n", ok), // its own code
			write("a/schemata", "L3DATA:0=30\n", syscall.EINVAL), says("Overlaps with other group\n"),
		}},
		{"a group is exclusive only if its code and its data are nobody else's", "rdtgroup.c: rdtgroup_mode_test_exclusive", cdp, []step{
			mkdir("a", ok), write("schemata", "L3DATA:0=1;1=1\nL3CODE:0=8;1=8\n", ok),
			write("a/schemata", "L3DATA:0=6;1=6\nL3CODE:0=18;1=18\n", ok), write("a/mode", "exclusive\n", syscall.EINVAL), says("Schemata overlaps\n"),
			write("a/schemata", "L3DATA:0=8;1=8\nL3CODE:0=6;1=6\n", ok), write("a/mode", "exclusive\n", syscall.EINVAL),
			write("a/schemata", "L3DATA:0=20;1=20\n", ok), write("a/mode", "exclusive\n", ok),
		}},
		{"a new group's code and data avoid what exclusive groups have of either", "rdtgroup.c: __init_one_rdt_domain", cdp, []step{
			mkdir("a", ok), write("schemata", "L3DATA:0=1;1=1\nL3CODE:0=1;1=1\n", ok),
			write("a/schemata", "L3DATA:0=6;1=6\nL3CODE:0=18;1=18\n", ok), write("a/mode", "exclusive\n", ok), mkdir("b", ok),
			reads("b/schemata", "    MB:0=100;1=100\nL3DATA:0=1;1=1\nL3CODE:0=1;1=1\n"),
		}},
		{"no space names code or data", "rdtgroup.c: __init_one_rdt_domain", with(cdp, func(s *Spec) { s.L3.ShareableBits = 0 }), []step{
			mkdir("a", ok), write("schemata", "L3DATA:0=1;1=1\nL3CODE:0=1;1=1\n", ok), write("a/schemata", "L3DATA:0=7fe;1=6\nL3CODE:0=2;1=2\n", ok),
			write("a/mode", "exclusive\n", ok), write("mode", "exclusive\n", ok), mkdir("b", syscall.ENOSPC), says("No space on L3DATA:0\n"),
		}},
		{"bit_usage of code shows code", "rdtgroup.c: rdt_bit_usage_show", cdp, []step{
			write("schemata", "L3CODE:0=1\n", ok), reads("info/L3CODE/bit_usage", "0=HH00000000S;1=XXSSSSSSSSS\n"),
			reads("info/L3DATA/bit_usage", "0=XXSSSSSSSSS;1=XXSSSSSSSSS\n"),
		}},
	}
}

func l2Rules() []rule {
	return []rule{
		{"L2 has its own ids, and stands before L3", "rdtgroup.c: schemata_list_create; ctrlmondata.c: show_doms", elkhart, []step{
			reads("schemata", "    L2:0=fffff;1=fffff;2=fffff;3=fffff\n    L3:0=fff\n"), lists("info", "L2/ L3/ last_cmd_status"),
			reads("size", "    L2:0=1310720;1=1310720;2=1310720;3=1310720\n    L3:0=3145728\n"), reads("info/L2/cbm_mask", "fffff\n"),
			reads("info/L2/bit_usage", "0=SSSSSSSSSSSSSSSSSSSS;1=SSSSSSSSSSSSSSSSSSSS;2=SSSSSSSSSSSSSSSSSSSS;3=SSSSSSSSSSSSSSSSSSSS\n"),
			reads("info/L3/bit_usage", "0=SXSSSSSSSSSS\n"),
		}},
		{"an id of L2 is not one of L3", "ctrlmondata.c: parse_line", elkhart, []step{
			write("schemata", "L2:3=f\n", ok), write("schemata", "L3:3=f\n", syscall.EINVAL), says("ok\n"),
			write("schemata", "L2:1=fffff\nL3:0=1000\n", syscall.EINVAL), says("Mask out of range\n"),
			reads("schemata", "    L2:0=fffff;1=fffff;2=fffff;3=f\n    L3:0=fff\n"),
		}},
		{"exclusive is of all caches", "rdtgroup.c: rdtgroup_mode_test_exclusive", elkhart, []step{
			mkdir("a", ok), write("schemata", "L3:0=f\n", ok), write("a/schemata", "L3:0=f0\n", ok),
			write("a/mode", "exclusive\n", syscall.EINVAL), says("Schemata overlaps\n"),
			write("schemata", "L2:0=f;1=f;2=f;3=f\n", ok), write("a/schemata", "L2:0=f0;1=f0;2=f0;3=f0\n", ok), write("a/mode", "exclusive\n", ok),
		}},
		{"cdpl2 splits L2 alone; the resource with the fewest CLOSIDs decides", "rdtgroup.c: rdt_enable_ctx, closid_init", with(elkhart, func(s *Spec) {
			s.Options.CDPL2 = true
			s.L2.NumCLOSIDs = 6
		}), []step{
			reads("schemata", "L2DATA:0=fffff;1=fffff;2=fffff;3=fffff\nL2CODE:0=fffff;1=fffff;2=fffff;3=fffff\n    L3:0=fff\n"),
			reads("info/L2CODE/num_closids", "3\n"), mkdir("a", ok), mkdir("b", ok), mkdir("c", syscall.ENOSPC),
		}},
		{"a machine may have L2 alone", "rdtgroup.c: schemata_list_create", with(elkhart, func(s *Spec) { s.L3, s.L2.CDPCapable = nil, false }), []step{
			reads("schemata", "L2:0=fffff;1=fffff;2=fffff;3=fffff\n"), lists("info", "L2/ last_cmd_status"),
		}},
	}
}

// mbps is skylake with bandwidth limits in MiB/s.
func mbps() Spec { return with(skylake, func(s *Spec) { s.Options.MBps = true })() }

func mbpsRules() []rule {
	const src = "ctrlmondata.c: parse_bw, bw_validate"
	return []rule{
		{"mba_MBps: no limit is the largest number of 32 bits, in size too", "rdtgroup.c: set_mba_sc, rdtgroup_init_mba", mbps, []step{
			reads("schemata", "    MB:0=4294967295;1=4294967295\n    L3:0=7ff;1=7ff\n"), write("schemata", "MB:0=1000\n", ok), mkdir("a", ok),
			reads("a/schemata", "    MB:0=4294967295;1=4294967295\n    L3:0=7ff;1=7ff\n"), reads("size", "    MB:0=1000;1=4294967295\n    L3:0=11534336;1=11534336\n"),
			reads("info/MB/min_bandwidth", "10\n"), reads("info/MB/bandwidth_gran", "10\n"),
		}},
		{"mba_MBps: any number of 32 bits is taken as it is", src, mbps, []step{
			write("schemata", "MB:0=0;1=12345\n", ok), reads("schemata", "    MB:0=0;1=12345\n    L3:0=7ff;1=7ff\n"),
			write("schemata", "MB:0=4294967296\n", syscall.EINVAL), says("Invalid MB value 4294967296\n"),
		}},
		{"mba_MBps: a limit takes effect as it is read, though the write fails", src, mbps, []step{
			write("schemata", "L3:0=f\nMB:0=500\nL3:0=3\n", syscall.EINVAL), says("Duplicate domain 0\n"),
			reads("schemata", "    MB:0=500;1=4294967295\n    L3:0=7ff;1=7ff\n"),
		}},
		{"mba_MBps: a domain may be named twice, and the last counts", src, mbps, []step{
			write("schemata", "MB:0=500;0=600\n", ok), reads("schemata", "    MB:0=600;1=4294967295\n    L3:0=7ff;1=7ff\n"),
		}},
		{"mba_MBps_event: local bandwidth at first, in control groups alone", "rdtgroup.c: rdtgroup_mkdir_ctrl_mon, set_mba_sc", mbps, []step{
			reads("mba_MBps_event", "mbm_local_bytes\n"), mkdir("a", ok), mkdir("a/mon_groups/m", ok), reads("a/mba_MBps_event", "mbm_local_bytes\n"),
			lists("a/mon_groups/m", "cpus cpus_list mon_data/ tasks"),
		}},
		{"mba_MBps_event takes an event that is counted", "ctrlmondata.c: rdtgroup_mba_mbps_event_write", mbps, []step{
			write("mba_MBps_event", "mbm_total_bytes\n", ok), reads("mba_MBps_event", "mbm_total_bytes\n"),
			write("mba_MBps_event", "llc_occupancy\n", syscall.EINVAL), says("Unsupported event id 'llc_occupancy'\n"),
			write("mba_MBps_event", "mbm_local_bytes", syscall.EINVAL), says("Unsupported event id 'llc_occupancy'\n"),
			reads("mba_MBps_event", "mbm_total_bytes\n"),
		}},
		{"without local bandwidth mba_MBps_event is the total", "monitor.c: resctrl_mon_resource_init", with(mbps, func(s *Spec) {
			s.Monitoring.Events = []string{LLCOccupancy, MBMTotalBytes}
		}), []step{
			reads("mba_MBps_event", "mbm_total_bytes\n"), write("mba_MBps_event", "mbm_local_bytes\n", syscall.EINVAL),
		}},
		{"without the option there is no mba_MBps_event", "rdtgroup.c: set_mba_sc", skylake, []step{func(t *testing.T, tree *Tree) {
			_, err := tree.ReadFile("mba_MBps_event")
			wantErrno(t, "read", err, syscall.ENOENT)
		}}},
	}
}

// genoa is AMD with slow memory and all that AMD has: fewer counters than RMIDs, events that can be configured.
func genoa() Spec {
	return Spec{
		CPUs: 16, CacheIDs: []int{0, 1},
		L3:   &controls.Cache{Bytes: 32 << 20, Ways: 16, NumCLOSIDs: 16, SparseMasks: true, CDPCapable: true},
		MB:   &controls.Bandwidth{NumCLOSIDs: 16, Max: 2048, Granularity: 1},
		SMBA: &controls.Bandwidth{NumCLOSIDs: 16, Max: 2048, Granularity: 1},
		Monitoring: &Monitoring{
			NumRMIDs: 8, Events: []string{LLCOccupancy, MBMTotalBytes, MBMLocalBytes}, CacheBytes: 32 << 20, OccupancyUnit: 64,
			AssignableCounters: 4, ConfigurableEvents: 0x7f,
		},
	}
}

func slowMemoryRules() []rule {
	return []rule{
		{"SMBA stands first and goes by the rules of MB", "rdtgroup.c: schemata_list_create; ctrlmondata.c: parse_bw", genoa, []step{
			reads("schemata", "  SMBA:0=2048;1=2048\n    MB:0=2048;1=2048\n    L3:0=ffff;1=ffff\n"), write("schemata", "SMBA:1=16\n", ok),
			reads("size", "  SMBA:0=2048;1=16\n    MB:0=2048;1=2048\n    L3:0=33554432;1=33554432\n"),
			write("schemata", "SMBA:0=2049\n", syscall.EINVAL), says("MB value 2049 out of range [0,2048]\n"),
			lists("info/SMBA", "bandwidth_gran delay_linear min_bandwidth num_closids"),
		}},
	}
}

package resctrlfs

import (
	"syscall"
	"testing"
)

// snc is skylake with two nodes a cache: nodes 0 and 1 on cache 0, 2 and 3 on cache 1.
func snc() Spec { return with(skylake, func(s *Spec) { s.Monitoring.NodesPerCache = 2 })() }

func nodeRules() []rule {
	const cache, sub = "mon_data/mon_L3_01/", "mon_data/mon_L3_01/mon_sub_L3_03/"
	return []rule{
		{"sub-NUMA clustering: a directory for each node in that of its cache", "rdtgroup.c: mkdir_mondata_subdir", snc, []step{
			lists("mon_data", "mon_L3_00/ mon_L3_01/"),
			lists("mon_data/mon_L3_01", "llc_occupancy mbm_local_bytes mbm_total_bytes mon_sub_L3_02/ mon_sub_L3_03/"),
			lists("mon_data/mon_L3_01/mon_sub_L3_03", "llc_occupancy mbm_local_bytes mbm_total_bytes"),
		}},
		{"sub-NUMA clustering: the cache's files are sums", "monitor.c: __mon_event_count", snc, []step{
			counts(".", 2, MBMTotalBytes, Counter{Value: 5}), counts(".", 3, MBMTotalBytes, Counter{Value: 7}),
			reads(cache+"mbm_total_bytes", "12\n"), reads(sub+"mbm_total_bytes", "7\n"), reads("mon_data/mon_L3_00/mbm_total_bytes", "0\n"),
		}},
		{"sub-NUMA clustering: nodes that cannot be read are left out, and of none it is Unavailable", "monitor.c: __mon_event_count", snc, []step{
			counts(".", 2, MBMTotalBytes, Counter{State: Failed}), counts(".", 3, MBMTotalBytes, Counter{Value: 7}), reads(cache+"mbm_total_bytes", "7\n"),
			reads("mon_data/mon_L3_01/mon_sub_L3_02/mbm_total_bytes", "Error\n"),
			counts(".", 3, MBMTotalBytes, Counter{State: Failed}), reads(cache+"mbm_total_bytes", "Unavailable\n"),
		}},
		{"sub-NUMA clustering: controls are by cache", "core.c: rdt_resources_all", snc, []step{
			reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"),
		}},
	}
}

func assignRules() []rule {
	total := func(group string) string { return group + "/mon_data/mon_L3_01/mbm_total_bytes" }
	return []rule{
		{"mode mbm_event is on where counters are assigned", "monitor.c: resctrl_mbm_assign_mode_show, resctrl_num_mbm_cntrs_show", genoa, []step{
			reads("info/L3_MON/mbm_assign_mode", "[mbm_event]\ndefault\n"), reads("info/L3_MON/num_mbm_cntrs", "0=4;1=4\n"),
			reads("info/L3_MON/available_mbm_cntrs", "0=2;1=2\n"), reads("mbm_L3_assignments", "mbm_total_bytes:0=e;1=e\nmbm_local_bytes:0=e;1=e\n"),
			reads("info/L3_MON/mbm_assign_on_mkdir", "1\n"),
		}},
		{"mkdir succeeds without counters; the group's bandwidth is Unassigned", "rdtgroup.c: rdtgroup_assign_cntrs; ctrlmondata.c: rdtgroup_mondata_show", genoa, []step{
			mkdir("a", ok), says("ok\n"), reads("info/L3_MON/available_mbm_cntrs", "0=0;1=0\n"), mkdir("b", ok),
			says("Failed to allocate counter for mbm_total_bytes in domain 0\nFailed to allocate counter for mbm_local_bytes in domain 0\n"),
			reads(total("b"), "Unassigned\n"), reads("b/mon_data/mon_L3_01/llc_occupancy", "0\n"), reads(total("a"), "0\n"),
			rmdir("a", ok), reads("info/L3_MON/available_mbm_cntrs", "0=2;1=2\n"),
			write("b/mbm_L3_assignments", "mbm_total_bytes:1=e\n", ok), reads(total("b"), "0\n"),
			reads("b/mbm_L3_assignments", "mbm_total_bytes:0=_;1=e\nmbm_local_bytes:0=_;1=_\n"),
		}},
		{"a control group shows what of it and its monitoring groups has counters", "monitor.c: mon_event_count", genoa, []step{
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), counts("a", 1, MBMTotalBytes, Counter{Value: 5}), reads(total("a/mon_groups/m"), "Unassigned\n"),
			reads(total("a"), "5\n"), write("a/mbm_L3_assignments", "mbm_total_bytes:*=_\n", ok), reads(total("a"), "Unassigned\n"),
		}},
		{"assignments: event, domain or *, e or _", "monitor.c: resctrl_parse_mbm_assignment, rdtgroup_modify_assign_state", genoa, []step{
			write("mbm_L3_assignments", "mbm_total_bytes:0=_;1=_\nmbm_local_bytes:*=_\n", ok), reads("info/L3_MON/available_mbm_cntrs", "0=4;1=4\n"),
			write("mbm_L3_assignments", "llc_occupancy:0=e\n", syscall.ENOENT), says("Invalid event llc_occupancy\n"),
			write("mbm_L3_assignments", "mbm_total_bytes:x=e\n", syscall.EINVAL), says("Missing domain id\n"),
			write("mbm_L3_assignments", "mbm_total_bytes:7=e\n", syscall.EINVAL), says("Invalid domain id 7\n"),
			write("mbm_L3_assignments", "mbm_total_bytes:0=x\n", syscall.EINVAL), says("Assign operation 'mbm_total_bytes:0=x' failed\n"),
			write("mbm_L3_assignments", "mbm_total_bytes:*=x\n", syscall.EINVAL), says("Assign operation 'mbm_total_bytes:*=x' failed\n"),
			write("mbm_L3_assignments", "mbm_total_bytes:0=e", syscall.EINVAL),
		}},
		{"a counter that is assigned starts at 0", "monitor.c: rdtgroup_assign_cntr", genoa, []step{
			counts(".", 1, MBMTotalBytes, Counter{Value: 5}), write("mbm_L3_assignments", "mbm_total_bytes:1=_\n", ok),
			write("mbm_L3_assignments", "mbm_total_bytes:1=e\n", ok), reads("mon_data/mon_L3_01/mbm_total_bytes", "0\n"),
		}},
		{"mode default: all are read, none assigned, all start at 0", "monitor.c: resctrl_mbm_assign_mode_write", genoa, []step{
			counts(".", 1, MBMTotalBytes, Counter{Value: 5}), write("info/L3_MON/mbm_assign_mode", "x\n", syscall.EINVAL), says("Unsupported assign mode\n"),
			write("info/L3_MON/mbm_assign_mode", "default\n", ok), reads("info/L3_MON/mbm_assign_mode", "[default]\nmbm_event\n"),
			reads("mon_data/mon_L3_01/mbm_total_bytes", "0\n"), refuses("info/L3_MON/available_mbm_cntrs", syscall.EINVAL),
			says("mbm_event counter assignment mode is not enabled\n"), refuses("mbm_L3_assignments", syscall.EINVAL),
			write("mbm_L3_assignments", "mbm_total_bytes:*=e\n", syscall.EINVAL), says("mbm_event mode is not enabled\n"),
			write("info/L3_MON/mbm_assign_mode", "mbm_event\n", ok), reads("mon_data/mon_L3_01/mbm_total_bytes", "Unassigned\n"),
		}},
		{"mbm_assign_on_mkdir off: new groups get no counters", "monitor.c: resctrl_mbm_assign_on_mkdir_write", genoa, []step{
			write("info/L3_MON/mbm_assign_on_mkdir", "0\n", ok), mkdir("a", ok), says("ok\n"), reads(total("a"), "Unassigned\n"),
			write("info/L3_MON/mbm_assign_on_mkdir", "x\n", syscall.EINVAL), reads("info/L3_MON/mbm_assign_on_mkdir", "0\n"),
		}},
	}
}

// refuses expects an errno of reading.
func refuses(name string, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		_, err := tree.ReadFile(name)
		wantErrno(t, "read "+name, err, want)
	}
}

// bmec is AMD before counters were assigned.
func bmec() Spec { return with(genoa, func(s *Spec) { s.Monitoring.AssignableCounters = 0 })() }

func eventConfigRules() []rule {
	const total, local = "info/L3_MON/mbm_total_bytes_config", "info/L3_MON/mbm_local_bytes_config"
	return []rule{
		{"what events count can be read, and stands among the features", "rdtgroup.c: mbm_config_show, rdt_mon_features_show", bmec, []step{
			reads(total, "0=0x7f;1=0x7f\n"), reads(local, "0=0x15;1=0x15\n"),
			reads("info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_total_bytes_config\nmbm_local_bytes\nmbm_local_bytes_config\n"),
		}},
		{"a change clears all bandwidth of the domain; the next read of each is Unavailable", "rdtgroup.c: mbm_config_write_domain", bmec, []step{
			counts(".", 1, MBMLocalBytes, Counter{Value: 5}), counts(".", 0, MBMLocalBytes, Counter{Value: 5}), write(total, "1=0x30\n", ok),
			reads(total, "0=0x7f;1=0x30\n"), reads("mon_data/mon_L3_01/mbm_local_bytes", "Unavailable\n"), reads("mon_data/mon_L3_01/mbm_local_bytes", "0\n"),
			reads("mon_data/mon_L3_00/mbm_local_bytes", "5\n"), write(total, "0=7f\n", ok), reads("mon_data/mon_L3_00/mbm_local_bytes", "5\n"),
			mkdir("a", ok), reads("a/mon_data/mon_L3_01/mbm_total_bytes", "0\n"),
		}},
		{"what is no configuration", "rdtgroup.c: mon_config_write", bmec, []step{
			write(total, "x=1\n", syscall.EINVAL), says("Missing '=' or non-numeric domain id\n"),
			write(total, "0\n", syscall.EINVAL), says("Non-numeric event configuration value\n"),
			write(total, "0=80\n", syscall.EINVAL), says("Invalid event configuration: max valid mask is 0x7f\n"),
			write(total, "0=1;2=1\n", syscall.EINVAL), says("ok\n"), reads(total, "0=0x01;1=0x7f\n"), write(total, "0=1", syscall.EINVAL),
		}},
		{"where counters are assigned, events are not configured so", "rdtgroup.c: resctrl_bmec_files_show", genoa, []step{
			lists("info/L3_MON", "available_mbm_cntrs max_threshold_occupancy mbm_assign_mode mbm_assign_on_mkdir mon_features num_mbm_cntrs num_rmids"),
			reads("info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n"), write("info/L3_MON/mbm_assign_mode", "default\n", ok),
			reads(total, "0=0x7f;1=0x7f\n"),
		}},
	}
}

func cpu(n int, on bool) step {
	return func(t *testing.T, tree *Tree) {
		t.Helper()
		if err := tree.SetOnline(n, on); err != nil {
			t.Error(err)
		}
	}
}

func hotplugRules() []rule {
	// skylake's cache 1 has CPUs 4 to 7.
	off := []step{cpu(4, false), cpu(5, false), cpu(6, false), cpu(7, false)}
	after := func(before []step, steps ...step) []step {
		return append(append(append([]step(nil), before...), off...), steps...)
	}
	return []rule{
		{"a CPU that goes leaves its groups, one that comes is the default group's", "rdtgroup.c: resctrl_offline_cpu, resctrl_online_cpu", skylake, []step{
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), write("a/cpus_list", "4-5\n", ok), write("a/mon_groups/m/cpus_list", "5\n", ok), cpu(5, false),
			reads("a/cpus_list", "4\n"), reads("a/mon_groups/m/cpus_list", "\n"), write("a/cpus_list", "5\n", syscall.EINVAL),
			says("Can only assign online CPUs\n"), cpu(5, true), reads("cpus_list", "0-3,5-7\n"), reads("a/cpus_list", "4\n"),
		}},
		{"a cache without CPUs vanishes from schemata, size, bit_usage and mon_data", "core.c: domain_remove_cpu; rdtgroup.c: resctrl_offline_mon_domain", skylake, after(
			[]step{mkdir("a", ok), mkdir("a/mon_groups/m", ok)}, reads("a/schemata", "    MB:0=100\n    L3:0=7ff\n"), reads("size", "    MB:0=100\n    L3:0=11534336\n"),
			reads("info/L3/bit_usage", "0=XXSSSSSSSSS\n"), lists("a/mon_groups/m/mon_data", "mon_L3_00/"), lists("mon_data", "mon_L3_00/"),
			write("schemata", "L3:1=f\n", syscall.EINVAL), says("ok\n"), mkdir("b", ok), lists("b/mon_data", "mon_L3_00/"),
		)},
		{"a cache that comes back is as at boot for all groups, exclusive ones too", "core.c: domain_setup_ctrlval", skylake, after(
			[]step{
				mkdir("a", ok), write("schemata", "L3:0=f;1=f\n", ok), write("a/schemata", "MB:1=20\nL3:0=f0;1=f0\n", ok), write("a/mode", "exclusive\n", ok),
			}, cpu(6, true), reads("a/schemata", "    MB:0=100;1=100\n    L3:0=f0;1=7ff\n"), reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"),
			reads("a/mode", "exclusive\n"),
		)},
		{"a cache that is gone keeps nobody from being exclusive, nor a new group from its ways", "rdtgroup.c: rdtgroup_mode_test_exclusive, rdtgroup_init_cat", with(skylake, func(s *Spec) {
			s.L3.ShareableBits = 0
		}), after(
			[]step{mkdir("a", ok), write("schemata", "L3:0=f;1=f\n", ok), write("a/schemata", "L3:0=f0;1=f0\n", ok)},
			write("a/mode", "exclusive\n", ok), write("mode", "exclusive\n", ok), mkdir("b", ok), reads("b/schemata", "    MB:0=100\n    L3:0=700\n"),
		)},
		{"a cache that comes back has no counter assigned", "rdtgroup.c: domain_setup_mon_state", genoa, []step{
			func(t *testing.T, tree *Tree) {
				for n := 8; n < 16; n++ { // those of cache 1
					cpu(n, false)(t, tree)
				}
			}, reads("info/L3_MON/available_mbm_cntrs", "0=2\n"), cpu(9, true), reads("info/L3_MON/available_mbm_cntrs", "0=2;1=4\n"),
			reads("mon_data/mon_L3_01/mbm_total_bytes", "Unassigned\n"), reads("mon_data/mon_L3_00/mbm_total_bytes", "0\n"),
		}},
		{"counters of a cache that comes back start at 0", "rdtgroup.c: domain_destroy_mon_state, domain_setup_mon_state", skylake, after(
			[]step{mkdir("a", ok), counts("a", 1, MBMTotalBytes, Counter{Value: 5}), counts("a", 0, MBMTotalBytes, Counter{Value: 6})}, cpu(7, true),
			reads("a/mon_data/mon_L3_01/mbm_total_bytes", "0\n"), reads("a/mon_data/mon_L3_00/mbm_total_bytes", "6\n"),
		)},
		{"an RMID is not held in limbo by a cache that is gone", "rdtgroup.c: resctrl_offline_mon_domain; monitor.c: __check_limbo", with(skylake, func(s *Spec) {
			s.Monitoring.NumRMIDs = 2
		}), after([]step{mkdir("a", ok), counts("a", 1, LLCOccupancy, Counter{Value: 8 << 20}), rmdir("a", ok), second(1), mkdir("a", syscall.EBUSY)},
			second(1), mkdir("a", ok))},
		{"a file of a cache that is gone is gone", "rdtgroup.c: mon_rmdir_one_subdir", skylake, []step{func(t *testing.T, tree *Tree) {
			f, err := tree.Open("mon_data/mon_L3_01/llc_occupancy", false)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range off {
				s(t, tree)
			}
			_, err = f.Read()
			wantErrno(t, "read", err, syscall.ENODEV)
		}}},
		{"sub-NUMA clustering: a node goes alone, its cache's sum stays", "rdtgroup.c: mon_rmdir_one_subdir", snc, []step{
			counts(".", 2, MBMTotalBytes, Counter{Value: 5}), counts(".", 3, MBMTotalBytes, Counter{Value: 7}), cpu(4, false), cpu(5, false),
			lists("mon_data/mon_L3_01", "llc_occupancy mbm_local_bytes mbm_total_bytes mon_sub_L3_03/"), reads("mon_data/mon_L3_01/mbm_total_bytes", "7\n"),
			reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"), cpu(6, false), cpu(7, false), lists("mon_data", "mon_L3_00/"),
		}},
		{"L2 has its own domains", "core.c: domain_remove_cpu", elkhart, []step{
			write("schemata", "L2:2=f\nL3:0=f\n", ok), cpu(2, false), reads("schemata", "    L2:0=fffff;1=fffff;3=fffff\n    L3:0=f\n"), cpu(2, true),
			reads("schemata", "    L2:0=fffff;1=fffff;2=fffff;3=fffff\n    L3:0=f\n"),
		}},
	}
}

package resctrlfs

import (
	"syscall"
	"testing"
)

func mountAs(o Options, want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) { t.Helper(); wantErrno(t, "mount "+o.String(), tree.Mount(o), want) }
}

func unmount(want syscall.Errno) step {
	return func(t *testing.T, tree *Tree) { t.Helper(); wantErrno(t, "unmount", tree.Unmount(), want) }
}

func mountRules() []rule {
	return []rule{
		{"it is mounted once", "rdtgroup.c: rdt_get_tree", skylake, []step{mountAs(Options{}, syscall.EBUSY), unmount(ok), unmount(syscall.EINVAL)}},
		{"unmount takes groups, masks and limits away", "rdtgroup.c: rdt_kill_sb, rmdir_all_sub", skylake, []step{
			mkdir("a", ok), write("a/schemata", "L3:0=3\nMB:0=10\n", ok), write("schemata", "L3:0=f0\n", ok), write("a/cpus_list", "1\n", ok),
			fork(0, 7, 7, 0), write("a/tasks", "7", ok), unmount(ok), groups(7, "res:\nmon:\n"), lists(".", ""), mkdir("b", syscall.EPERM),
			rmdir("a", syscall.ENOENT), refuses("schemata", syscall.ENOENT), mountAs(Options{}, ok),
			lists(".", "cpus cpus_list info/ mode mon_data/ mon_groups/ schemata size tasks"), reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"),
			reads("cpus_list", "0-7\n"), reads("tasks", "7\n"), groups(7, "res:/\nmon:\n"), says("ok\n"),
		}},
		{"RMIDs of an unmounted tree go to limbo, the threshold stays", "rdtgroup.c: rmdir_all_sub; monitor.c: free_rmid", with(skylake, func(s *Spec) {
			s.Monitoring.NumRMIDs = 2
		}), []step{
			write("info/L3_MON/max_threshold_occupancy", "131072", ok), mkdir("a", ok), unmount(ok), mountAs(Options{}, ok), mkdir("a", syscall.EBUSY), second(0),
			mkdir("a", ok), reads("info/L3_MON/max_threshold_occupancy", "131072\n"),
		}},
		{"options can change from mount to mount, and the layout of schemata does not", "rdtgroup.c: rdt_enable_ctx, schemata_list_add", skylake, []step{
			unmount(ok), mountAs(Options{CDP: true, MBps: true}, ok),
			reads("schemata", "    MB:0=4294967295;1=4294967295\nL3DATA:0=7ff;1=7ff\nL3CODE:0=7ff;1=7ff\n"), unmount(ok), mountAs(Options{}, ok),
			reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"),
		}},
		{"cdp needs a cache that can", "core.c: resctrl_arch_set_cdp_enabled", milan, []step{
			unmount(ok), mountAs(Options{CDP: true}, syscall.EINVAL), mountAs(Options{CDPL2: true}, syscall.EINVAL), mountAs(Options{}, ok),
		}},
		{"mba_MBps needs linear bandwidth", "rdtgroup.c: supports_mba_mbps", genoa, []step{unmount(ok), mountAs(Options{MBps: true}, syscall.EINVAL)}},
		{"mba_MBps needs bandwidth monitoring", "rdtgroup.c: supports_mba_mbps", with(skylake, func(s *Spec) {
			s.Monitoring.Events = []string{LLCOccupancy}
		}), []step{unmount(ok), mountAs(Options{MBps: true}, syscall.EINVAL)}},
		{"mba_MBps needs monitoring by cache", "rdtgroup.c: supports_mba_mbps", snc, []step{unmount(ok), mountAs(Options{MBps: true}, syscall.EINVAL)}},
		{"the options show in the table of mounts", "rdtgroup.c: rdtgroup_show_options", skylake, []step{func(t *testing.T, tree *Tree) {
			o := Options{CDP: true, CDPL2: true, MBps: true, Debug: true}
			if got, want := o.String(), "rw,relatime,cdp,cdpl2,mba_MBps,debug"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if got, mounted := tree.Options(); got != (Options{}) || !mounted {
				t.Errorf("got %v, %v", got, mounted)
			}
		}}},
		{"debug shows CLOSIDs and RMIDs", "rdtgroup.c: rdtgroup_closid_show, rdtgroup_rmid_show", with(skylake, func(s *Spec) { s.Options.Debug = true }), []step{
			reads("ctrl_hw_id", "0\n"), reads("mon_hw_id", "0\n"), mkdir("a", ok), mkdir("a/mon_groups/m", ok), reads("a/ctrl_hw_id", "1\n"),
			reads("a/mon_hw_id", "1\n"), lists("a/mon_groups/m", "cpus cpus_list mon_data/ mon_hw_id tasks"), reads("a/mon_groups/m/mon_hw_id", "2\n"),
		}},
	}
}

// oldIntel and oldest are skylake under older kernels, oldAMD is milan.
func oldIntel() Spec { return with(skylake, func(s *Spec) { s.Kernel = Padded })() }
func oldest() Spec   { return with(skylake, func(s *Spec) { s.Kernel = Legacy })() }
func oldAMD() Spec   { return with(milan, func(s *Spec) { s.Kernel = Padded })() }

func olderKernelRules() []rule {
	const before = "Linux 4.20 intel_rdt_rdtgroup.c: "
	setup := []step{mkdir("a", ok), mkdir("a/mon_groups/m", ok), fork(0, 7, 7, 0), fork(0, 8, 8, 1000)}
	after := func(steps ...step) []step { return append(append([]step(nil), setup...), steps...) }
	return []rule{
		{"Linux 5.15: all values have the width of the widest", "Linux 5.15 core.c: rdt_get_cache_alloc_cfg, __get_mem_config_intel; ctrlmondata.c: show_doms", oldIntel, []step{
			reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"), write("schemata", "MB:0=10\nL3:1=3\n", ok),
			reads("schemata", "    MB:0= 10;1=100\n    L3:0=7ff;1=003\n"), reads("size", "    MB:0=10;1=100\n    L3:0=11534336;1=2097152\n"),
		}},
		{"Linux 5.15: 20 ways make percentages 5 wide", "Linux 5.15 core.c: rdt_init_padding; ctrlmondata.c: show_doms", with(haswell, func(s *Spec) {
			s.Kernel, s.MB = Padded, skylake().MB
		}), []step{reads("schemata", "MB:0=  100;1=  100\nL3:0=fffff;1=fffff\n")}},
		{"Linux 5.15 on AMD: bandwidth is 4 wide", "Linux 5.15 core.c: __rdt_get_mem_config_amd", oldAMD, []step{
			write("schemata", "MB:16=16\nL3:1=f\n", ok),
			reads("schemata", "MB:0=2048;1=2048;16=  16;17=2048\nL3:0=ffff;1=000f;16=ffff;17=ffff\n"),
		}},
		{"Linux 5.15: what was read can be written", "ctrlmondata.c: parse_line", oldAMD, []step{
			write("schemata", "MB:0=2048;1=2048;16=  16;17=2048\nL3:0=ffff;1=000f;16=ffff;17=ffff\n", ok),
		}},
		{"Linux 5.15, mba_MBps: a limit is rounded up and staged, and to write what was read can throttle", "Linux 5.15 ctrlmondata.c: bw_validate, parse_bw", with(oldIntel, func(s *Spec) {
			s.Options.MBps = true
		}), []step{
			reads("schemata", "    MB:0=4294967295;1=4294967295\n    L3:0=7ff;1=7ff\n"), write("schemata", "MB:0=995\nL3:0=0\n", syscall.EINVAL),
			write("schemata", "MB:0=995\n", ok), reads("schemata", "    MB:0=1000;1=4294967295\n    L3:0=7ff;1=7ff\n"),
			// 4294967295 rounded up to a multiple of 10 is 4294967300, of which 32 bits hold 4.
			write("schemata", "MB:0=1000;1=4294967295\n", ok), reads("schemata", "    MB:0=1000;1=  4\n    L3:0=7ff;1=7ff\n"),
			write("schemata", "MB:0=1;0=2\n", syscall.EINVAL), says("Duplicate domain 0\n"),
		}},
		{"before Linux 6.12 a bandwidth of more than 32 bits is a number out of range", "Linux 5.15 ctrlmondata.c: bw_validate", oldIntel, []step{
			write("schemata", "MB:0=4294967296\n", syscall.EINVAL), says("MB value 4294967296 out of range [10,100]\n"),
		}},
		{"before Linux 6.7 a write of tasks is one id", "Linux 5.15 rdtgroup.c: rdtgroup_tasks_write", oldIntel, after(
			write("a/tasks", "7,8\n", syscall.EINVAL), says("ok\n"), reads("a/tasks", ""), write("a/tasks", " 0x7\n", ok), reads("a/tasks", "7\n"),
			write("a/tasks", "5", syscall.ESRCH), says("No task 5\n"), write("a/tasks", "", syscall.EINVAL), write("a/tasks", "-1\n", syscall.EINVAL),
			says("No task 5\n"), writeAs(Writer{UID: 1000}, "a/tasks", "7", syscall.EPERM), says("No permission to move task 7\n"),
		)},
		{"before Linux 6.5 nothing can be renamed", "kernfs/dir.c: kernfs_iop_rename", oldIntel, after(
			rename("a/mon_groups/m", "mon_groups/m", syscall.EPERM), says("ok\n"), lists("a/mon_groups", "m/"),
		)},
		{"before Linux 6.9 a group without a CLOSID costs an RMID its time in limbo", "Linux 5.15 rdtgroup.c: mkdir_rdt_prepare, mkdir_rdt_prepare_clean", with(oldIntel, func(s *Spec) {
			s.L3.NumCLOSIDs, s.Monitoring.NumRMIDs = 2, 3
		}), []step{
			mkdir("a", ok), mkdir("b", syscall.ENOSPC), says("Out of CLOSIDs\n"), mkdir("mon_groups/m", syscall.EBUSY), mkdir("b", syscall.EBUSY),
			says("Out of RMIDs\n"), second(0), mkdir("mon_groups/m", ok),
		}},
		{"before Linux 6.7 there is no sparse_masks, before 5.12 no thread_throttle_mode", "Linux 4.20 intel_rdt_rdtgroup.c: res_common_files", oldest, []step{
			lists("info/L3", "bit_usage cbm_mask min_cbm_bits num_closids shareable_bits"),
			lists("info/MB", "bandwidth_gran delay_linear min_bandwidth num_closids"),
		}},
		{"Linux 4.20: caches before bandwidth, data before code", "Linux 4.20 intel_rdt.c: rdt_resources_all", with(oldest, func(s *Spec) {
			s.L3.NumCLOSIDs = 8
		}), []step{
			reads("schemata", "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n"), unmount(ok), mountAs(Options{CDP: true}, ok),
			reads("schemata", "L3DATA:0=7ff;1=7ff\nL3CODE:0=7ff;1=7ff\n    MB:0=100;1=100\n"),
		}},
		{"Linux 4.20: messages of schemata in lower case", "Linux 4.20 intel_rdt_ctrlmondata.c: bw_validate, cbm_validate, parse_cbm, rdtgroup_parse_resource", oldest, []step{
			write("schemata", "L3:0=5\n", syscall.EINVAL), says("mask 5 has non-consecutive 1-bits\n"),
			write("schemata", "L3:0=0\n", syscall.EINVAL), says("mask out of range\n"),
			write("schemata", "L3:0=g\n", syscall.EINVAL), says("non-hex character in mask g\n"),
			write("schemata", "L3:0=1;0=1\n", syscall.EINVAL), says("duplicate domain 0\n"),
			write("schemata", "L2:0=1\n", syscall.EINVAL), says("unknown/unsupported resource name 'L2'\n"),
			write("schemata", "MB:0=x\n", syscall.EINVAL), says("Non-decimal digit in MB value x\n"),
			write("schemata", "MB:0=5\n", syscall.EINVAL), says("MB value 5 out of range [10,100]\n"),
			write("schemata", "L3\n", syscall.EINVAL), says("Missing ':'\n"),
		}},
		{"Linux 4.20: messages of groups in lower case", before + "rdtgroup_mkdir_ctrl_mon, mkdir_rdt_prepare, rdtgroup_mode_write", with(oldest, func(s *Spec) {
			s.L3.NumCLOSIDs, s.Monitoring.NumRMIDs = 2, 3
		}), []step{
			mkdir("a", ok), mkdir("b", syscall.ENOSPC), says("out of CLOSIDs\n"), mkdir("b", syscall.EBUSY), says("out of RMIDs\n"),
			write("a/mode", "exclusive\n", syscall.EINVAL), says("schemata overlaps\n"), write("a/mode", "x\n", syscall.EINVAL),
			says("unknown/unsupported mode\n"), write("cpus", "x\n", syscall.EINVAL), says("bad cpu list/mask\n"),
		}},
	}
}

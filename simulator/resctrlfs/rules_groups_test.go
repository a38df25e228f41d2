package resctrlfs

import (
	"strings"
	"syscall"
	"testing"
)

func groupRules() []rule {
	const ctrl = "rdtgroup.c: rdtgroup_mkdir_ctrl_mon"
	files := "cpus cpus_list mode mon_data/ mon_groups/ schemata size tasks"
	return []rule{
		{"a control group has its files, and so has a monitoring group", "rdtgroup.c: rdtgroup_add_files, mkdir_mondata_all", skylake, []step{
			lists(".", strings.Replace(files, "mode", "info/ mode", 1)), mkdir("a", ok), lists("a", files),
			mkdir("a/mon_groups/m", ok), lists("a/mon_groups/m", "cpus cpus_list mon_data/ tasks"),
			mkdir("mon_groups/m", ok), lists("mon_groups", "m/"), lists("a/mon_data", "mon_L3_00/ mon_L3_01/"),
			lists("a/mon_data/mon_L3_01", "llc_occupancy mbm_local_bytes mbm_total_bytes"),
		}},
		{"CLOSIDs run out by the resource that has fewest", "rdtgroup.c: closid_init, closid_alloc", skylake, []step{
			mkdir("a", ok), mkdir("b", ok), mkdir("c", ok), mkdir("d", syscall.ENOSPC), says("Out of CLOSIDs\n"), rmdir("b", ok),
			mkdir("d", ok), says("ok\n"),
		}},
		{"a failed mkdir leaves no directory", ctrl, skylake, []step{
			mkdir("a", ok), mkdir("b", ok), mkdir("c", ok), mkdir("d", syscall.ENOSPC),
			lists(".", "a/ b/ c/ cpus cpus_list info/ mode mon_data/ mon_groups/ schemata size tasks"),
		}},
		{"a new group gets all bandwidth and the lowest run of what is shared or free", "rdtgroup.c: __init_one_rdt_domain", skylake, []step{
			write("schemata", "MB:0=50\nL3:0=1f;1=1f\n", ok), mkdir("a", ok), reads("a/schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"),
			write("a/schemata", "L3:0=e0;1=e0\n", ok), write("a/mode", "exclusive\n", ok),
			mkdir("b", ok), reads("b/schemata", "    MB:0=100;1=100\n    L3:0=1f;1=1f\n"), reads("b/mode", "shareable\n"),
		}},
		{"no space where exclusive groups hold the ways", "rdtgroup.c: __init_one_rdt_domain", func() Spec {
			s := skylake()
			s.L3.ShareableBits = 0
			return s
		}, []step{
			write("schemata", "L3:0=f;1=f\n", ok), mkdir("a", ok), write("a/schemata", "L3:0=7f0;1=3f0\n", ok), write("a/mode", "exclusive\n", ok),
			write("mode", "exclusive\n", ok), mkdir("b", syscall.ENOSPC), says("No space on L3:0\n"),
			write("a/schemata", "L3:0=3f0\n", ok), mkdir("b", ok), reads("b/schemata", "    MB:0=100;1=100\n    L3:0=400;1=400\n"),
		}},
		{"where groups may be made", "rdtgroup.c: rdtgroup_mkdir, mkdir_rdt_prepare, is_mon_groups", skylake, []step{
			mkdir("a", ok), mkdir("a/b", syscall.EPERM), mkdir("a/mon_data/b", syscall.EPERM), mkdir("a/mon_groups/mon_groups", syscall.EPERM),
			mkdir("a/mon_data/mon_L3_00/b", syscall.EPERM), mkdir("a/mon_groups/m", ok), mkdir("a/mon_groups/m/b", syscall.EPERM),
			mkdir("info/b", syscall.ENODEV), mkdir("info/L3/b", syscall.ENODEV),
			mkdir("a\nb", syscall.EINVAL), mkdir("a", syscall.EEXIST), mkdir("info", syscall.EEXIST), mkdir("schemata", syscall.EEXIST),
			mkdir("x/mon_groups/m", syscall.ENOENT), mkdir("tasks/m", syscall.ENOTDIR), mkdir(strings.Repeat("n", 256), syscall.ENAMETOOLONG),
		}},
		{"without monitoring there are no monitoring groups", "rdtgroup.c: rdtgroup_mkdir", haswell, []step{
			mkdir("a", ok), mkdir("a/mon_groups", syscall.EPERM), mkdir("info/b", syscall.EPERM), mkdir("mon_groups", ok),
		}},
		{"without allocation there is the default group alone", "rdtgroup.c: rdtgroup_mkdir", cmtOnly, []step{
			mkdir("a", syscall.EPERM), mkdir("mon_groups/a", ok), reads("schemata", ""), fork(0, 7, 7, 0), reads("tasks", ""),
			write("mon_groups/a/tasks", "7", ok), reads("mon_groups/a/tasks", "7\n"),
		}},
		{"rmdir of a control group gives all back, whatever it holds", "rdtgroup.c: rdtgroup_rmdir_ctrl", skylake, []step{
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), fork(0, 7, 7, 0), fork(0, 8, 8, 0), write("a/tasks", "7,8", ok),
			write("a/mon_groups/m/tasks", "8", ok), write("a/cpus_list", "2-3\n", ok), rmdir("a", ok),
			reads("tasks", "7\n8\n"), groups(8, "res:/\nmon:\n"), reads("cpus_list", "0-7\n"), lists("mon_groups", ""),
		}},
		{"rmdir of a monitoring group gives its tasks to its control group", "rdtgroup.c: rdtgroup_rmdir_mon", skylake, []step{
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), fork(0, 7, 7, 0), write("a/tasks", "7", ok), write("a/mon_groups/m/tasks", "7", ok),
			groups(7, "res:a\nmon:m\n"), rmdir("a/mon_groups/m", ok), groups(7, "res:a\nmon:\n"),
		}},
		{"only groups can be removed, and that is no command", "rdtgroup.c: rdtgroup_rmdir", skylake, []step{
			mkdir("a", ok), write("mode", "x\n", syscall.EINVAL),
			rmdir("info", syscall.EPERM), rmdir("info/L3", syscall.EPERM), rmdir("mon_data", syscall.EPERM), rmdir("mon_groups", syscall.EPERM),
			rmdir("a/mon_groups", syscall.EPERM), rmdir("a/mon_data/mon_L3_00", syscall.EPERM), rmdir("a/tasks", syscall.ENOTDIR),
			rmdir("b", syscall.ENOENT), rmdir(".", syscall.EBUSY), rmdir("a", ok), says("Unknown or unsupported mode\n"),
		}},
		{"the lowest free CLOSID is taken, and its old masks do not stay", ctrl, skylake, []step{
			mkdir("a", ok), write("a/schemata", "L3:0=3\nMB:0=10\n", ok), rmdir("a", ok), mkdir("b", ok),
			reads("b/schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n"),
		}},
		{"a group's directories have the permissions it was made with", "rdtgroup.c: mkdir_rdt_prepare, mongroup_create_dir", skylake, []step{
			mkdir("a", ok), func(t *testing.T, tree *Tree) {
				for name, want := range map[string]string{
					".": "dr-xr-xr-x", "info": "dr-xr-xr-x", "mon_groups": "dr-xr-xr-x", "a": "drwxr-xr-x", "a/mon_groups": "drwxr-xr-x",
					"a/schemata": "-rw-r--r--", "a/size": "-r--r--r--", "a/mon_data/mon_L3_00/llc_occupancy": "-r--r--r--",
				} {
					if mode, err := tree.Mode(name); err != nil || mode.String() != want {
						t.Errorf("%s has mode %v, %v, want %s", name, mode, err, want)
					}
				}
			},
		}},
	}
}

func renameRules() []rule {
	const src = "rdtgroup.c: rdtgroup_rename"
	setup := []step{mkdir("a", ok), mkdir("b", ok), mkdir("a/mon_groups/m", ok), mkdir("b/mon_groups/n", ok)}
	after := func(steps ...step) []step { return append(append([]step(nil), setup...), steps...) }
	return []rule{
		{"a monitoring group changes its control group with tasks and counters", "rdtgroup.c: mongrp_reparent", skylake, after(
			fork(0, 7, 7, 0), write("a/tasks", "7", ok), write("a/mon_groups/m/tasks", "7", ok),
			counts("a/mon_groups/m", 0, MBMTotalBytes, Counter{Value: 9}), reads("a/mon_data/mon_L3_00/mbm_total_bytes", "9\n"),
			rename("a/mon_groups/m", "b/mon_groups/o", ok), groups(7, "res:b\nmon:o\n"), reads("b/tasks", "7\n"), reads("a/tasks", ""),
			reads("b/mon_groups/o/mon_data/mon_L3_00/mbm_total_bytes", "9\n"), reads("b/mon_data/mon_L3_00/mbm_total_bytes", "9\n"),
			reads("a/mon_data/mon_L3_00/mbm_total_bytes", "0\n"), lists("a/mon_groups", ""), says("ok\n"),
		)},
		{"a new name in the same place", src, skylake, after(
			rename("a/mon_groups/m", "a/mon_groups/x", ok), lists("a/mon_groups", "x/"), rename("a/mon_groups/x", "a/mon_groups/x", ok),
		)},
		{"the source must be a monitoring group", src, skylake, after(
			rename("a", "b/mon_groups/a", syscall.EPERM), says("Source must be a MON group\n"),
			rename("a/mon_groups", "b/mon_groups/x", syscall.EPERM), says("Source must be a MON group\n"),
			rename("a/mon_groups/m/mon_data", "b/mon_groups/x", syscall.EPERM), says("Source must be a MON group\n"),
		)},
		{"the destination must lie in mon_groups", src, skylake, after(
			rename("a/mon_groups/m", "x", syscall.EPERM), says("Destination must be a mon_groups subdirectory\n"),
			rename("a/mon_groups/m", "b/x", syscall.EPERM), says("Destination must be a mon_groups subdirectory\n"),
			rename("a/mon_groups/m", "b/mon_groups/mon_groups", syscall.EPERM), says("Destination must be a mon_groups subdirectory\n"),
		)},
		{"a file cannot be renamed, and that message has no newline", src, skylake, after(
			rename("a/tasks", "b/mon_groups/x", syscall.EPERM), says("Source and destination must be directories"),
		)},
		{"info is no group", "rdtgroup.c: kernfs_to_rdtgroup", skylake, after(
			write("mode", "x\n", syscall.EINVAL), rename("info", "b/mon_groups/x", syscall.ENOENT),
			rename("info/last_cmd_status", "b/mon_groups/x", syscall.ENOENT), rename("a/mon_groups/m", "info/m", syscall.ENOENT),
			says("Unknown or unsupported mode\n"),
		)},
		{"a group that monitors CPUs keeps its control group, not its name", src, skylake, after(
			write("a/cpus_list", "1\n", ok), write("a/mon_groups/m/cpus_list", "1\n", ok),
			rename("a/mon_groups/m", "b/mon_groups/m", syscall.EPERM), says("Cannot move a MON group that monitors CPUs\n"),
			rename("a/mon_groups/m", "a/mon_groups/x", ok),
		)},
		{"what the file system itself refuses", "namei.c: vfs_rename; kernfs/dir.c: kernfs_rename_ns", skylake, after(
			rename("a/mon_groups/m", "b/mon_groups/n", syscall.EEXIST), rename("a/mon_groups/x", "b/mon_groups/x", syscall.ENOENT),
			rename("a/mon_groups/m", "b/tasks", syscall.ENOTDIR), rename("a/tasks", "b/mon_groups/n", syscall.EISDIR),
			rename("a", "a/mon_groups/x", syscall.EINVAL), rename("a/mon_groups/m", "a", syscall.ENOTEMPTY), rename(".", "x", syscall.EBUSY),
			rename("a/mon_groups/m", "x/y", syscall.ENOENT), rename("a/mon_groups/m", "tasks/y", syscall.ENOTDIR),
		)},
	}
}

func rmidRules() []rule {
	dirty := Counter{Value: 4 << 20}
	fill := []step{
		mkdir("a", ok), mkdir("a/mon_groups/1", ok), mkdir("a/mon_groups/2", ok), mkdir("a/mon_groups/3", ok), mkdir("a/mon_groups/4", ok),
	}
	after := func(steps ...step) []step { return append(append([]step(nil), fill...), steps...) }
	return []rule{
		{"RMIDs run out: ENOSPC while all are in use", "monitor.c: resctrl_find_free_rmid", skylake, after(
			mkdir("a/mon_groups/5", syscall.ENOSPC), says("Out of RMIDs\n"), mkdir("b", syscall.ENOSPC), says("Out of RMIDs\n"),
		)},
		{"RMIDs run out: EBUSY while some are in limbo", "monitor.c: resctrl_find_free_rmid", skylake, after(
			rmdir("a/mon_groups/1", ok), mkdir("a/mon_groups/5", syscall.EBUSY), says("Out of RMIDs\n"), mkdir("b", syscall.EBUSY),
		)},
		{"a freed RMID returns when every cache holds less than the threshold", "monitor.c: __check_limbo", skylake, after(
			counts("a/mon_groups/1", 1, LLCOccupancy, dirty), rmdir("a/mon_groups/1", ok), // 4 MiB against 1900544 bytes
			second(0.5), mkdir("b", syscall.EBUSY), second(0.5), mkdir("b", ok), // 2 MiB, 1 MiB
		)},
		{"a threshold of 0 frees none", "monitor.c: __check_limbo", skylake, after(
			write("info/L3_MON/max_threshold_occupancy", "0", ok), rmdir("a/mon_groups/1", ok), second(0), mkdir("b", syscall.EBUSY),
			write("info/L3_MON/max_threshold_occupancy", "65536", ok), second(0), mkdir("b", ok),
		)},
		{"an RMID whose occupancy cannot be read stays", "monitor.c: __check_limbo", skylake, after(
			counts("a/mon_groups/1", 0, LLCOccupancy, Counter{State: Failed}), rmdir("a/mon_groups/1", ok), second(0), mkdir("b", syscall.EBUSY),
		)},
		{"without llc_occupancy there is no limbo", "monitor.c: free_rmid", cmtOnly, []step{
			mkdir("mon_groups/1", ok), mkdir("mon_groups/2", ok), mkdir("mon_groups/3", syscall.ENOSPC), rmdir("mon_groups/1", ok),
			mkdir("mon_groups/3", ok),
		}},
		{"rmdir of a control group frees the RMIDs of its monitoring groups", "rdtgroup.c: free_all_child_rdtgrp", skylake, after(
			rmdir("a", ok), second(0), mkdir("b", ok), mkdir("b/mon_groups/1", ok), mkdir("b/mon_groups/2", ok), mkdir("b/mon_groups/3", ok),
			mkdir("b/mon_groups/4", ok), mkdir("b/mon_groups/5", syscall.ENOSPC),
		)},
		{"a group that could not be made costs its RMID a second", "rdtgroup.c: mkdir_rdt_prepare_rmid_free", func() Spec {
			s := skylake()
			s.L3.ShareableBits, s.Monitoring.NumRMIDs = 0, 2
			return s
		}, []step{
			write("mode", "exclusive\n", ok), mkdir("a", syscall.ENOSPC), says("No space on L3:0\n"), mkdir("a", syscall.EBUSY),
			second(0), write("mode", "shareable\n", ok), mkdir("a", ok),
		}},
		{"bandwidth counts from the group's making, occupancy is what the RMID left", "rdtgroup.c: mon_add_all_files", func() Spec {
			s := skylake()
			s.Monitoring.NumRMIDs = 2
			return s
		}, []step{
			mkdir("a", ok), counts("a", 0, MBMTotalBytes, Counter{Value: 9}), counts("a", 0, LLCOccupancy, Counter{Value: 65536}), rmdir("a", ok),
			second(1), mkdir("b", ok), reads("b/mon_data/mon_L3_00/mbm_total_bytes", "0\n"), reads("b/mon_data/mon_L3_00/llc_occupancy", "65536\n"),
		}},
	}
}

func taskRules() []rule {
	const src = "rdtgroup.c: rdtgroup_tasks_write"
	setup := []step{
		mkdir("a", ok), mkdir("a/mon_groups/m", ok), mkdir("b", ok),
		fork(0, 7, 7, 0), fork(0, 9, 7, 0), fork(0, 8, 8, 1000),
	}
	after := func(steps ...step) []step { return append(append([]step(nil), setup...), steps...) }
	return []rule{
		{"threads start in the default group, and are listed process by process", "rdtgroup.c: show_rdt_tasks", skylake, after(
			reads("tasks", "7\n9\n8\n"),
		)},
		{"threads move alone", "rdtgroup.c: __rdtgroup_move_task", skylake, after(
			write("a/tasks", "7\n", ok), reads("a/tasks", "7\n"), reads("tasks", "9\n8\n"),
		)},
		{"several ids with commas and blanks, base 0, newline or not", src, skylake, after(
			write("a/tasks", " 0x7, 010\t,9", ok), reads("a/tasks", "7\n9\n8\n"), write("b/tasks", "", ok), write("b/tasks", "\n7", ok),
			reads("b/tasks", ""),
		)},
		{"processing stops at the first that fails; what was done stays", src, skylake, after(
			write("a/tasks", "7,5,9\n", syscall.ESRCH), says("No task 5\nError while processing task 5\n"), reads("a/tasks", "7\n"),
		)},
		{"no number", src, skylake, after(
			write("a/tasks", "7,x\n", syscall.EINVAL), says("Task list parsing error pid x\n"), reads("a/tasks", "7\n"),
			write("a/tasks", "7\n8\n", syscall.EINVAL), says("Task list parsing error pid 7\n8\n"),
			write("a/tasks", "08\n", syscall.EINVAL), write("a/tasks", "4294967303\n", syscall.EINVAL), write("a/tasks", ",7", syscall.EINVAL),
			write("a/tasks", "-1\n", syscall.EINVAL), says("Invalid pid -1\n"),
		)},
		{"id 0 is the writing thread", "rdtgroup.c: rdtgroup_move_task", skylake, after(
			writeAs(Writer{TID: 9}, "a/tasks", "0", ok), reads("a/tasks", "9\n"),
		)},
		{"who is not root moves his own tasks only", "rdtgroup.c: rdtgroup_task_write_permission", skylake, after(
			writeAs(Writer{UID: 1000}, "a/tasks", "8,7", syscall.EPERM),
			says("No permission to move task 7\nError while processing task 7\n"), reads("a/tasks", "8\n"),
		)},
		{"a monitoring group takes tasks of its control group", "rdtgroup.c: __rdtgroup_move_task", skylake, after(
			write("a/mon_groups/m/tasks", "7", syscall.EINVAL), says("Can't move task to different control group\nError while processing task 7\n"),
			write("a/tasks", "7", ok), write("a/mon_groups/m/tasks", "7", ok), reads("a/mon_groups/m/tasks", "7\n"), reads("a/tasks", "7\n"),
		)},
		{"a write to the control group takes a task out of its monitoring group", "rdtgroup.c: __rdtgroup_move_task", skylake, after(
			write("a/tasks", "7", ok), write("a/mon_groups/m/tasks", "7", ok), write("a/tasks", "7", ok),
			groups(7, "res:a\nmon:\n"), reads("a/mon_groups/m/tasks", ""),
		)},
		{"a child is where its parent is", "kernel/fork.c: dup_task_struct", skylake, after(
			write("a/tasks", "7", ok), write("a/mon_groups/m/tasks", "7", ok), fork(7, 20, 20, 0), groups(20, "res:a\nmon:m\n"),
		)},
		{"what has exited is nowhere", "rdtgroup.c: show_rdt_tasks", skylake, after(func(t *testing.T, tree *Tree) {
			if err := tree.Exit(7); err != nil {
				t.Error(err)
			}
			if tree.Exit(7) == nil {
				t.Error("a task exited twice")
			}
		}, reads("tasks", "9\n8\n"), write("a/tasks", "7", syscall.ESRCH))},
	}
}

func cpuRules() []rule {
	return []rule{
		{"the default group has all CPUs, a new group none", "rdtgroup.c: rdtgroup_cpus_show", skylake, []step{
			mkdir("a", ok), reads("cpus", "ff\n"), reads("cpus_list", "0-7\n"), reads("a/cpus", "00\n"), reads("a/cpus_list", "\n"),
		}},
		{"masks have words of 32 CPUs as wide as the machine; offline CPUs belong to nobody", "vsprintf.c: bitmap_string", haswell, []step{
			reads("cpus", "7f,ffffffff\n"), reads("cpus_list", "0-38\n"), write("cpus_list", "0-39", syscall.EINVAL),
			says("Can only assign online CPUs\n"),
		}},
		{"a control group takes CPUs from others and gives them back to the default group", "rdtgroup.c: cpus_ctrl_write", skylake, []step{
			mkdir("a", ok), mkdir("b", ok), write("a/cpus", "3c\n", ok), reads("a/cpus_list", "2-5\n"), reads("cpus_list", "0-1,6-7\n"),
			write("b/cpus_list", "4,6-7\n", ok), reads("a/cpus_list", "2-3,5\n"), reads("cpus_list", "0-1\n"),
			write("a/cpus_list", "2\n", ok), reads("cpus_list", "0-1,3,5\n"),
		}},
		{"the default group cannot give CPUs up, but takes them", "rdtgroup.c: cpus_ctrl_write", skylake, []step{
			mkdir("a", ok), write("a/cpus", "f0", ok), write("cpus_list", "0-2", syscall.EINVAL), says("Can't drop CPUs from default group\n"),
			write("cpus_list", "0-5", ok), reads("a/cpus_list", "6-7\n"),
		}},
		{"a monitoring group has CPUs of its control group, taken from its siblings", "rdtgroup.c: cpus_mon_write", skylake, []step{
			mkdir("mon_groups/m", ok), mkdir("mon_groups/n", ok), mkdir("a", ok), write("a/cpus_list", "7\n", ok),
			write("mon_groups/m/cpus_list", "6-7\n", syscall.EINVAL), says("Can only add CPUs to mongroup that belong to parent\n"),
			write("mon_groups/m/cpus_list", "0-3\n", ok), write("mon_groups/n/cpus_list", "3-4\n", ok), reads("mon_groups/m/cpus_list", "0-2\n"),
			reads("cpus_list", "0-6\n"), write("a/cpus_list", "0,7\n", ok), reads("mon_groups/m/cpus_list", "1-2\n"),
		}},
		{"a write to a control group clears its monitoring groups", "rdtgroup.c: cpus_ctrl_write", skylake, []step{
			mkdir("mon_groups/m", ok), write("mon_groups/m/cpus_list", "0-3\n", ok), write("cpus_list", "0-7\n", ok),
			reads("mon_groups/m/cpus_list", "\n"),
		}},
		{"bad text: the parser's errno", "rdtgroup.c: rdtgroup_cpus_write; lib/bitmap-str.c: bitmap_parse, bitmap_parselist", skylake, []step{
			mkdir("a", ok), write("a/cpus", "x\n", syscall.EINVAL), says("Bad CPU list/mask\n"), write("a/cpus", "100\n", syscall.EOVERFLOW),
			write("a/cpus_list", "8\n", syscall.ERANGE), says("Bad CPU list/mask\n"), write("a/cpus_list", "3-2\n", syscall.EINVAL),
			write("a/cpus_list", "4294967296\n", syscall.EOVERFLOW), reads("a/cpus", "00\n"), write("a/cpus", "", ok),
		}},
	}
}

func counterRules() []rule {
	const file = "mon_data/mon_L3_01/"
	return []rule{
		{"a control group shows itself and its monitoring groups", "monitor.c: mon_event_count", skylake, []step{
			mkdir("a", ok), mkdir("a/mon_groups/m", ok), counts("a", 1, MBMTotalBytes, Counter{Value: 5}),
			counts("a/mon_groups/m", 1, MBMTotalBytes, Counter{Value: 1 << 40}), reads("a/"+file+"mbm_total_bytes", "1099511627781\n"),
			reads("a/mon_groups/m/"+file+"mbm_total_bytes", "1099511627776\n"), reads(file+"mbm_total_bytes", "0\n"),
			rmdir("a/mon_groups/m", ok), reads("a/"+file+"mbm_total_bytes", "5\n"),
		}},
		{"Unavailable and Error are texts, not errors", "ctrlmondata.c: rdtgroup_mondata_show", skylake, []step{
			counts(".", 1, LLCOccupancy, Counter{State: Unavailable}), reads(file+"llc_occupancy", "Unavailable\n"),
			counts(".", 1, LLCOccupancy, Counter{State: Failed}), reads(file+"llc_occupancy", "Error\n"),
			reads("mon_data/mon_L3_00/llc_occupancy", "0\n"),
		}},
		{"one that can be read is enough, of none the last one tells why", "monitor.c: mon_event_count", skylake, []step{
			mkdir("mon_groups/m", ok), counts(".", 1, MBMLocalBytes, Counter{State: Unavailable}),
			counts("mon_groups/m", 1, MBMLocalBytes, Counter{Value: 3}), reads(file+"mbm_local_bytes", "3\n"),
			counts("mon_groups/m", 1, MBMLocalBytes, Counter{State: Failed}), reads(file+"mbm_local_bytes", "Error\n"),
		}},
	}
}

func kernfsRules() []rule {
	return []rule{
		{"more than a page is refused unread", "kernfs/file.c: kernfs_fop_write_iter, atomic_write_len", skylake, []step{
			write("mode", "x\n", syscall.EINVAL), write("schemata", strings.Repeat("L", 4097), syscall.E2BIG), says("Unknown or unsupported mode\n"),
			write("schemata", strings.Repeat("L", 4096), syscall.EINVAL),
		}},
		{"a file that cannot be written cannot be opened to write", "kernfs/file.c: kernfs_fop_open", skylake, []step{
			write("info/L3/cbm_mask", "1\n", syscall.EINVAL), write("info/last_cmd_status", "\n", syscall.EINVAL),
			write("mon_data/mon_L3_00/llc_occupancy", "0\n", syscall.EINVAL), write("mon_data", "0\n", syscall.EISDIR),
			write("x", "0\n", syscall.ENOENT),
		}},
		{"an open file outlives its group", "kernfs/file.c: kernfs_get_active_of", skylake, []step{
			mkdir("a", ok), func(t *testing.T, tree *Tree) {
				f, err := tree.Open("a/schemata", true)
				if err != nil {
					t.Fatal(err)
				}
				if err := tree.Remove("a"); err != nil {
					t.Fatal(err)
				}
				if err := tree.Mkdir("a"); err != nil { // another group
					t.Fatal(err)
				}
				_, err = f.Read()
				wantErrno(t, "read", err, syscall.ENODEV)
				wantErrno(t, "write", f.Write(Writer{}, []byte("L3:0=1\n")), syscall.ENODEV)
			},
		}},
		{"names are paths within the tree", "kernfs/dir.c: kernfs_iop_lookup", skylake, []step{func(t *testing.T, tree *Tree) {
			for _, name := range []string{"", "/schemata", "../x", "a//b", "./schemata", "a\x00b", "schemata/"} {
				_, err := tree.ReadFile(name)
				wantErrno(t, name, err, syscall.EINVAL)
			}
			_, err := tree.ReadFile("schemata/x")
			wantErrno(t, "schemata/x", err, syscall.ENOTDIR)
			_, err = tree.ReadFile("info")
			wantErrno(t, "info", err, syscall.EISDIR)
			_, err = tree.ReadDir("mode")
			wantErrno(t, "mode", err, syscall.ENOTDIR)
			wantErrno(t, ".", tree.Mkdir("."), syscall.EEXIST)
		}}},
	}
}

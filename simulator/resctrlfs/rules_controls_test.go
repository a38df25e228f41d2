package resctrlfs

import (
	"strings"
	"syscall"
)

func infoRules() []rule {
	const src = "rdtgroup.c: res_common_files, "
	return []rule{
		{"cbm_mask and shareable_bits are hexadecimal without 0x", src + "rdt_default_ctrl_show", skylake, []step{
			reads("info/L3/cbm_mask", "7ff\n"), reads("info/L3/shareable_bits", "600\n"),
			reads("info/L3/min_cbm_bits", "1\n"), reads("info/L3/num_closids", "4\n"), reads("info/L3/sparse_masks", "0\n"),
		}},
		{"MB has its own number of CLOSIDs", src + "rdt_num_closids_show", skylake, []step{
			reads("info/MB/num_closids", "8\n"), reads("info/MB/min_bandwidth", "10\n"), reads("info/MB/bandwidth_gran", "10\n"),
			reads("info/MB/delay_linear", "1\n"), reads("info/MB/thread_throttle_mode", "max\n"),
		}},
		{"AMD has no thread_throttle_mode, minimum 0, holes allowed", "rdtgroup.c: thread_throttle_mode_init", milan, []step{
			lists("info/MB", "bandwidth_gran delay_linear min_bandwidth num_closids"), reads("info/MB/min_bandwidth", "0\n"),
			reads("info/MB/delay_linear", "0\n"), reads("info/L3/sparse_masks", "1\n"), reads("info/L3/min_cbm_bits", "0\n"),
		}},
		{"without a feature there are no files of it", "rdtgroup.c: rdt_get_tree, rdtgroup_create_info_dir", haswell, []step{
			lists("info", "L3/ last_cmd_status"), lists(".", "cpus cpus_list info/ mode schemata size tasks"),
			mkdir("a", ok), lists("a", "cpus cpus_list mode schemata size tasks"),
		}},
		{"num_rmids counts RMID 0, features one a line", src + "rdt_num_rmids_show, rdt_mon_features_show", skylake, []step{
			reads("info/L3_MON/num_rmids", "6\n"),
			reads("info/L3_MON/mon_features", "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes\n"),
		}},
		// 11 MiB / 6 RMIDs = 1922389 bytes, 29.3 units of 65536: 29 * 65536 = 1900544.
		{"the first threshold is the cache divided among RMIDs, in whole units", "monitor.c: rdt_get_mon_l3_config", skylake, []step{
			reads("info/L3_MON/max_threshold_occupancy", "1900544\n"),
		}},
		{"a threshold is rounded down and bounded by the cache; base 0; no command", src + "max_threshold_occ_write", skylake, []step{
			write("schemata", "x\n", syscall.EINVAL),
			write("info/L3_MON/max_threshold_occupancy", "0x2ffff", ok), reads("info/L3_MON/max_threshold_occupancy", "131072\n"),
			write("info/L3_MON/max_threshold_occupancy", "11534336\n", ok), // 11 MiB = 176 units
			reads("info/L3_MON/max_threshold_occupancy", "11534336\n"), write("info/L3_MON/max_threshold_occupancy", "131073", ok),
			write("info/L3_MON/max_threshold_occupancy", "11534337\n", syscall.EINVAL), // 11 MiB + 1
			write("info/L3_MON/max_threshold_occupancy", "4294967296\n", syscall.ERANGE),
			write("info/L3_MON/max_threshold_occupancy", "-1\n", syscall.EINVAL),
			reads("info/L3_MON/max_threshold_occupancy", "131072\n"), says("Missing ':'\n"),
		}},
		{"bit_usage: X shared with devices, S shared, E exclusive, H devices alone, 0 nobody", "rdtgroup.c: rdt_bit_usage_show", skylake, []step{
			reads("info/L3/bit_usage", "0=XXSSSSSSSSS;1=XXSSSSSSSSS\n"),
			mkdir("a", ok), write("schemata", "L3:0=f;1=f\n", ok), write("a/schemata", "L3:0=f0;1=f0\n", ok), write("a/mode", "exclusive\n", ok),
			reads("info/L3/bit_usage", "0=HH0EEEESSSS;1=HH0EEEESSSS\n"),
		}},
		{"last_cmd_status says ok until something was wrong; the next command clears it", "rdtgroup.c: rdt_last_cmd_clear", skylake, []step{
			says("ok\n"), write("mode", "x\n", syscall.EINVAL), says("Unknown or unsupported mode\n"), write("schemata", "MB:0=50\n", ok),
			says("ok\n"),
		}},
		{"last_cmd_status keeps 511 bytes", "rdtgroup.c: last_cmd_status_buf; seq_buf.c: seq_buf_vprintf", skylake, []step{
			write("schemata", strings.Repeat("x", 600)+":1\n", syscall.EINVAL),
			says(("Unknown or unsupported resource name '" + strings.Repeat("x", 600))[:511]),
		}},
	}
}

func schemataRules() []rule {
	const src = "ctrlmondata.c: rdtgroup_schemata_write"
	before := reads("schemata", "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n")
	return []rule{
		{"names are right-aligned as if CDP were on, MB before L3", "rdtgroup.c: schemata_list_add; ctrlmondata.c: show_doms", skylake, []step{
			before,
		}},
		{"without CDP names are not wider than they are; ids with gaps ascend", "ctrlmondata.c: show_doms", milan, []step{
			reads("schemata", "MB:0=2048;1=2048;16=2048;17=2048\nL3:0=ffff;1=ffff;16=ffff;17=ffff\n"),
			write("schemata", "MB:16=16\n", ok), reads("schemata", "MB:0=2048;1=2048;16=16;17=2048\nL3:0=ffff;1=ffff;16=ffff;17=ffff\n"),
		}},
		{"no newline at the end is EINVAL and leaves the status", src, skylake, []step{
			write("mode", "x\n", syscall.EINVAL), write("schemata", "L3:0=f", syscall.EINVAL), write("schemata", "", syscall.EINVAL),
			says("Unknown or unsupported mode\n"), before,
		}},
		{"a line without colon", src, skylake, []step{write("schemata", "\n", syscall.EINVAL), says("Missing ':'\n")}},
		{"an empty line between others", src, skylake, []step{
			write("schemata", "L3:0=f\n\nMB:0=50\n", syscall.EINVAL), says("Missing ':'\n"), before,
		}},
		{"nothing behind the colon", src, skylake, []step{write("schemata", " L3 :\n", syscall.EINVAL), says("Missing 'L3' value\n")}},
		{"an unknown resource", "ctrlmondata.c: rdtgroup_parse_resource", skylake, []step{
			write("schemata", "L2:0=1\n", syscall.EINVAL), says("Unknown or unsupported resource name 'L2'\n"),
		}},
		{"a resource name may have blanks around", src, skylake, []step{
			write("schemata", "  L3\t:0=f\n", ok), reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"),
		}},
		{"items end at semicolons, one at the end is fine, two are not", "ctrlmondata.c: parse_line", skylake, []step{
			write("schemata", "L3:1=f;0=3;\n", ok), reads("schemata", "    MB:0=100;1=100\n    L3:0=3;1=f\n"),
			write("schemata", "L3:0=f;;1=f\n", syscall.EINVAL), says("Missing '=' or non-numeric domain\n"),
		}},
		{"an id without =, not decimal or with a blank", "ctrlmondata.c: parse_line", skylake, []step{
			write("schemata", "L3:0\n", syscall.EINVAL), says("Missing '=' or non-numeric domain\n"),
			write("schemata", "L3:0x1=f\n", syscall.EINVAL), says("Missing '=' or non-numeric domain\n"),
			write("schemata", "L3: 0=f\n", syscall.EINVAL), says("Missing '=' or non-numeric domain\n"),
			write("schemata", "L3:0=f; 1=f\n", syscall.EINVAL), says("Missing '=' or non-numeric domain\n"), before,
			write("schemata", "L3:+0=  f\t\n", ok), reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"),
		}},
		{"an id that is not there is EINVAL without a word", "ctrlmondata.c: parse_line", skylake, []step{
			write("schemata", "L3:2=f\n", syscall.EINVAL), says("ok\n"), write("schemata", "L3:18446744073709551615=f\n", syscall.EINVAL),
			says("ok\n"),
		}},
		{"the same domain twice, also on two lines", "ctrlmondata.c: parse_cbm, parse_bw", skylake, []step{
			write("schemata", "L3:1=f;1=3\n", syscall.EINVAL), says("Duplicate domain 1\n"),
			write("schemata", "MB:0=50\nMB:0=60\n", syscall.EINVAL), says("Duplicate domain 0\n"), before,
		}},
		{"one bad line and nothing is applied", src, skylake, []step{
			write("schemata", "MB:0=50;1=50\nL3:0=f;1=fff\n", syscall.EINVAL), says("Mask out of range\n"), before,
		}},
		{"what is not named stays", src, skylake, []step{
			write("schemata", "MB:1=20\n", ok), reads("schemata", "    MB:0=100;1=20\n    L3:0=7ff;1=7ff\n"),
		}},
		{"a text ends at NUL", "ctrlmondata.c: strsep in rdtgroup_schemata_write", skylake, []step{
			write("schemata", "L3:0=f\x00;1=nonsense\n", ok), reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=7ff\n"),
		}},
		{"size has the layout of schemata", "rdtgroup.c: rdtgroup_size_show, rdtgroup_cbm_to_size", skylake, []step{
			write("schemata", "MB:1=20\nL3:0=7\n", ok), // 11 MiB / 11 ways * 3 = 3 MiB
			reads("size", "    MB:0=100;1=20\n    L3:0=3145728;1=11534336\n"), write("size", "x\n", syscall.EINVAL),
		}},
		// (30 MiB + 19) / 20 = 1572864, and 19 bytes are lost: 1572864 * 20 = 30 MiB.
		{"size divides before it multiplies", "rdtgroup.c: rdtgroup_cbm_to_size", func() Spec {
			s := haswell()
			s.L3.Bytes = 30<<20 + 19
			return s
		}, []step{reads("size", "L3:0=31457280;1=31457280\n")}},
	}
}

func maskRules() []rule {
	const src = "ctrlmondata.c: cbm_validate"
	return []rule{
		{"a mask is hexadecimal, 0x allowed", src, skylake, []step{
			write("schemata", "L3:0=0xF;1=+3\n", ok), reads("schemata", "    MB:0=100;1=100\n    L3:0=f;1=3\n"),
			write("schemata", "L3:0=g\n", syscall.EINVAL), says("Non-hex character in the mask g\n"),
			write("schemata", "L3:0=\n", syscall.EINVAL), says("Non-hex character in the mask \n"),
			write("schemata", "L3:0=-1\n", syscall.EINVAL), says("Non-hex character in the mask -1\n"),
			write("schemata", "L3:0=10000000000000000\n", syscall.EINVAL), says("Non-hex character in the mask 10000000000000000\n"),
		}},
		{"a mask of no ways or of ways that are not there", src, skylake, []step{
			write("schemata", "L3:0=0\n", syscall.EINVAL), says("Mask out of range\n"),
			write("schemata", "L3:0=800\n", syscall.EINVAL), says("Mask out of range\n"),
		}},
		{"a mask with holes on a machine that has none", src, skylake, []step{
			write("schemata", "L3:0=5\n", syscall.EINVAL), says("The mask 5 has non-consecutive 1-bits\n"),
		}},
		{"a mask shorter than the minimum", src, haswell, []step{
			write("schemata", "L3:0=1\n", syscall.EINVAL), says("Need at least 2 bits in the mask\n"), write("schemata", "L3:0=c0000\n", ok),
		}},
		{"of a mask with holes the first run counts", src, func() Spec {
			s := haswell()
			s.L3.SparseMasks = true
			return s
		}, []step{
			write("schemata", "L3:0=3d\n", syscall.EINVAL), says("Need at least 2 bits in the mask\n"), write("schemata", "L3:0=13\n", ok),
		}},
		{"AMD: no ways at all and holes are allowed", src, milan, []step{
			write("schemata", "L3:0=0;1=5;16=8001\n", ok),
			reads("schemata", "MB:0=2048;1=2048;16=2048;17=2048\nL3:0=0;1=5;16=8001;17=ffff\n"),
		}},
		{"32 ways", src, func() Spec {
			s := milan()
			s.L3.Ways = 32
			return s
		}, []step{
			write("schemata", "L3:0=80000001;1=ffffffff\n", ok), write("schemata", "L3:0=100000000\n", syscall.EINVAL), says("Mask out of range\n"),
		}},
		{"an exclusive group's ways are refused to others", "ctrlmondata.c: parse_cbm", skylake, []step{
			mkdir("a", ok), mkdir("b", ok), write("schemata", "L3:0=f;1=f\n", ok), write("b/schemata", "L3:0=f;1=f\n", ok),
			write("a/schemata", "L3:0=f0;1=f0\n", ok), write("a/mode", "exclusive\n", ok),
			write("b/schemata", "L3:0=1f\n", syscall.EINVAL), says("Overlaps with exclusive group\n"),
			write("b/schemata", "L3:0=7\n", ok),
		}},
		{"an exclusive group may not grow into others or into what devices use", "ctrlmondata.c: parse_cbm", skylake, []step{
			mkdir("a", ok), write("schemata", "L3:0=f;1=f\n", ok), write("a/schemata", "L3:0=f0;1=f0\n", ok), write("a/mode", "exclusive\n", ok),
			write("a/schemata", "L3:0=f8\n", syscall.EINVAL), says("Overlaps with other group\n"),
			write("a/schemata", "L3:1=7f0\n", syscall.EINVAL), says("Overlaps with other group\n"),
			write("a/schemata", "L3:1=1f0\n", ok),
		}},
	}
}

func bandwidthRules() []rule {
	const src = "ctrlmondata.c: bw_validate"
	return []rule{
		{"percent is rounded up to a step", src, skylake, []step{
			write("schemata", "MB:0=11;1=91\n", ok), reads("schemata", "    MB:0=20;1=100\n    L3:0=7ff;1=7ff\n"),
			write("schemata", "MB:0=20;1=10\n", ok), reads("schemata", "    MB:0=20;1=10\n    L3:0=7ff;1=7ff\n"),
		}},
		{"a value out of range", src, skylake, []step{
			write("schemata", "MB:0=9\n", syscall.EINVAL), says("MB value 9 out of range [10,100]\n"),
			write("schemata", "MB:0=101\n", syscall.EINVAL), says("MB value 101 out of range [10,100]\n"),
		}},
		{"a value is decimal and fits 32 bits", src, skylake, []step{
			write("schemata", "MB:0=0x20\n", syscall.EINVAL), says("Invalid MB value 0x20\n"),
			write("schemata", "MB:0=50%\n", syscall.EINVAL), says("Invalid MB value 50%\n"),
			write("schemata", "MB:0=4294967296\n", syscall.EINVAL), says("Invalid MB value 4294967296\n"),
		}},
		{"AMD: units from 0 to the limit, not rounded", src, milan, []step{
			write("schemata", "MB:0=0;1=17\n", ok), reads("schemata", "MB:0=0;1=17;16=2048;17=2048\nL3:0=ffff;1=ffff;16=ffff;17=ffff\n"),
			write("schemata", "MB:0=2049\n", syscall.EINVAL), says("MB value 2049 out of range [0,2048]\n"),
		}},
	}
}

func modeRules() []rule {
	const src = "rdtgroup.c: rdtgroup_mode_write"
	return []rule{
		{"mode needs a newline and knows two words", src, skylake, []step{
			reads("mode", "shareable\n"), write("mode", "exclusive", syscall.EINVAL), says("ok\n"),
			write("mode", "shareable \n", syscall.EINVAL), says("Unknown or unsupported mode\n"),
			write("mode", "pseudo-locksetup\n", syscall.EINVAL), says("Unknown or unsupported mode\n"), write("mode", "shareable\n", ok),
		}},
		{"exclusive needs ways that nobody uses, devices included", "rdtgroup.c: rdtgroup_mode_test_exclusive", skylake, []step{
			mkdir("a", ok), write("a/mode", "exclusive\n", syscall.EINVAL), says("Schemata overlaps\n"),
			write("schemata", "L3:0=f;1=f\n", ok), write("a/mode", "exclusive\n", syscall.EINVAL), says("Schemata overlaps\n"),
			write("a/schemata", "L3:0=7f0;1=f0\n", ok), write("a/mode", "exclusive\n", syscall.EINVAL), says("Schemata overlaps\n"),
			write("a/schemata", "L3:0=f0\n", ok), write("a/mode", "exclusive\n", ok), write("a/mode", "exclusive\n", ok),
			reads("a/mode", "exclusive\n"),
			write("a/mode", "shareable\n", ok), reads("a/mode", "shareable\n"),
		}},
		{"exclusive needs cache allocation", "rdtgroup.c: rdtgroup_mode_test_exclusive", func() Spec {
			s := skylake()
			s.L3 = nil
			return s
		}, []step{
			write("mode", "exclusive\n", syscall.EINVAL), says("Cannot be exclusive without CAT/CDP\n"),
		}},
	}
}

// Package meter follows the counters of resctrl groups from reading to reading: what containers and control groups move, per second and in all.
// It decides nothing, and has no clock.
//
// The kernel's counter of a control group is the sum of its own and of the monitor groups that it has at that moment (fs/resctrl/monitor.c,
// mon_event_read over crdtgrp_list). When a container ends, its part is gone from the sum; when its monitor group is renamed into another control
// group, which keeps tasks and counters, its part goes with it. The difference of two sums is then no traffic. So a rate is here of the same
// groups at both times.
package meter

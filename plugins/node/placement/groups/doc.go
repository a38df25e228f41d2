// Package groups gets the threads of containers into resctrl groups, and makes and removes the monitor groups of containers. It decides
// nothing about which container belongs where.
//
// The kernel files threads, not processes. A thread's children are where it is, so that a container whose first process was put into its
// group before it ran stays whole. What is left are three cases: processes that the runtime starts later (exec, probes: runc puts them
// into the control group and never into the monitor group), containers that should move, and machines where the runtime puts nobody
// anywhere. A round ([See], then [Look.Place] for each container) settles all three:
//
//   - A container that has a monitor group is moved by renaming that (Linux 6.5 and later; fs/resctrl rdtgroup_rename): all its threads
//     change in one step, and the counters go on.
//   - All else is moved thread by thread, with the threads listed anew up to [maxPasses] times, because those that are to be moved may
//     make others. A thread goes into the control group first, which takes it out of any monitor group, and into the container's monitor
//     group then, which only takes threads of its own control group (rdtgroup_move_task).
//   - A container of which a thread is in a group that is neither ours nor the default one belongs to somebody else, and is left alone.
//     Where a thread is, is asked again right before it is moved, and where the container's threads are once more after the last of them:
//     if somebody else began to take them meanwhile, those that were moved go to their group. What is left is the moment between question
//     and write, some microseconds: a thread that is taken in it, as the last of its container, ends in our group, until they write it
//     again.
//
// A monitor group is named like its container's id, as runc names it, so that the runtime finds it again and removes it. It costs a
// monitoring id (RMID), of which the machine has few, and which are not free at once when their group is gone: the caller says whether one
// may be made. No monitor group is no reason not to place a container.
package groups

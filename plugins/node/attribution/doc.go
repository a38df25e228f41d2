// Package attribution finds out which container slows which other one down, and over what: who disturbs whom.
//
// It is pure: every call takes the time, and what it learnt is a plain value ([State]) that can be saved. [Step] takes the readings of all
// containers of a node (package rates), each 1 to 5 s, and returns verdicts, findings, and at most one container to be held down for a moment.
//
// Three stages, of which each needs the one before (node-resctrl 4.5, firm-aquatope-drpc 5.6):
//
//  1. A verdict on each latency-sensitive container. Time for a unit of work is cycles per instruction, times 1 plus the run-queue
//     delay, over the frequency; each is compared with what is usual for the container at its CPU utilisation (package bars). Of those
//     beyond their bars the one that costs most names the resource: cycles per instruction with more misses mean the cache, with
//     costlier misses the memory bandwidth, with neither something unknown; delay means the CPU, and a low frequency power. Without
//     perf events, delay or CPU pressure is all there is. A container stopped by its own limit waits through no fault of its
//     neighbours, nor does one whose machine is stopped by the hypervisor.
//  2. Suspects: neighbours that share the domain, ranked by how much more of the resource they take than before.
//  3. A probe (package probe): the likeliest suspect is held down for 10 to 20 s two or three times. Only one with whom the victim's
//     readings fall and rise is confirmed. One that is acquitted is left alone for a while, and the next one is tried. There is one probe
//     at a time, and few an hour.
//
// Readings beyond their bars are not learnt while a neighbour may be the reason. What no neighbour explains becomes the usual.
//
// Blind is a state too: without readings, or with too few to know what is usual, there is no verdict.
package attribution

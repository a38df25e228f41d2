// Package control is the local control law of a node: it decides, each second, how many cache ways, how much memory bandwidth and how
// much CPU batch work may use so that the latency-sensitive services of the node meet their set-points, and gives batch work what is
// left. It is the merged law of Heracles, PARTIES, CLITE and Intel's platform resource manager, with the CPU arm of Hyperpilot's
// Heracles, and needs none of its knobs: on a machine without resctrl CPU is the only one.
//
// A [Law] is made by [New] from what the machine has ([Limits]) and what is in force ([Setting]), and called by [Law.Step] with an
// [Observation], once a second. Each call returns a [Decision]: the setting to be in force from now on, and a sentence with numbers that
// says what was changed and why. The law keeps no clock: the time is in the observation. [Law.State] is a plain value that can be saved
// as JSON and given to [Restore] after a restart.
//
// Slack is (target - signal) / target: 0.2 is a fifth below the set-point, -0.1 a tenth over it. In the order in which they are tried:
//
//   - Guard, each second: where latency and batch together take more than 0.90 of a domain's peak bandwidth, batch's limit is cut to what
//     is left (its CPU, in the same proportion, on a machine that counts bandwidth but does not limit it).
//   - Blind, no reading of any service for more than 3 periods: ways stay (a protection), limits of bandwidth and CPU (throttles) are
//     raised step by step until there are none.
//   - RollBack: the last growth is undone where the first readings after 2 s show that it did harm, two of them where they are noisy. Where
//     a small step cannot have cost what was lost, something else happened, and the ladder is taken at once.
//   - Emergency, one reading below -0.5, in noise by 2.5 of its deviations: batch to its minimum at once, then no growth for a while, at most
//     5 minutes. Where it is at its minimum already and eviction is allowed: evict a batch pod, at most one in 5 minutes.
//   - Minimum, two readings below -0.1: batch to its minimum, whatever attribution says.
//   - Shrink, two readings below 0.05: one knob of batch is cut, by the verdict of attribution: cache ways for LLC, bandwidth for
//     MemoryBandwidth, else CPU; all, where the first cut was not enough. Where attribution says that nobody disturbs the service (None), the
//     loop leaves it to sizing for two readings more, and for long only where taking from batch turns out not to help.
//   - Growth, after 4 clean periods of 2 s: one knob of the wheel bandwidth, CPU, ways is raised by a step. Above a slack of 0.20 steps
//     whose effect is not known are tried, below only those of bandwidth and CPU whose effect was learnt, down to about 0.07. What a cut
//     of CPU brought is learnt, too: growth comes back between the two points that it knows.
//
// Cache ways are the last to grow, and only where bandwidth is not what holds batch back. Where batch's progress is measured, they grow by
// doubling, since a working set fits or does not, and all that brought nothing are taken back and left alone until batch is other work, or for
// a quarter of an hour to an hour.
//
// Only the border between batch and latency moves: the law knows no other mask.
//
// Readings are noisy. The median of the differences between successive readings estimates their deviation, and a mean of n readings
// counts as below a line only if it is so by a margin of some standard errors; without noise the rules are the published ones. What
// violated is remembered as a ceiling for a quarter of an hour, longer if it violates again, or until the services are clearly better
// off than when it was set: growth approaches it by halves and stays below.
//
// What the law is made of lies in packages of its own: knob (what can be given and what is remembered about it), readings (slacks, their
// noise, batch's progress), growth (how large a step may be and what it did) and guard (the limit of bandwidth).
//
// The package is pure: no file, clock, logger, goroutine or randomness. Equal calls give equal decisions.
package control

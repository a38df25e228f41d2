// Package sharednode is the ground truth that control of batch work on one node is judged on: latency-sensitive services and batch jobs
// that share cores, a last-level cache and memory, in steps of 100 ms. A Policy sees what an agent would see (latencies of requests,
// counters with noise, sometimes nothing) and sets what batch work may use. It is not the model that controllers assume, and no
// controller's model is used in it.
//
// Times are seconds, CPU is in cores, cache in MB, memory traffic in MB/s (10^6 bytes a second), memory latency in nanoseconds.
//
// # Laws
//
//	cache    each container owns lines per way. What it inserts is its rate of misses, spread over the ways it may allocate into; a
//	         way is shared in proportion to insertions, up to each one's footprint, and moves there with a time constant of 2 s: lines
//	         that lost their owner's mask decay, they are not flushed
//	misses   per 1,000 instructions, by a curve over the MB held: exponential, cliff, power law or flat
//	memory   latency by load in the shape of a hockey stick; past the peak it grows until the demand, which falls with it, is the
//	         peak. So traffic never exceeds the peak
//	MBA      each core of batch work draws at most CoreMBps × (percent/100)^MBBend; a percentage is rounded up to the next step
//	CPU      batch work takes what services leave, its quota and its weight's share bound it; no more cores run than there are
//	clock    falls with the number of cores that run hot code
//	waking   a service's thread that wakes while all cores are busy waits WakeSeconds in the mean. The probability is (busy/cores)^(cores/2)
//	queue    M/G/c with processor sharing at c cores, in its fluid approximation over time (pointwise stationary; Wang, Tipper and
//	         Banerjee 1996): dN/dt = λ − c ρ(N)/S, with ρ(N) the inverse of the stationary N(ρ) = cρ + ρ^√(2(c+1))/(1−ρ)
//	         (Sakasegawa 1977, exact for one core). In overload N grows by what is too much
//	tail     log-normal about the mean T = N/throughput. The squared coefficient of variation is that of the service time plus
//	         2P/(2−P), P = ρ^(√(2(c+1))−1): for one core and exponential work (2+ρ)/(2−ρ) (Coffman, Muntz and Trotter 1970)
//
// # Noise
//
// The rate of arrivals and the work of a request wander (Ornstein-Uhlenbeck), counters have errors of a few percent, readings are missing now
// and then for some seconds. Requests are drawn one by one up to 200 a step, so that a percentile of few is as uncertain as it is.
//
// # Seeds
//
// Draw makes machines and workloads from a seed, in two families whose random streams and ranges differ. Controllers may be tuned on
// Tuning. HeldOut is run for the record only: whoever changes a constant after having looked at it has lost it.
//
// # Not modelled
//
// Hyper-threads, sockets (one cache domain), prefetchers, caches above the last level, disks and network, how long a file takes to write.
package sharednode

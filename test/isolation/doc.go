// Package isolation judges what controls batch work on a node: no partition, Koordinator's static one, PARTIES, Heracles and Ballast's
// own law, on the plant of package simulator/plant/sharednode, and Ballast's attribution of interference, on the same.
//
//	go run ./test/isolation/report                     # the tuning seeds, minutes
//	go run ./test/isolation/report -family held-out    # for the record only
//
// # Scenarios
//
//	cpu, cache, stream, hot   a batch job of that kind arrives after two minutes beside mild ones and stays for ten minutes
//	load                      the services' load rises with such a job present
//	phase                     a job that was mild turns to one of those kinds
//	flap                      a job comes and goes every half a minute
//	quiet                     an hour of mild batch work and changing load
//
// Each is drawn from a seed, machine and all. Targets are drawn so that the strictest setting meets them with slack and no setting at
// all does not (quiet: does).
//
// # Figures
//
//	recovery    seconds from the change until the slack of the worst service is at least 0.05 in 8 of 10 seconds; 0 where it never fell
//	violation   share of seconds after the change in which some service is over its target
//	changes     of settings in the last eight of the ten minutes under constant conditions; turns are those of one knob that undo the
//	            direction of its last
//	share       batch work in those minutes over that of the best static setting which keeps a slack of 0.05 in the plant without noise, found by
//	            search on the plant
//	fair        the same over the best static setting that meets the targets under noise, too: with a slack of 0.05 and no more it is over
//	            target in some seconds of every minute
//
// Slack is the truth of the plant, the mean of a second, not what the policy read.
package isolation

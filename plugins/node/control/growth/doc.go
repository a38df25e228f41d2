// Package growth is the arithmetic of giving batch work more: how large a step of a knob may be, and what a step that was taken did to
// the services, of which the effect of the next one is foretold.
//
// The published gate is a slack above 0.20 of all services, the published steps one way, one step of bandwidth, and 1 + 0.1 s cores. Below
// the gate they leave on the table what lies between 0.20 and 0.05: where latency goes like 1/(1-u), batch gets 1 - 0.19 (1-U)/(U-l) of
// the best with U the best utilisation and l that of latency: 0.75 for U = 0.6, l = 0.3 (0.77 in the worst tenth of the test's machines,
// 0.86 in the middle one). So below the gate a step is taken where its effect is known (0.92 and 0.93): verified steps give the fall of
// target/signal for each unit (it is a straight line in u for 1/(1-u), and convex for the usual waits, so that it foretells too little
// rather than too much), and a step goes 0.6 of the way to the aim.
//
// The package is pure: no file, clock, logger, goroutine or randomness.
package growth

// Package redivision is between the local loop and package canary, which tries out other divisions of ways and bandwidth between the
// partitions of latency-sensitive services: it says what the spec gives each of them, in the machine's unit, what the loop reads of their
// services, and puts other shares into the place of the spec's.
package redivision

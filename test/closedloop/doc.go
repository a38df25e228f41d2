// Package closedloop tests what the demonstration's second half knows of VPA against VPA's own code, and its nodes' agents on a real control
// plane.
package closedloop

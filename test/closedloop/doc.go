// Package closedloop tests what the demonstration's second half knows of VPA against VPA's own code.
package closedloop

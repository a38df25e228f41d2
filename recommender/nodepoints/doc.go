// Package nodepoints writes set-points of run-queue delay into the NodeIsolation objects of nodes: how long the threads of a service with a
// latency objective may wait for a CPU, so that the local loop of the node knows when to slow down batch work, also while nobody can be
// asked. Package delay derives them from the objective and the laws of its services; of several objectives of a service the least counts.
//
// It writes where two things are there, and never else: annotation ballast.dev/set-points: recommender on the object, and spec.control.
// What it writes is spec.control.setPoints, as a whole, and spec.control.version, by server-side apply without force: the rest stays the
// person's or program's that wrote it, and where somebody else has written a table, that one stands and an event says so. Between what was
// read and what is written nothing may have changed (resourceVersion).
//
// A table changes when a service comes to the node or leaves it, or a target differs by more than a fifth, and at most once a minute.
// The set-points of an objective that is blind, in shadow or off, or whose target is missed without any delay, stay as they are; those of one
// that is deleted go. In shadow it is logged what would be written.
//
// From the same objects, opted in or not, it reads which containers' instructions neighbours make slow (Keeper.Slowdowns), for sizing.
package nodepoints

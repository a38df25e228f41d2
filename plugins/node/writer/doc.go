// Package writer writes the NodeIsolation object of a node: it makes the object where there is none, and writes its status on a change, at
// most once a period, and else once a minute ([Refresh]).
//
// The object that it makes belongs to the Node that the agent's token was issued for (an owner reference), so that Kubernetes deletes it with
// that Node, and with it what was wanted of it. One that somebody else made is theirs and stays.
//
// Nobody waits for it. Who has something to write leaves it ([Writer.Make], [Writer.Put]) and goes on; one goroutine ([Writer.Run]) writes.
// There is one place for what is left, and the newest takes it: an API server that swallows packets delays the status and not the node's
// local loop. After a failure the writer waits, from a second up to half a minute and longer with each one, each wait up to half as long
// again by chance, so that the agents of a large cluster do not all come at once when the API server is back. It tries again with the
// newest that was left.
package writer

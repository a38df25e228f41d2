// Package interactions is what neighbours on a node do together rather than each for itself, as terms of a regression and as a
// prediction that allocates nothing: products of loads, presence times load, load shared by the replicas of the target, and smooth
// functions of the load of all.
//
// Which of them matter is for the data to say; that a term stands here is no claim that it does. None explodes beyond what was measured:
// products grow there like the load itself, and the smooth functions vanish.
package interactions

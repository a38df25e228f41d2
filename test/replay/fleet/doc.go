// Package fleet is the pods of package hotel as deployed, with batch work that fills their nodes, and what can be seen of them in each
// minute.
package fleet

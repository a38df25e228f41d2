// Package medea places as Medea (EuroSys'18) does under the interference constraints that Metis' authors gave it: exactly, by what
// their integer program minimises, and by Medea's heuristics.
//
// All constraints are soft and every container must be placed, so that the program minimises the weighted violation alone (Medea.m
// of the Metis artifact: weight 0 for placements, 1 for violations). That objective is a sum over nodes, hence a configuration LP
// solves in milliseconds what took intlinprog 40 to 170 minutes.
package medea

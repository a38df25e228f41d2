// Command placement compares Ballast's placement with its peers on the published batches of Metis (SC'20): 27, 81 and 729 nodes, 200
// to 3,000 containers. Each contestant places every batch; a table that none of them sees judges the placements.
//
//	go run ./test/placement                        everything, some minutes; tables on stdout, progress on stderr
//	go run ./test/placement -table measured.csv    judged by a table of measured mixes instead of the paper's simulator
//
// Ballast's model is fitted to mixes.csv.gz and pairs.csv of the data folder, or read from -model. It knows about a fifth of the
// mixes; Metis' nets were trained, and Medea's and Paragon's constraints derived, from much the same measurements.
package main

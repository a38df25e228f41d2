// Package arrivals decides how bursty the load of a service is, beyond requests that come independently of each other, and how well its
// rate is known. It counts the calls of requests in sixtieths of a window.
//
// Windows are of one length, seconds; times are seconds on one clock.
package arrivals

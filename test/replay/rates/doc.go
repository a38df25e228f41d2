// Package rates makes the traces of a replay: requests per second of a whole application over days, from published records or from
// none.
package rates

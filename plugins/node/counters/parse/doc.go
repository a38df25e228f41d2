// Package parse reads the text of the files that package counters takes its numbers from: cgroup files of one number or of lines with a name and a
// number, CPU limits, pressure, lists of threads and schedstat. It opens no file: bytes in, values out; an error names what it found in place of what
// is expected, and the caller names the file.
package parse

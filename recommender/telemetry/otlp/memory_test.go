package otlp

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// wrapped is a message that has n times the same field, within the fields that hold it, from the innermost to the outermost.
func wrapped(field []byte, n int, within ...protowire.Number) []byte {
	body := bytes.Repeat(field, n)
	for _, number := range within {
		body = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), body)
	}
	return body
}

// What the worst bodies of 8 MiB take in memory once they are decoded. The comment at telemetry.DefaultLimits names it.
func TestMemoryOfBodies(t *testing.T) {
	if testing.Short() {
		t.Skip("fills the memory")
	}
	const limit = 8 << 20
	const most = limit/bytesPerMessage - 10
	// A span's name fills the body up to its limit.
	long := func(field, name protowire.Number) []byte {
		text := strings.Repeat("x", limit/most-5)
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType),
			protowire.AppendString(protowire.AppendTag(nil, name, protowire.BytesType), text))
	}
	for name, of := range map[string]struct {
		body []byte
		into proto.Message
	}{
		"spans with name": {wrapped(long(2, 5), most, 2, 1), &collectortrace.ExportTraceServiceRequest{}},
		"points":          {wrapped([]byte{1<<3 | 2, 0}, most, 9, 2, 2, 1), &collectormetrics.ExportMetricsServiceRequest{}}, // of Histogram
		"counts": { // packed numbers of a byte each, eight in memory
			wrapped([]byte{1}, limit-100, 2, 8, 1, 10, 2, 2, 1), &collectormetrics.ExportMetricsServiceRequest{},
		},
		"JSON spans": {
			[]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[` + strings.Repeat("{},", most-10) + `{}]}]}]}`), &collectortrace.ExportTraceServiceRequest{},
		},
	} {
		if len(of.body) > limit {
			t.Fatalf("%s: a body of %d bytes", name, len(of.body))
		}
		before := heap()
		if err := decode(of.body, name[0] == 'J', of.into, limit); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		used := heap() - before
		t.Logf("%s: %d bytes take %d MiB", name, len(of.body), used>>20)
		if used > 165<<20 {
			t.Errorf("%s: %d bytes take %d MiB", name, len(of.body), used>>20)
		}
		proto.Reset(of.into)
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// bytesPerMessage: a message of two bytes takes some 200 in memory, so their number is bounded too. An attribute is two messages, and
	// those of real spans take 40 bytes on average.
	bytesPerMessage = 16
	maxDepth        = 64 // of messages in each other: only attributes with nested values go below 6
)

// decode reads a body in either form. limit is the body's limit in bytes.
func decode(body []byte, isJSON bool, into proto.Message, limit int) error {
	left := limit / bytesPerMessage
	if isJSON {
		if bytes.Count(body, []byte("{")) > left {
			return fmt.Errorf("more than %d objects: send smaller batches", left)
		}
		return protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}.Unmarshal(body, into)
	}
	if err := count(body, into.ProtoReflect().Descriptor(), &left, maxDepth); err != nil {
		return err
	}
	return proto.UnmarshalOptions{RecursionLimit: maxDepth}.Unmarshal(body, into)
}

// count takes the number of messages in the wire format from left.
func count(body []byte, of protoreflect.MessageDescriptor, left *int, depth int) error {
	if depth == 0 {
		return fmt.Errorf("messages stand more than %d deep in each other", maxDepth)
	}
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return protowire.ParseError(n)
		}
		body = body[n:]
		n = protowire.ConsumeFieldValue(number, kind, body)
		if n < 0 {
			return protowire.ParseError(n)
		}
		field := of.Fields().ByNumber(number)
		if kind == protowire.BytesType && field != nil && field.Kind() == protoreflect.MessageKind {
			if *left--; *left < 0 {
				return errors.New("too many messages: send smaller batches")
			}
			inner, _ := protowire.ConsumeBytes(body[:n])
			if err := count(inner, field.Message(), left, depth-1); err != nil {
				return err
			}
		}
		body = body[n:]
	}
	return nil
}

// fromHex mends the ids of spans that came as JSON. OTLP writes them in hexadecimal, where the JSON form of protobuf, by which they were
// read, expects base64. An id of 32 or 16 digits is also valid base64, which turned back gives the digits.
func fromHex(request *collectortrace.ExportTraceServiceRequest) {
	for _, rs := range request.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, sp := range ss.GetSpans() {
				sp.TraceId, sp.SpanId, sp.ParentSpanId = unhex(sp.GetTraceId()), unhex(sp.GetSpanId()), unhex(sp.GetParentSpanId())
			}
		}
	}
}

// unhex returns a single byte, which is no id, for what is not hexadecimal.
func unhex(read []byte) []byte {
	id, err := hex.DecodeString(base64.StdEncoding.EncodeToString(read))
	if err != nil {
		return []byte{0}
	}
	return id
}

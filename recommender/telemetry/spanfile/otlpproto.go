package spanfile

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Field numbers of opentelemetry/proto/trace/v1/trace.proto and what it imports.
const (
	tracesResourceSpans  = 1
	resourceSpansOf      = 1
	resourceSpansScopes  = 2
	resourceAttributes   = 1
	keyValueKey          = 1
	keyValueValue        = 2
	anyValueString       = 1
	anyValueInt          = 3
	anyValueDouble       = 4
	scopeSpansSpans      = 2
	spanTraceID          = 1
	spanID               = 2
	spanTraceState       = 3
	spanParentID         = 4
	spanName             = 5
	spanKind             = 6
	spanStart            = 7
	spanEnd              = 8
	spanAttributes       = 9
	spanStatus           = 15
	statusCode           = 3
	statusError          = 2
	firstByteOfTraceData = tracesResourceSpans<<3 | 2
)

var errNotProtobuf = errors.New("not protobuf as in OTLP's TracesData, nor JSON, nor CSV with a header")

// readProtobuf reads one TracesData, or several with their lengths before them. It looks at one field after the other and keeps only
// what a span needs, so that a body of tiny messages takes no more memory than it is long.
func (b *batch) readProtobuf(data []byte) error {
	if data[0] == firstByteOfTraceData {
		return b.addTraces(data)
	}
	for len(data) > 0 {
		if len(data) < 4 {
			return errNotProtobuf
		}
		n := binary.BigEndian.Uint32(data)
		if data = data[4:]; uint64(n) > uint64(len(data)) {
			return errNotProtobuf
		}
		if err := b.addTraces(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func (b *batch) addTraces(data []byte) error {
	return fields(data, func(number protowire.Number, _ uint64, value []byte) error {
		if number != tracesResourceSpans || value == nil {
			return nil
		}
		return b.addResource(value)
	})
}

// addResource reads ResourceSpans twice: the service may stand behind its spans.
func (b *batch) addResource(data []byte) error {
	service := ""
	err := fields(data, func(number protowire.Number, _ uint64, value []byte) error {
		if number != resourceSpansOf || value == nil {
			return nil
		}
		return fields(value, func(number protowire.Number, _ uint64, value []byte) error {
			if number != resourceAttributes || value == nil {
				return nil
			}
			key, text, err := attribute(value)
			if key == serviceName {
				service = text
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	return fields(data, func(number protowire.Number, _ uint64, scope []byte) error {
		if number != resourceSpansScopes || scope == nil {
			return nil
		}
		return fields(scope, func(number protowire.Number, _ uint64, span []byte) error {
			if number != scopeSpansSpans || span == nil {
				return nil
			}
			r, err := protoSpan(span)
			if err != nil {
				return err
			}
			r.service = service
			return b.add(&r)
		})
	})
}

// attribute returns the key of a KeyValue and its value if that is text.
func attribute(data []byte) (key, text string, err error) {
	err = fields(data, func(number protowire.Number, _ uint64, value []byte) error {
		switch number {
		case keyValueKey:
			key = string(value)
		case keyValueValue:
			return fields(value, func(number protowire.Number, _ uint64, value []byte) error {
				if number == anyValueString {
					text = string(value)
				}
				return nil
			})
		}
		return nil
	})
	return key, text, err
}

func protoSpan(data []byte) (record, error) {
	var r record
	var start, end uint64
	attributed := 0.0
	err := fields(data, func(number protowire.Number, n uint64, value []byte) error {
		switch number {
		case spanTraceID:
			r.trace = identifier(value)
		case spanID:
			r.span = identifier(value)
		case spanTraceState:
			r.probability = stateProbability(string(value))
		case spanParentID:
			r.parent = identifier(value)
		case spanName:
			r.operation = string(value)
		case spanKind:
			r.setKind(n)
		case spanStart:
			start = n
		case spanEnd:
			end = n
		case spanAttributes:
			p, err := protoProbability(value)
			attributed = max(attributed, p)
			return err
		case spanStatus:
			return fields(value, func(number protowire.Number, n uint64, _ []byte) error {
				r.failed = r.failed || number == statusCode && n == statusError
				return nil
			})
		}
		return nil
	})
	r.probability = cmp.Or(r.probability, attributed)
	r.badTime = start == 0 || end == 0 || start > math.MaxInt64 || end > math.MaxInt64
	if !r.badTime {
		r.start, r.end = int64(start), int64(end)
	}
	return r, err
}

// identifier is an id in hexadecimal, empty if it is zeros.
func identifier(id []byte) string {
	for _, c := range id {
		if c != 0 {
			return hex.EncodeToString(id)
		}
	}
	return ""
}

// fields calls take with each field of a message: its number, and its value as a number or, not nil, as bytes.
func fields(data []byte, take func(number protowire.Number, n uint64, value []byte) error) error {
	for len(data) > 0 {
		number, kind, length := protowire.ConsumeTag(data)
		if length < 0 {
			return fmt.Errorf("protobuf: %w", protowire.ParseError(length))
		}
		data = data[length:]
		var n uint64
		var value []byte
		switch kind {
		case protowire.VarintType:
			n, length = protowire.ConsumeVarint(data)
		case protowire.Fixed64Type:
			n, length = protowire.ConsumeFixed64(data)
		case protowire.BytesType:
			value, length = protowire.ConsumeBytes(data)
			if length >= 0 && value == nil {
				value = []byte{}
			}
		default:
			length = protowire.ConsumeFieldValue(number, kind, data)
		}
		if length < 0 {
			return fmt.Errorf("protobuf, field %d: %w", number, protowire.ParseError(length))
		}
		data = data[length:]
		if err := take(number, n, value); err != nil {
			return err
		}
	}
	return nil
}

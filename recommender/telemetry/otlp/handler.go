package otlp

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	collectormetrics "go.opentelemetry.io/proto/otlp/collector/metrics/v1"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	status "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"k8s.io/utils/clock"
)

// Media types of OTLP/HTTP.
const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// Limits bound what is worked on.
type Limits struct {
	Body      int           // bytes of one request, uncompressed
	Requests  int           // requests read or worked on at once; more are told to come again
	Attribute int           // bytes of a name or other attribute that is used
	MaxAge    time.Duration // older data are refused
	Reading   time.Duration // for which a request's body is waited for: meanwhile it is one of Requests
}

// receiver reads requests into records.
type receiver struct {
	sink     Sink
	clock    clock.PassiveClock
	limits   Limits
	counters Counters
	slots    chan struct{} // one for each request that is read or worked on
	decoding chan struct{} // one for each that is decoded
}

// decodings are how many bodies are decoded at once: decoded, one takes twenty times its size at worst. The others wait with what they have read,
// so that senders whose bodies come slowly keep nobody else out.
const decodings = 4

// Handler serves POST /v1/traces and POST /v1/metrics as the OTLP specification, section "OTLP/HTTP", has it.
func Handler(sink Sink, c clock.PassiveClock, limits Limits, counters Counters) http.Handler {
	s := &receiver{sink: sink, clock: c, limits: limits, counters: counters}
	s.slots, s.decoding = make(chan struct{}, limits.Requests), make(chan struct{}, decodings)
	mux := http.NewServeMux()
	mux.Handle("POST /v1/traces", s.endpoint(SpanSignal, s.exportSpans))
	mux.Handle("POST /v1/metrics", s.endpoint(PointSignal, s.exportPoints))
	return mux
}

// refusal is an answer other than success.
type refusal struct {
	code    int
	message string
}

func (r *refusal) Error() string { return r.message }

// endpoint answers one signal: export takes a body in and makes the answer's message.
func (s *receiver) endpoint(signal string, export func(body []byte, json bool) (proto.Message, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, isJSON, err := s.serve(w, r, export)
		code := http.StatusOK
		if err != nil {
			var why *refusal
			if !errors.As(err, &why) {
				why = &refusal{http.StatusBadRequest, err.Error()}
			}
			code = why.code
			answer = &status.Status{Code: int32(grpcCode(code)), Message: strings.ToValidUTF8(why.message, "?")}
		}
		s.counters.Requests.WithLabelValues(signal, strconv.Itoa(code)).Inc()
		write(w, code, isJSON, answer)
	})
}

func (s *receiver) serve(
	w http.ResponseWriter, r *http.Request, export func([]byte, bool) (proto.Message, error),
) (answer proto.Message, isJSON bool, err error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != protobufType && media != jsonType {
		return nil, false, &refusal{http.StatusUnsupportedMediaType, "Content-Type must be " + protobufType + " or " + jsonType}
	}
	isJSON = media == jsonType
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		w.Header().Set("Retry-After", "1")
		return nil, isJSON, &refusal{http.StatusServiceUnavailable, "too many requests at once: send again"}
	}
	// The deadline is the connection's, so it is real time; the server takes it away before the next request. A writer that has no
	// deadlines has no connection to wait for.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.limits.Reading))
	body, err := s.body(w, r)
	if err != nil {
		return nil, isJSON, err
	}
	s.decoding <- struct{}{}
	defer func() { <-s.decoding }()
	answer, err = export(body, isJSON)
	return answer, isJSON, err
}

// body reads a request's body and uncompresses it, up to the limit either way.
func (s *receiver) body(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var reader io.Reader = http.MaxBytesReader(w, r.Body, int64(s.limits.Body))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unzip, err := gzip.NewReader(reader)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, s.slow()
		case err != nil:
			return nil, fmt.Errorf("reading the gzip header: %w", err)
		}
		reader = unzip
	default:
		return nil, &refusal{http.StatusUnsupportedMediaType, "Content-Encoding must be gzip or none"}
	}
	body, err := io.ReadAll(io.LimitReader(reader, int64(s.limits.Body)+1))
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, s.slow()
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || len(body) > s.limits.Body {
		return nil, &refusal{
			http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes uncompressed: send smaller batches", s.limits.Body),
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	return body, nil
}

// slow tells a sender that it took too long.
func (s *receiver) slow() error {
	return &refusal{http.StatusServiceUnavailable, fmt.Sprintf("the body did not come within %s: send again", s.limits.Reading)}
}

func (s *receiver) exportSpans(body []byte, isJSON bool) (proto.Message, error) {
	var request collectortrace.ExportTraceServiceRequest
	if err := decode(body, isJSON, &request, s.limits.Body); err != nil {
		return nil, fmt.Errorf("decoding spans: %w", err)
	}
	if isJSON {
		fromHex(&request)
	}
	answer := &collectortrace.ExportTraceServiceResponse{}
	if n, why := s.addSpans(request.GetResourceSpans()).blamed(); n > 0 {
		answer.PartialSuccess = &collectortrace.ExportTracePartialSuccess{RejectedSpans: int64(n), ErrorMessage: why.message()}
	}
	return answer, nil
}

func (s *receiver) exportPoints(body []byte, isJSON bool) (proto.Message, error) {
	var request collectormetrics.ExportMetricsServiceRequest
	if err := decode(body, isJSON, &request, s.limits.Body); err != nil {
		return nil, fmt.Errorf("decoding metrics: %w", err)
	}
	answer := &collectormetrics.ExportMetricsServiceResponse{}
	if n, why := s.addPoints(request.GetResourceMetrics()).blamed(); n > 0 {
		answer.PartialSuccess = &collectormetrics.ExportMetricsPartialSuccess{RejectedDataPoints: int64(n), ErrorMessage: why.message()}
	}
	return answer, nil
}

// grpcCode is the code that an OTLP Status has beside an HTTP one.
func grpcCode(http int) codes.Code {
	if http == 503 {
		return codes.Unavailable
	}
	return codes.InvalidArgument
}

// write sends a message in the form that the request had.
func write(w http.ResponseWriter, code int, isJSON bool, message proto.Message) {
	media, marshal := protobufType, proto.Marshal
	if isJSON {
		media, marshal = jsonType, protojson.Marshal
	}
	body, err := marshal(message)
	if err != nil { // a message of ours that is none
		code, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", media)
	w.WriteHeader(code)
	_, _ = w.Write(body) // a sender that is gone sends again
}

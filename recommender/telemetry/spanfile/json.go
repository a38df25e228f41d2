package spanfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// document is a JSON value of a file: Jaeger's or OTLP's.
type document struct {
	Data          *[]jaegerTrace    `json:"data"`
	Errors        []jaegerError     `json:"errors"`
	ResourceSpans *[]*resourceSpans `json:"resourceSpans"`
}

// readJSON reads all JSON values of a file.
func (b *batch) readJSON(data []byte) error {
	if n := bytes.Count(data, []byte("{")); n > b.set.limits.Objects {
		return fmt.Errorf("more than %d JSON objects: split the file by traces", b.set.limits.Objects)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		var d document
		before := decoder.InputOffset()
		switch err := decoder.Decode(&d); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return where(err, data, before)
		}
		if err := b.addDocument(&d); err != nil {
			blank := len(data[before:]) - len(bytes.TrimLeft(data[before:], " \t\r\n"))
			line, _ := lineOf(data, before+int64(blank))
			return fmt.Errorf("value from line %d: %w", line, err)
		}
	}
}

func (b *batch) addDocument(d *document) error {
	switch {
	case d.ResourceSpans != nil:
		return b.addResources(*d.ResourceSpans)
	case d.Data != nil:
		for i := range *d.Data {
			if err := b.addJaeger(&(*d.Data)[i]); err != nil {
				return fmt.Errorf("data[%d]%w", i, err)
			}
		}
		return nil
	case len(d.Errors) > 0:
		return fmt.Errorf("an answer of Jaeger without traces: %q", d.Errors[0].Message)
	}
	return errors.New(`neither "data" (Jaeger) nor "resourceSpans" (OTLP) in it`)
}

// where says in which line and column a JSON error is. Decoders count type errors from the start of a value.
func where(err error, data []byte, before int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	at := int64(len(data))
	what := "it ends early"
	switch {
	case errors.As(err, &syntax):
		at, what = syntax.Offset, syntax.Error()
	case errors.As(err, &kind):
		at, what = before+kind.Offset, fmt.Sprintf("field %q is %s, expected %s", kind.Field, kind.Value, form(kind.Type))
		if kind.Field == "" {
			what = kind.Value + " where an object with \"data\" (Jaeger) or \"resourceSpans\" (OTLP) is expected"
		}
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("JSON: %w", err)
	}
	line, column := lineOf(data, at)
	return fmt.Errorf("JSON, line %d, column %d: %s", line, column, what)
}

// form says in words what JSON a field is expected to have.
func form(t reflect.Type) string {
	if t == nil {
		return "a number or text" // see textNumber
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Int64:
		return "a whole number without quotation marks"
	case reflect.String:
		return "text in quotation marks"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// lineOf turns the offset behind a byte into its line and column, from 1.
func lineOf(data []byte, offset int64) (line, column int) {
	head := data[:min(max(offset, 0), int64(len(data)))]
	return bytes.Count(head, []byte("\n")) + 1, len(head) - bytes.LastIndexByte(head, '\n') - 1
}

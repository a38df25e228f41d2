package spanfile

import (
	"bytes"
	"errors"
)

// read finds out what a file is and reads it.
func (b *batch) read(data []byte) error {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	text := bytes.TrimLeft(data, " \t\r\n")
	head, _, _ := bytes.Cut(text, []byte("\n"))
	switch {
	case len(text) == 0:
		return errors.New("the file is empty")
	case data[0] == firstByteOfTraceData && !isText(text): // 0x0a is also a line feed
		return b.readProtobuf(data)
	case text[0] == '{' || text[0] == '[':
		return b.readJSON(data)
	case isText(head) && bytes.Contains(head, []byte(",")):
		return b.readCSV(data)
	default:
		return b.readProtobuf(data)
	}
}

// isText reports whether the first bytes have no control characters, of which protobuf has some.
func isText(data []byte) bool {
	return !bytes.ContainsFunc(data[:min(len(data), 64)], func(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' })
}

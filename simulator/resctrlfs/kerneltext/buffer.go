package kerneltext

import "fmt"

// Buffer is a text of bounded length that messages are added to (lib/seq_buf.c). Once a message did not fit, nothing is added any more. The
// zero value holds nothing at all; use NewBuffer.
type Buffer struct {
	size   int // one byte is kept for the NUL
	kernel Kernel
	text   string
	full   bool
}

// NewBuffer returns an empty buffer of so many bytes, of which one is not used. Messages are given in a modern kernel's words and
// kept in those of the given one.
func NewBuffer(size int, kernel Kernel) *Buffer { return &Buffer{size: size, kernel: kernel} }

// Clear empties the buffer (seq_buf_clear).
func (b *Buffer) Clear() { b.text, b.full = "", false }

// Puts adds a message, or drops it as a whole where it does not fit (seq_buf_puts).
func (b *Buffer) Puts(text string) {
	text = b.kernel.word(text)
	if b.full = b.full || len(b.text)+len(text) >= b.size; !b.full {
		b.text += text
	}
}

// Printf adds a message, cut where it does not fit (seq_buf_vprintf).
func (b *Buffer) Printf(format string, args ...any) {
	if b.full {
		return
	}
	b.text += fmt.Sprintf(b.kernel.word(format), args...)
	if len(b.text) >= b.size {
		b.text, b.full = b.text[:b.size-1], true
	}
}

// String returns what has been added.
func (b *Buffer) String() string { return b.text }
